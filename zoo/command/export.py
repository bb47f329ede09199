"""tfvae export RUN_DIRECTORY --format=onnx|litert|saved_model: the trained model as files that are served.

encode, decode and reconstruct, each a file of its own in RUN_DIRECTORY/FORMAT; as ONNX and LiteRT each is run
by its runtime and compared with the model before it is kept.
"""

from __future__ import annotations

import os

from zoo.command import console

__all__ = ["main"]

_FORMATS = ("onnx", "litert", "saved_model")


def _arguments() -> console.Arguments:
    parser = console.Arguments("tfvae export", description=__doc__)
    add = parser.add_argument
    add("run", help="a run directory")
    add("--format", choices=_FORMATS, required=True, help="of the files")
    add("--out", help="the directory to write; default: RUN_DIRECTORY/FORMAT")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


def main(words=None) -> int:
    """0, or 2 where that run or operation cannot be exported."""
    asked = _arguments().parse_args(words)
    return console.command("export", lambda: _work(asked), asked.debug)


def _work(asked) -> None:
    from tfvae import training
    from zoo.command import run

    model = run.load(asked.run)
    path = os.path.join(asked.run, asked.format) if asked.out is None else asked.out
    if asked.format == "saved_model":
        training.export.export_saved_model(model, path)
        print(path)
        return
    found = training.formats.export_format(model, asked.format, path)
    ending = training.formats.FORMATS[asked.format][0]
    for name, difference in found.items():
        file = os.path.join(path, f"{name}.{ending}")
        print(f"{file}  {os.path.getsize(file):,} bytes, differs by at most {difference:.1e}")
