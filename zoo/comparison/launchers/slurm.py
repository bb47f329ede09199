"""--launcher=slurm: an array of one job; `sbatch` takes it, `squeue` says what of it is left.

<out>/slurm/jobs.json        [{"id": of the array, "folder": of its batch, "tasks": [[words, run directory]]}]
<out>/slurm/<n>/array.sh     what was handed to sbatch, tasks.json, <number>.log

A comparison that is killed leaves its array in the queue. The same command waits for what of it is left,
and hands over only what no array makes.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess
import time
from collections.abc import Sequence

from tfvae.checks import UserError, one_line, within
from tfvae.training.reading import json_object
from tfvae.training.run_directory import write_atomically
from zoo.command import console
from zoo.comparison.launchers.launcher import Launcher, Task
from zoo.comparison.launchers.shared_disk import Batch, environment, next_folder

__all__ = ["Slurm"]

_LOOK = 10.0  # seconds between looks at the queue
_OURS = ("--array", "-a", "--output", "-o", "--error", "-e", "--wrap", "--wait", "-W", "--parsable")
_SCRIPT = """#!/bin/sh
#SBATCH --job-name=tfvae
#SBATCH --array=0-{last}{at_once}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={cores}
{gpus}#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output="{log}"
{exports}
cd {here}
exec {command} "$SLURM_ARRAY_TASK_ID"
"""


class _Job:
    """An array that was handed over.

    Attributes:
        id: Slurm's.
        batch: its runs.
        left: the numbers of those that have not ended.
    """

    def __init__(self, id: str, batch: Batch):
        self.id, self.batch = id, batch
        self.left = set(range(len(batch.tasks)))

    def runs(self) -> dict[int, str]:
        """{number: run directory} of what is left."""
        return {i: os.path.abspath(self.batch.tasks[i].workdir) for i in sorted(self.left)}


@dataclasses.dataclass(frozen=True)
class Slurm(Launcher):
    """Attributes:
    processes: of the array at once; `None`: as many as Slurm starts.
    cores: of each run.
    gpus: of each run.
    sbatch: further options, e.g. `--partition=long`.
    """

    processes: int | None = None
    cores: int = 1
    gpus: int = 0
    sbatch: Sequence[str] = ()

    def __post_init__(self):
        within("--processes", 1 if self.processes is None else self.processes, 1, 100_000)
        within("--cores", self.cores, 1, 10_000)
        within("--gpus", self.gpus, 0, 10_000)
        for word in self.sbatch:
            name = word.partition("=")[0]
            if not word.startswith("-") or name in _OURS:
                raise UserError(
                    f"--sbatch must be one option of sbatch, as in --sbatch=--time=2:00:00, and none of "
                    f"{', '.join(_OURS)}; got {word[:80]!r}"
                )

    def run(self, tasks, out, ended, over=None):
        del over  # no run is cut here
        place = os.path.join(out, "slurm")
        asked = {os.path.abspath(task.workdir): task for task in tasks}
        jobs = [job for job in _remembered(place) if _look(job)]
        made = {workdir: job for job in jobs for workdir in job.runs().values()}
        for workdir, task in asked.items():
            _refuse_another(task, workdir, made.get(workdir))
        known = sum(workdir in made for workdir in asked)
        if known:
            console.say(f"{known} runs are in the queue already")
        missing = [task for workdir, task in asked.items() if workdir not in made]
        if missing:
            jobs.append(self._hand_over(missing, place))
            write_atomically(_file(place), json.dumps({"jobs": _plain(jobs)}, indent=1).encode())
        try:
            _wait(jobs, asked, ended)
        except KeyboardInterrupt:
            ids = " ".join(job.id for job in jobs if job.left)
            console.say(f"what was handed over goes on; scancel {ids} ends it")
            raise

    def _hand_over(self, tasks: Sequence[Task], place: str) -> _Job:
        batch = Batch.leave(next_folder(place), tasks)
        script = os.path.join(batch.folder, "array.sh")
        write_atomically(script, self._script(batch).encode())
        said = _ask("sbatch", "--parsable", *self.sbatch, script).strip()
        job = _Job(said.partition(";")[0], batch)
        console.say(f"handed over as {job.id}: {len(tasks)} runs; {script}")
        return job

    def _script(self, batch: Batch) -> str:
        exports = environment(self.cores)
        return _SCRIPT.format(
            last=len(batch.tasks) - 1,
            at_once=f"%{self.processes}" if self.processes else "",
            cores=self.cores,
            gpus=f"#SBATCH --gpus-per-task={self.gpus}\n" if self.gpus else "",
            log=batch.log("%a"),
            exports="\n".join(f"export {k}={shlex.quote(v)}" for k, v in exports.items()),
            here=shlex.quote(os.getcwd()),
            command=shlex.join(batch.command()),
        )


def _wait(jobs: Sequence[_Job], asked: dict[str, Task], ended) -> None:
    """Until no run that was asked for is left; others may be."""
    while True:
        for job in jobs:
            before = job.runs()
            left = _look(job)
            for number, workdir in before.items():
                if number not in left and workdir in asked:
                    ended(asked[workdir], job.batch.why(number))
        if not any(workdir in asked for job in jobs for workdir in job.runs().values()):
            return
        time.sleep(_LOOK)


def _look(job: _Job) -> set[int]:
    """The numbers of it that wait or run; they only become fewer."""
    done = _done("squeue", "--noheader", "--array", "--format=%K", f"--jobs={job.id}")
    if done.returncode == 0:
        job.left &= {int(word) for word in done.stdout.split() if word.isdecimal()}
    elif "invalid job id" in done.stderr.lower():  # Slurm forgets a job soon after its end
        job.left = set()
    else:
        console.say(f"squeue: {one_line(done.stderr, 300)}; asked again")
    return job.left


def _refuse_another(task: Task, workdir: str, job: _Job | None) -> None:
    """Of a run that an array makes from another command."""
    if job is None:
        return
    words = {os.path.abspath(t.workdir): t.words for t in job.batch.tasks}[workdir]
    if words != task.words:
        raise UserError(
            f"job {job.id} makes {task.workdir} by another command: {words}; wait for it, or end it "
            f"by scancel {job.id}"
        )


def _remembered(place: str) -> list[_Job]:
    if not os.path.exists(_file(place)):
        return []
    found = []
    for held in json_object(_file(place)).get("jobs", []):
        tasks = [Task(None, words, workdir) for words, workdir in held["tasks"]]
        found.append(_Job(held["id"], Batch(held["folder"], tasks)))
    return found


def _plain(jobs: Sequence[_Job]) -> list[dict]:
    return [
        {
            "id": job.id,
            "folder": job.batch.folder,
            "tasks": [[task.words, os.path.abspath(task.workdir)] for task in job.batch.tasks],
        }
        for job in jobs
    ]


def _file(place: str) -> str:
    return os.path.join(place, "jobs.json")


def _ask(*words: str) -> str:
    """What a program of Slurm says.

    Raises:
        UserError: it is not here, or refuses.
    """
    done = _done(*words)
    if done.returncode:
        raise UserError(f"{words[0]} refuses: {one_line(done.stderr or done.stdout, 500)}")
    return done.stdout


def _done(*words: str) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise UserError(
            f"--launcher=slurm needs {words[0]}, which is not here: type the command where jobs are "
            "handed over"
        ) from error


LAUNCHER = Slurm
