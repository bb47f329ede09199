"""The runs of a comparison: where they lie, which of them count, and how one is made."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from tfvae.checks import UserError
from tfvae.training import InUse, RunDirectory, RunLock
from zoo import modalities
from zoo.command import console, plan, run

__all__ = ["Processes", "command", "counted", "folder", "refuse_others"]

_LOOK = 1.0  # seconds between looks at a run that another process makes
_GRACE = 10.0  # for a process that is told to stop


def folder(out: str, name: str, seed: int) -> str:
    """The run directory of a line and a seed."""
    return os.path.join(out, f"{re.sub('[^A-Za-z0-9_.=-]+', '_', name)}_{seed}")


def command(resolved, workdir: str) -> str:
    """What runs it, to be pasted."""
    words = [resolved.command(), f"--workdir={shlex.quote(workdir)}"]
    words += [f"--{name}={getattr(resolved, name)}" for name in ("nll_samples", "nll_examples")]
    return " ".join(words)


# ------------------------------------------------------------------ what counts


def counted(resolved, workdir: str) -> dict[str, Any] | None:
    """The report of a run that is finished and is the one that was asked for, else `None`."""
    report = RunDirectory.finished(workdir)
    if report is None or report.get("seed") != resolved.seed:
        return None
    with contextlib.suppress(UserError):  # a config.json that is lost or damaged
        return None if _other(_held(workdir), resolved.config()) else report
    return None


def refuse_others(found: Sequence[Any], out: str) -> None:
    """Refuses a place where runs lie that are not the ones that are asked for.

    Args:
        found: lines, each with its plans.
        out: where their folders are.

    Raises:
        UserError: names the folder, and the first setting or file that differs.
    """
    known: dict[Any, dict[str, Any]] = {}
    for entry in found:
        for resolved in entry.plans:
            workdir = folder(out, entry.name, resolved.seed)
            if not os.path.exists(os.path.join(workdir, "config.json")):
                continue
            held = _held(workdir)
            other = _other(held, resolved.config())
            if not other:
                key = _data_key(resolved)
                if key not in known:
                    known[key] = _data_of(resolved)
                other = _other(held, known[key])
            if other:
                raise UserError(
                    f"{workdir} is a run of something else: {other}; name another --out, or remove it"
                )


def _held(workdir: str) -> dict[str, Any]:
    return RunDirectory.config_of(workdir, plan.current)


def _other(held: dict[str, Any], asked: dict[str, Any]) -> str | None:
    return RunDirectory.difference({k: v for k, v in held.items() if k in asked}, asked)


def _data_of(resolved) -> dict[str, Any]:
    kind = modalities.of(resolved.dataset)
    return run.data_identity(kind, kind.load(resolved.dataset, resolved.files, resolved.point))


def _data_key(resolved) -> Any:
    """Equal for plans that read the same data."""
    return resolved.dataset, resolved.point["data"]


# ------------------------------------------------------------------ making one


class Processes:
    """Runs, each in a process of its own."""

    def __init__(self):
        self._running: dict[str, subprocess.Popen] = {}

    def run(self, words: str, workdir: str) -> str | None:
        """The command, resumed if it was begun; `None`, or in one line why it failed."""
        _wait_for(workdir)
        begun = os.path.exists(os.path.join(workdir, "config.json"))
        arguments = [sys.executable, *shlex.split(words)[1:], *(["--resume"] if begun else [])]
        arguments[1] = str(pathlib.Path(__file__).parents[2] / arguments[1])
        piped = {"stderr": subprocess.PIPE, "text": True, "errors": "replace"}
        said = "it said nothing"
        with subprocess.Popen(arguments, **piped) as process:
            self._running[workdir] = process
            for line in process.stderr or ():
                sys.stderr.write(line)
                sys.stderr.flush()
                said = line.strip() or said
        self._running.pop(workdir, None)
        if process.returncode < 0:
            return f"killed by {signal.Signals(-process.returncode).name}; {said}"
        return said if process.returncode else None

    def running(self) -> list[str]:
        """The run directories of those that run."""
        return list(self._running)

    def end(self, workdir: str) -> None:
        """Ends that one, as a key would: it leaves what it has."""
        process = self._running.get(workdir)
        if process is not None:
            process.terminate()

    def stop(self) -> None:
        """Ends those that run; what a key stops stops by itself."""
        until = time.monotonic() + _GRACE
        for process in list(self._running.values()):
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.terminate()


def _wait_for(workdir: str) -> None:
    """Until nobody else makes this run: what a killed comparison began may still be at work."""
    said = False
    while True:
        try:
            with RunLock(workdir):
                return
        except InUse as error:
            if not said:
                console.say(f"waiting: {error}")
            said = True
        time.sleep(_LOOK)
