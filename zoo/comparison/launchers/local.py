"""--launcher=local: processes of this machine."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading

from tfvae.checks import within
from zoo.command import console
from zoo.comparison.launchers.launcher import Launcher
from zoo.comparison.runs import Processes

__all__ = ["Local"]


@dataclasses.dataclass(frozen=True)
class Local(Launcher):
    """Attributes:
    processes: runs at once, each with its share of the cores.
    """

    processes: int = 1

    def __post_init__(self):
        within("--processes", self.processes, 1, console.MOST_PROCESSES)

    def run(self, tasks, out, ended):
        made, one_at_a_time = Processes(), threading.Lock()

        def do(task) -> None:
            console.say(task.words)
            why = made.run(task.words, task.workdir)
            with one_at_a_time:
                ended(task, why)

        pool = concurrent.futures.ThreadPoolExecutor(self.processes)
        try:
            list(pool.map(do, tasks))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            made.stop()
            raise
        finally:
            pool.shutdown()


LAUNCHER = Local
