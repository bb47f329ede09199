"""python -m zoo.benchmarks NAME [--seeds=0,1,2] [--out=runs/benchmarks] [--only=ROW] [--processes=N]"""

from __future__ import annotations

import sys

from zoo.command import console

NAMES = (
    "anomaly",
    "categories",
    "cost",
    "documents",
    "fair",
    "few_labels",
    "fsdd",
    "gaps",
    "iwae",
    "lagging",
    "linear",
    "mixmarkov",
    "mnist",
    "nuisance",
    "ptb",
    "regularisers",
    "samplers",
    "sphere",
    "sphere_text",
    "sprites",
    "synthetic",
    "vamp",
    "vib",
    "vlae",
)


def _arguments() -> console.Arguments:
    parser = console.Arguments("python -m zoo.benchmarks", description=__doc__)
    add = parser.add_argument
    add("name", choices=NAMES, help="whose rows are run")
    add("--seeds", default="1", help="how many, from 0 on; or these, with commas between")
    add("--out", default="runs/benchmarks", help="where tables and figures are left")
    add("--only", action="append", default=[], help="the name of a row; repeatable; default: all")
    add("--processes", type=int, default=1, help="rows at once, each with its share of the cores")
    add("--data_dir", help="where the data's files lie")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


def main(words=None) -> int:
    """Runs one benchmark; the status is 1 if an assertion does not hold, 2 for a wrong command."""
    asked = _arguments().parse_args(words)
    console.share_cores(asked.processes)
    stopped = "stopped; the same command goes on where it was"
    return console.command("benchmarks", lambda: _work(asked), asked.debug, stopped)


def _work(asked) -> int:
    from tfvae.checks import one_of, place, within
    from zoo.benchmarks import table
    from zoo.command.seeds import seeds

    chosen = seeds(asked.seeds)
    for row in asked.only:
        one_of("row", row, [r.name for r in table.load(asked.name).rows])
    within("--processes", asked.processes, 1, console.MOST_PROCESSES)
    place("--out", asked.out)
    if asked.data_dir is not None:
        place("--data_dir", asked.data_dir)
    held = table.run_all(asked.name, chosen, asked.out, asked.only, asked.data_dir, asked.processes)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
