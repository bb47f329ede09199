"""--launcher=ray: tasks of a Ray cluster, or of a Ray that is started here and stopped again.

Which cluster: Ray's own rules, e.g. RAY_ADDRESS. Its machines see the same disk, and the same Python
at the same place. A machine that is lost costs what its runs did since their last checkpoints: Ray makes
them elsewhere, and they go on.

<out>/ray/<n>/tasks.json   <number>.log
"""

from __future__ import annotations

import dataclasses
import logging
import os
from typing import Any

from tfvae.checks import UserError, one_line, within
from zoo.command import console
from zoo.comparison.launchers.launcher import Launcher
from zoo.comparison.launchers.shared_disk import Batch, environment, next_folder

__all__ = ["Ray"]

_GRACE = 30.0  # seconds for runs that are told to stop


@dataclasses.dataclass(frozen=True)
class Ray(Launcher):
    """Attributes:
    processes: runs at once; `None`: as many as there are cores for.
    cores: of each run.
    gpus: of each run.
    """

    processes: int | None = None
    cores: int = 1
    gpus: int = 0

    def __post_init__(self):
        within("--processes", 1 if self.processes is None else self.processes, 1, 100_000)
        within("--cores", self.cores, 1, 10_000)
        within("--gpus", self.gpus, 0, 10_000)

    def run(self, tasks, out, ended, over=None):
        del over  # no run is cut here
        if not tasks:
            return
        ray = _begun()
        try:
            self._run(ray, Batch.leave(next_folder(os.path.join(out, "ray")), tasks), ended)
        finally:
            ray.shutdown()

    def _run(self, ray, batch: Batch, ended) -> None:
        size = {"num_cpus": self.cores, "num_gpus": self.gpus}
        largest = {name: _largest(ray, name) for name in ("CPU", "GPU")}
        if self.cores > largest["CPU"] or self.gpus > largest["GPU"]:
            console.say(
                f"waiting for a machine of {self.cores} cores and {self.gpus} GPUs; the largest now has "
                f"{largest['CPU']:g} and {largest['GPU']:g}"
            )
        make = ray.remote(**size)(_maker())
        given = batch.command(), os.getcwd(), environment(self.cores)
        running: dict[Any, int] = {}
        try:
            for number, task in enumerate(batch.tasks):
                while self.processes is not None and len(running) >= self.processes:
                    _one(ray, batch, running, ended)
                console.say(task.words)
                running[make.remote(*given, number, batch.log(number))] = number
            while running:
                _one(ray, batch, running, ended)
        except BaseException:  # the runs end as by a key
            for made in running:
                ray.cancel(made)
            if running:
                ray.wait(list(running), num_returns=len(running), timeout=_GRACE)
            raise


def _one(ray, batch: Batch, running: dict[Any, int], ended) -> None:
    """Waits for the next that ends."""
    (done,), _ = ray.wait(list(running))
    number = running.pop(done)
    why = batch.why(number)
    try:
        ray.get(done)
    except ray.exceptions.RayError as error:  # its machine, or Ray itself
        why = why and one_line(str(error), 300)
    ended(batch.tasks[number], why)


def _begun():
    """Ray, connected to its cluster.

    Raises:
        UserError: it is not installed, or its cluster is not there.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
    try:
        import ray
    except ImportError as error:
        raise UserError("--launcher=ray needs Ray: pip install 'tfvae[ray]'") from error
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UserError(f"Ray does not begin: {one_line(str(error), 300)}") from error
    return ray


def _largest(ray, resource: str) -> float:
    alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return max((held.get(resource, 0.0) for held in alive), default=0.0)


def _maker():
    """A function that travels by value: a worker of Ray need not know this package."""

    def make(command, folder, further, number, log):
        import os
        import subprocess
        import time

        words, environment = [*command, str(number)], {**os.environ, **further}
        with open(log, "ab") as stream:
            process = subprocess.Popen(
                words, cwd=folder, env=environment, stdout=stream, stderr=stream
            )
            try:
                while process.poll() is None:
                    time.sleep(0.2)  # and no `wait`, in which nothing hears that it is to stop
            except BaseException:
                process.terminate()
                process.wait()
                raise
        return process.returncode

    return make


LAUNCHER = Ray
