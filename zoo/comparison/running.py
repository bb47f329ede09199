"""Makes the runs that are missing, and writes what is known after each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from zoo.command import console
from zoo.comparison.launchers import Launcher
from zoo.comparison.launchers.launcher import Task
from zoo.comparison.runs import counted, refuse_others

__all__ = ["run_missing"]


def run_missing(
    found: Sequence[Any],
    tasks: Sequence[Task],
    out: str,
    launcher: Launcher,
    write: Callable[[], str],
) -> int:
    """0 if all is done then, 1 if something failed.

    Args:
        found: lines, each with its plans.
        tasks: their runs.
        out: where the folders of the runs are.
        launcher: makes those that are not done.
        write: leaves what is known so far; what is printed of it at the end.

    Raises:
        UserError: runs of something else lie there.
    """
    refuse_others(found, out)
    write()  # what lay there may be of other models
    failed: dict[str, str] = {}

    def ended(task: Task, why: str | None) -> None:
        if why is not None:
            failed[task.workdir] = why
        write()  # a look at it is worth something

    missing = [task for task in tasks if counted(task.plan, task.workdir) is None]
    launcher.run(missing, out, ended)
    print(write())
    for task in missing:
        if task.workdir in failed:
            console.say(f"failed: {task.workdir}: {failed[task.workdir]}")
    return 1 if failed else 0
