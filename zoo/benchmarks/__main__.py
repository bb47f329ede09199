"""python -m zoo.benchmarks NAME [--seeds=0,1,2] [--out=runs/benchmarks] [--only=ROW] [--processes=N]"""

from __future__ import annotations

import sys

from absl import app, flags

from zoo import console

NAMES = ("fsdd", "linear", "mixmarkov", "mnist", "ptb", "sprites", "synthetic")

_SEEDS = flags.DEFINE_list("seeds", ["0"], "each row is run with each of them")
_OUT = flags.DEFINE_string("out", "runs/benchmarks", "where tables and figures are left")
_ONLY = flags.DEFINE_multi_string("only", [], "the name of a row; repeatable; default: all")
_PROCESSES = flags.DEFINE_integer(
    "processes", 1, "rows at once, each with its share of the cores", lower_bound=1
)
_DATA = flags.DEFINE_string("data_dir", None, "where the data's files lie")


def main(argv) -> int:
    """Runs one benchmark; the status is 1 if an assertion does not hold, 2 for a wrong command."""
    console.share_cores(_PROCESSES.value)
    console.import_tensorflow()
    from tfvae.checks import UserError, one_of
    from zoo.benchmarks import table

    try:
        name = one_of("benchmark", argv[1] if len(argv) == 2 else "", NAMES)
        for row in _ONLY.value:
            one_of("row", row, [r.name for r in table.load(name).rows])
        seeds = [int(seed) for seed in _SEEDS.value]
        held = table.run_all(name, seeds, _OUT.value, _ONLY.value, _DATA.value, _PROCESSES.value)
    except (UserError, ValueError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0 if held else 1


if __name__ == "__main__":
    app.run(main)
