"""What launchers of other machines share: runs by number from a file on a disk that all of them see.

<out>/<launcher>/<name>/tasks.json   <number>.log
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

from tfvae.training import RunDirectory
from tfvae.training.reading import json_object
from tfvae.training.run_directory import write_atomically
from zoo.comparison.launchers.launcher import Task

__all__ = ["Batch", "environment", "next_folder", "read"]

_ROOT = str(pathlib.Path(__file__).parents[3])
_TAIL = 4096  # bytes of a log in which its last line lies


class Batch(NamedTuple):
    """Runs that were handed over together.

    Attributes:
        folder: where their file and logs lie.
        tasks: number i of the file is the i-th.
    """

    folder: str
    tasks: Sequence[Task]

    @classmethod
    def leave(cls, folder: str, tasks: Sequence[Task]) -> Batch:
        """Writes the file."""
        folder = os.path.abspath(folder)
        held = {"tasks": [[task.words, os.path.abspath(task.workdir)] for task in tasks]}
        write_atomically(os.path.join(folder, "tasks.json"), json.dumps(held, indent=1).encode())
        return cls(folder, tasks)

    def command(self) -> list[str]:
        """What runs one of them, before its number."""
        return [
            sys.executable,
            "-m",
            "zoo.comparison.task",
            os.path.join(self.folder, "tasks.json"),
        ]

    def log(self, number: int | str) -> str:
        """What that one says."""
        return os.path.join(self.folder, f"{number}.log")

    def why(self, number: int) -> str | None:
        """In one line why that one failed; `None` if its run is finished."""
        if RunDirectory.finished(self.tasks[number].workdir) is not None:
            return None
        said = ""
        if os.path.exists(self.log(number)):
            with open(self.log(number), "rb") as stream:
                stream.seek(max(0, os.path.getsize(self.log(number)) - _TAIL))
                said = stream.read().decode(errors="replace").strip().rpartition("\n")[2].strip()
        return f"{said or 'it said nothing'} (see {self.log(number)})"


def next_folder(place: str) -> str:
    """The first of <place>/1, <place>/2 ... that is not there."""
    listed = os.listdir(place) if os.path.isdir(place) else []
    return os.path.join(place, str(1 + max((int(n) for n in listed if n.isdecimal()), default=0)))


def read(path: str) -> list[list[str]]:
    """The [words, run directory] of each."""
    return json_object(path)["tasks"]


def environment(cores: int) -> dict[str, str]:
    """What a run is to find in its environment."""
    known = os.environ.get("PYTHONPATH")
    return {
        "PYTHONPATH": os.pathsep.join([_ROOT, *([known] if known else [])]),
        "TF_NUM_INTRAOP_THREADS": str(cores),
    }
