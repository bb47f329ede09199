"""python -m zoo.comparison.task TASKS.json NUMBER: makes one of the runs that a launcher left there."""

from __future__ import annotations

import sys

from zoo.command import console


def main(words=None) -> int:
    """0 if the run is done, 1 if it failed, 2 for a wrong command."""
    parser = console.Arguments("python -m zoo.comparison.task", description=__doc__)
    parser.add_argument("tasks", help="what a launcher left")
    parser.add_argument("number", type=int, help="of the run in it, from 0")
    asked = parser.parse_args(words)
    stopped = "stopped; the run goes on where it was when it is made again"
    return console.command("task", lambda: _work(asked), False, stopped)


def _work(asked) -> int:
    from tfvae.checks import within
    from zoo.comparison.launchers.shared_disk import read
    from zoo.comparison.runs import Processes

    tasks = read(asked.tasks)
    words, workdir = tasks[within("the number of the run", asked.number, 0, len(tasks) - 1)]
    made = Processes()
    console.say(words)
    try:
        why = made.run(words, workdir)
    except BaseException:
        made.end(workdir)  # a scheduler tells this process alone
        raise
    if why is not None:
        console.say(f"failed: {why}")
    return 0 if why is None else 1


if __name__ == "__main__":
    sys.exit(main())
