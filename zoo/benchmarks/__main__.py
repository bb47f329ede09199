"""python -m zoo.benchmarks NAME [--seeds=0,1,2] [--out=runs/benchmarks] [--only=ROW] [--data_dir=DIR]"""

from __future__ import annotations

import importlib
import sys

from absl import app, flags

from zoo import console

NAMES = ("fsdd", "mixmarkov", "mnist", "ptb", "sprites", "synthetic")

_SEEDS = flags.DEFINE_list("seeds", ["0"], "each row is run with each of them")
_OUT = flags.DEFINE_string("out", "runs/benchmarks", "where tables and figures are left")
_ONLY = flags.DEFINE_multi_string("only", [], "the name of a row; repeatable; default: all")
_DATA = flags.DEFINE_string("data_dir", None, "where the data's files lie")


def main(argv) -> int:
    """Runs one benchmark; the status is 1 if an assertion does not hold, 2 for a wrong command."""
    console.import_tensorflow()
    from tfvae.checks import UserError, one_of
    from zoo.benchmarks import table

    try:
        name = one_of("benchmark", argv[1] if len(argv) == 2 else "", NAMES)
        benchmark = importlib.import_module(f"zoo.benchmarks.{name}").BENCHMARK
        for row in _ONLY.value:
            one_of("row", row, [r.name for r in benchmark.rows])
        seeds = [int(seed) for seed in _SEEDS.value]
        held = table.run_all(name, benchmark, seeds, _OUT.value, _ONLY.value, _DATA.value)
    except (UserError, ValueError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0 if held else 1


if __name__ == "__main__":
    app.run(main)
