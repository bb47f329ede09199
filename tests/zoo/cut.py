"""Runs that are cut short and go on: what is left of them at the end."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from tfvae import training
from tfvae.training import callbacks
from zoo.command import report, run


class Killed(BaseException):
    """What a test raises in place of a signal."""


def ending(resolved, monkeypatch, cuts=0):
    """({name: value} of all that the last checkpoint holds, metrics.jsonl) of a run cut so many times.

    The first cut comes at the first checkpoint of the first stage, the next at that of the second, and
    so on: with as many cuts as stages, every one is left before it is done.
    """
    kept = {}

    def write(resolved, described, kind, data, model, last, seconds, directory):
        state = {"model": last.model, **last.procedure.state()}
        kept["values"] = {
            f"{name}/{number}": variable.numpy()
            for name, part in state.items()
            for number, variable in enumerate(getattr(part, "variables", [part]))
        }
        kept["rows"] = directory.metrics()
        return {}

    with monkeypatch.context() as patch:
        patch.setattr(report, "write", write)
        for number in range(cuts):
            with patch.context() as inner, pytest.raises(Killed):
                _kill_in(inner, number)
                run.run(resolved, resume=number > 0)
        run.run(resolved, resume=cuts > 0)
    return kept["values"], kept["rows"]


def _kill_in(patch, number):
    """Raises at the first checkpoint of the stage of that number, unless it is its end."""
    begun, train, save = [], training.train, callbacks.Checkpointer.at_step

    def beginning(stage, *arguments, **more):
        begun.append(stage)
        return train(stage, *arguments, **more)

    def at_step(self, step, logs):
        save(self, step, logs)
        if len(begun) == number + 1 and step % self.every == 0 and step < self.last:
            raise Killed

    patch.setattr(training, "train", beginning)
    patch.setattr(callbacks.Checkpointer, "at_step", at_step)


def killed_and_whole(words, tmp_path, name):
    """(--out of a command that was killed within its run of that name and given again, that of a whole one).

    Args:
        words: of Python's, for a command that has --out.
    """
    root = pathlib.Path(__file__).parents[2]
    words = [sys.executable, *words]
    piped = {"cwd": root, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    whole, out = tmp_path / "whole", tmp_path / "cut"
    assert subprocess.call([*words, f"--out={whole}"], timeout=600, **piped) == 0
    process = subprocess.Popen([*words, f"--out={out}"], start_new_session=True, **piped)
    rows = out / name / "metrics.jsonl"
    while process.poll() is None and not (rows.exists() and rows.read_bytes().count(b"\n") > 3):
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / name / "report.json").exists()
    assert subprocess.call([*words, f"--out={out}"], timeout=600, **piped) == 0
    return out, whole
