"""What a launcher is asked for."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

__all__ = ["Ended", "Launcher", "Task"]


class Task(NamedTuple):
    """A run that is wanted.

    Attributes:
        plan: `zoo.command.plan.Plan`, with its seed.
        words: the command that makes it, to be pasted.
        workdir: its run directory.
    """

    plan: Any
    words: str
    workdir: str


Ended = Callable[[Task, str | None], None]
"""(a run that ended, in one line why it failed or `None`); from any thread, one after the other."""


@dataclasses.dataclass(frozen=True)
class Launcher(abc.ABC):
    """Makes runs. A run that was begun and is not finished goes on; one that is done is not made again.

    Attributes:
        cuts: whether it can end a run that goes on.
    """

    cuts: ClassVar[bool] = False

    @abc.abstractmethod
    def run(
        self,
        tasks: Sequence[Task],
        out: str,
        ended: Ended,
        over: Callable[[Task], bool] | None = None,
    ) -> None:
        """Makes them all, and returns when the last has ended.

        Args:
            tasks: the runs.
            out: the directory of the comparison, where a launcher may keep what it needs.
            ended: is told of each.
            over: asked now and then of a run that goes on, whether it is to end; only of one that `cuts`.

        Raises:
            UserError: runs cannot be made there at all.
            KeyboardInterrupt: the user stops it.
        """
