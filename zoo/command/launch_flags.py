"""The flags that say where runs are made, the same for all commands that make several; no TensorFlow here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.command import console

__all__ = ["FLAGS", "add_to", "said", "share_cores"]

LOCAL = "local"
FLAGS = {
    "processes": "runs at once; of --launcher=local each has its share of the cores",
    "cores": "of each run, for --launcher=slurm and ray (default 1)",
    "gpus": "of each run, for --launcher=slurm and ray (default 0)",
    "sbatch": "a further option of sbatch, as in --sbatch=--time=2:00:00; repeatable",
}
"""{flag: what --help says}; those of whole numbers, and --sbatch."""
LAUNCHER = "where the runs are made: local (default), slurm, ray, or module:Class"


def add_to(parser) -> None:
    """Adds them to an `argparse` parser."""
    parser.add_argument("--launcher", default=LOCAL, help=LAUNCHER)
    for name, what in FLAGS.items():
        if name == "sbatch":
            parser.add_argument("--sbatch", action="append", default=[], help=what)
        else:
            parser.add_argument(f"--{name}", type=int, help=what)


def said(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Of all that was parsed, what the user said of these."""
    return {name: asked[name] for name in FLAGS if asked[name] not in (None, [])}


def share_cores(asked: Mapping[str, Any]) -> None:
    """Runs at once on this machine do not take the cores from each other; before TensorFlow is imported."""
    if asked["launcher"] in (None, LOCAL):
        console.share_cores(asked["processes"] or 1)
