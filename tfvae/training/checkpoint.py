"""Checkpoints that are whole or not there.

A checkpoint is a folder `step_<N>` with TensorFlow's files, its step and the state of the callbacks and,
written last, a `complete.json` with the size and sha256 of each file. A folder without it, or whose files
do not match it, or that has another step inside, is never loaded.
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
from tfvae.training.reading import json_object
from tfvae.training.run_directory import room, write_atomically

__all__ = ["ExactCheckpoint"]

_MARK = "complete.json"
_CUT = f"no {_MARK}"
_NEEDED = {"host.json", "shapes.json", "state.index"}


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
        found = [s for s, name in self._folders() if s in self._known or not self._fault(s, name)]
        self._known.update(found)
        return sorted(found)

    def damaged(self) -> dict[int, tuple[str, bool]]:
        """{step by its name: (what is wrong, whether it was only cut short)} of those that are not whole."""
        faults = {s: self._fault(s, name) for s, name in self._folders() if s not in self._known}
        return {s: (fault, fault == _CUT) for s, fault in sorted(faults.items()) if fault}

    def _folders(self) -> list[tuple[int, str]]:
        try:
            names = os.listdir(self.directory)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"cannot read {self.directory}: {error.strerror}") from error
        matches = [re.fullmatch(r"step_(0|[1-9]\d*)", name) for name in names]
        return [(int(m[1]), m[0]) for m in matches if m]

    def _fault(self, step: int, name: str) -> str | None:
        return _fault(os.path.join(self.directory, name), step)

    def save(self, step: int, host: dict[str, Any]) -> None:
        """Writes the checkpoint of `step`; what was there of an earlier attempt is replaced."""
        folder = os.path.join(self.directory, f"step_{step}")
        with room(self.directory):
            self._known.discard(step)
            _remove(folder)
            os.makedirs(folder)
            for name, value in (("host", {"step": step, "host": host}), ("shapes", self._shapes)):
                path = os.path.join(folder, f"{name}.json")
                write_atomically(path, json.dumps(value).encode())
            self._checkpoint.write(os.path.join(folder, "state"))
            mark = {
                name: _fingerprint(os.path.join(folder, name))
                for name in sorted(os.listdir(folder))
            }
            write_atomically(os.path.join(folder, _MARK), json.dumps(mark).encode())
        old = self.steps()[: -self.keep]
        for other, name in self._folders():
            folder = os.path.join(self.directory, name)
            if other in old or not os.path.exists(os.path.join(folder, _MARK)):
                self._known.discard(other)
                _remove(folder)

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
        held = json_object(os.path.join(folder, "shapes.json"))
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
        return whole[-1], json_object(os.path.join(folder, "host.json"))["host"]


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


def _remove(folder: str) -> None:
    """Its mark first: what a kill leaves of it is then known as cut short, and not as damaged."""
    with contextlib.suppress(OSError):
        os.remove(os.path.join(folder, _MARK))
    shutil.rmtree(folder, ignore_errors=True)


def _fault(folder: str, step: int) -> str | None:
    """What is wrong with a checkpoint; `None` of one that is whole."""
    if not os.path.exists(os.path.join(folder, _MARK)):
        return _CUT
    try:
        mark = json_object(os.path.join(folder, _MARK))
        for name in sorted({*_NEEDED, *mark}):
            path = os.path.join(folder, name)
            if not os.path.isfile(path) or _fingerprint(path) != mark.get(name):
                return f"{name} is not as it was written"
        held = json_object(os.path.join(folder, "host.json")).get("step")
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except UserError as error:
        return str(error)
    return None if held == step else f"it is of step {held}"
