"""Checkpoints that are whole or not there.

A checkpoint is a folder `step_<N>` with TensorFlow's files, the state of the callbacks and, written
last, a `complete.json` with the size and sha256 of each file. A folder without it, or whose files do
not match it, is a write that was cut short, and is never loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from typing import Any

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.training.run_directory import room, write_atomically

__all__ = ["ExactCheckpoint"]

_MARK = "complete.json"


class ExactCheckpoint:
    """Model, procedure (optimizers, step) and the callbacks' own state, at a step.

    Every draw of a step is a function of seed and step, and the data stream one of the step, so this
    is all there is to a run's state.

    Args:
        directory: where the checkpoints of one stage lie.
        model: a built model.
        procedure: its procedure, built.
        keep: how many of the newest are kept.
    """

    def __init__(self, directory: str, model, procedure, keep: int = 2):
        self.directory = directory
        self.keep = keep
        variables = {_key(i, v): v.value for i, v in enumerate(model.variables)}
        self._checkpoint = tf.train.Checkpoint(
            model=_Named(variables), procedure=_Named(procedure.state())
        )
        self._shapes = {name: list(v.shape) for name, v in variables.items()}
        self._known: set[int] = set()  # written or verified by this object: not hashed again

    def steps(self) -> list[int]:
        """The steps of the whole checkpoints, ascending."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self.directory):
                match = re.fullmatch(r"step_(\d+)", name)
                if match and (
                    int(match[1]) in self._known or _whole(os.path.join(self.directory, name))
                ):
                    found.append(int(match[1]))
        self._known.update(found)
        return sorted(found)

    def save(self, step: int, host: dict[str, Any]) -> None:
        """Writes the checkpoint of `step`; what was there of an earlier attempt is replaced."""
        folder = os.path.join(self.directory, f"step_{step}")
        with room(self.directory):
            self._known.discard(step)
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            write_atomically(os.path.join(folder, "host.json"), json.dumps(host).encode())
            shapes = json.dumps(self._shapes).encode()
            write_atomically(os.path.join(folder, "shapes.json"), shapes)
            self._checkpoint.write(os.path.join(folder, "state"))
            mark = {
                name: _fingerprint(os.path.join(folder, name))
                for name in sorted(os.listdir(folder))
            }
            write_atomically(os.path.join(folder, _MARK), json.dumps(mark).encode())
        for old in self.steps()[: -self.keep]:
            self._known.discard(old)
            shutil.rmtree(os.path.join(self.directory, f"step_{old}"), ignore_errors=True)

    def restore(self) -> tuple[int, dict[str, Any]] | None:
        """Loads the newest whole checkpoint: (its step, the callbacks' state), or `None`.

        Raises:
            UserError: it belongs to another model; the first weight that differs is named.
        """
        self._known.clear()  # what lies there may have changed since it was written
        whole = self.steps()
        if not whole:
            return None
        folder = os.path.join(self.directory, f"step_{whole[-1]}")
        with open(os.path.join(folder, "shapes.json"), encoding="utf-8") as stream:
            held = json.load(stream)
        for name in sorted({*held, *self._shapes}):
            if held.get(name) != self._shapes.get(name):
                raise UserError(
                    f"checkpoint {folder} is of another model: {name} is {held.get(name, 'absent')} "
                    f"there and {self._shapes.get(name, 'absent')} here"
                )
        try:
            status = self._checkpoint.read(os.path.join(folder, "state"))
            status.assert_existing_objects_matched()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise UserError(
                f"checkpoint {folder} is of another model or procedure: {' '.join(str(error).split())[:200]}"
            ) from error
        with open(os.path.join(folder, "host.json"), encoding="utf-8") as stream:
            return whole[-1], json.load(stream)


class _Named(tf.Module):
    """Trackable attributes by name."""

    def __init__(self, items: dict[str, Any]):
        super().__init__()
        for name, item in items.items():
            setattr(self, name, item)


def _key(index: int, variable) -> str:
    """A readable name that is unique, whatever Keras appended to make its own unique."""
    path = re.sub(r"_\d+(?=/|$)", "", variable.path)
    return f"w{index:04d}_{re.sub(r'[^A-Za-z0-9]+', '_', path)}"


def _fingerprint(path: str) -> list:
    found = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 22):
            found.update(chunk)
        os.fsync(stream.fileno())
        return [stream.tell(), found.hexdigest()]


def _whole(folder: str) -> bool:
    try:
        with open(os.path.join(folder, _MARK), encoding="utf-8") as stream:
            mark = json.load(stream)
        return bool(mark) and all(
            _fingerprint(os.path.join(folder, n)) == f for n, f in mark.items()
        )
    except (OSError, ValueError):
        return False
