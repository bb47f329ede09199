"""--launcher=local: processes of this machine."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
from typing import ClassVar

from tfvae.checks import within
from zoo.command import console
from zoo.comparison.launchers.launcher import Launcher
from zoo.comparison.runs import Processes

__all__ = ["Local"]

_LOOK = 1.0  # seconds between looks at runs that may be over


@dataclasses.dataclass(frozen=True)
class Local(Launcher):
    """Attributes:
    processes: runs at once, each with its share of the cores.
    """

    cuts: ClassVar[bool] = True
    processes: int = 1

    def __post_init__(self):
        within("--processes", self.processes, 1, console.MOST_PROCESSES)

    def run(self, tasks, out, ended, over=None):
        made, one_at_a_time, done = Processes(), threading.Lock(), threading.Event()
        known = {task.workdir: task for task in tasks}

        def do(task) -> None:
            console.say(task.words)
            why = made.run(task.words, task.workdir)
            with one_at_a_time:
                ended(task, why)

        def look() -> None:
            while not done.wait(_LOOK):
                for workdir in made.running():
                    if over is not None and over(known[workdir]):
                        made.end(workdir)

        looking = threading.Thread(target=look, daemon=True)
        if over is not None:
            looking.start()
        pool = concurrent.futures.ThreadPoolExecutor(self.processes)
        try:
            list(pool.map(do, tasks))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            made.stop()
            raise
        finally:
            pool.shutdown()
            done.set()


LAUNCHER = Local
