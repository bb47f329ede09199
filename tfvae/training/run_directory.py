"""The run directory: one run, never half-written, never mixed with another.

config.json   metrics.jsonl   checkpoints/<stage>/   tensorboard/   model.keras   saved_model/
report.json   report.html     figures/               card.json      examples.npz
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.training.reading import json_object

__all__ = ["LOCK", "RunDirectory", "room"]

LOCK = "lock"  # the name of a directory's lock, and what those of attempts at one begin with

# What may differ between a run and its continuation.
_FREE = ("versions", "strategy")

_FULL = "no space left on the disk of {}; free some and use --resume"


@contextlib.contextmanager
def room(path: str) -> Iterator[None]:
    """Turns the errors of a full or forbidden disk into one line that names the path."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(_FULL.format(path)) from error
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    except tf.errors.ResourceExhaustedError as error:
        # TensorFlow's files: its code for a full disk is also the one for full memory
        if "No space left" not in str(error) and "Disk quota" not in str(error):
            raise
        raise UserError(_FULL.format(path)) from error


def write_atomically(path: str, data: bytes) -> None:
    """The file holds all of `data`, or what it held before; never a part."""
    with room(path):
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        part = f"{path}.part"
        try:
            with open(part, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError:
            with contextlib.suppress(OSError):  # leave what little room there is
                os.remove(part)
            raise
        os.replace(part, path)


def refuse_unwritable(path: str) -> None:
    """Makes a directory and writes to it, before anything slow.

    Raises:
        UserError: that cannot be done.
    """
    probe = os.path.join(path, ".writable")
    write_atomically(probe, b"")
    os.remove(probe)


class RunDirectory:
    """A directory that belongs to one run.

    Args:
        path: where.
        config: what config.json holds.
        lock: the `RunLock` under which it is written, if it has one.
    """

    def __init__(self, path: str, config: dict[str, Any], lock=None):
        self.path = path
        self.config = config
        self._lock = lock

    @classmethod
    def refuse_other_run(cls, path: str) -> None:
        """Refuses a directory in which something lies already.

        Raises:
            UserError: says how to continue the run there or to choose another place.
        """
        if os.path.exists(os.path.join(path, "config.json")):
            raise UserError(
                f"--workdir={path} holds another run; continue it with --resume, or name another"
            )
        # what is left of a run that was killed while it wrote its config is no one's
        if os.path.isdir(path) and not all(map(_is_no_ones, os.listdir(path))):
            raise UserError(f"--workdir={path} is not empty and holds no run; name another")
        if os.path.exists(path) and not os.path.isdir(path):
            raise UserError(f"--workdir={path} is a file; name a directory")

    @classmethod
    def create(cls, path: str, config: dict[str, Any], lock=None) -> RunDirectory:
        """A new run in a new or empty directory."""
        cls.refuse_other_run(path)
        made = cls(path, _plain(config), lock)
        made.write_json("config.json", made.config)
        return made

    @classmethod
    def resume(
        cls, path: str, config: dict[str, Any], lock=None, read: Callable | None = None
    ) -> RunDirectory:
        """The run that lies at `path`.

        Args:
            path, config, lock: see the class.
            read: what makes of an older config.json one of today.

        Raises:
            UserError: there is none, or it is another run: the first differing field is named.
        """
        held = cls.config_of(path, read)
        config = _plain(config)
        other = cls.difference(held, config)
        if other:
            raise UserError(f"--workdir={path} holds another run: {other}")
        for name, was, now in _differences(held, config):
            print(f"note: {name} was {was} when the run began and is {now} now", file=sys.stderr)
        return cls(path, held, lock)

    @staticmethod
    def config_of(path: str, read: Callable | None = None) -> dict[str, Any]:
        """What the config.json there holds; `read` makes of an older one that of today.

        Raises:
            UserError: there is none, or it is damaged.
        """
        file = os.path.join(path, "config.json")
        if not os.path.exists(file):
            raise UserError(f"--workdir={path} holds no run to resume (no config.json)")
        held = json_object(file)
        if read is None:
            return held
        try:
            return _plain(read(held))
        except UserError as error:
            raise UserError(f"{file}: {error}") from error

    @staticmethod
    def difference(held: dict[str, Any], asked: dict[str, Any]) -> str | None:
        """How a run that lies there is another one than the asked: the first field, `None` if it is not.

        Args:
            held: its config.json.
            asked: the config of the run that is asked for, or the part of it that is known.
        """
        asked = _plain(asked)
        for name, want, got in _differences(held, asked):
            if name.split(".")[0] not in _FREE:
                return f"its {name} is {str(want)[:80]}, not {str(got)[:80]}"
        return None

    @staticmethod
    def finished(path: str) -> dict[str, Any] | None:
        """report.json of a run that is done; `None` of one that is not.

        It is written after everything else, at once: a run without one, or with a damaged one, was cut
        short, and goes on by --resume.
        """
        with contextlib.suppress(UserError):
            held = json_object(os.path.join(path, "report.json"))
            return held if isinstance(held.get("verdict"), str) else None
        return None

    def check(self) -> None:
        """Before something is written.

        Raises:
            UserError: the lock was lost meanwhile.
        """
        if self._lock is not None:
            self._lock.check()

    def join(self, *parts: str) -> str:
        """A path inside of the directory."""
        return os.path.join(self.path, *parts)

    def write_json(self, name: str, value: Any) -> None:
        """Writes a whole file at once; NaN and infinities are refused by JSON and become null."""
        self.check()
        write_atomically(self.join(name), (json.dumps(_plain(value), indent=1) + "\n").encode())

    def write_bytes(self, name: str, data: bytes) -> None:
        """Writes a whole file at once."""
        self.check()
        write_atomically(self.join(name), data)

    # ---------------------------------------------------------------- metrics.jsonl

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Adds a line, and does not return before it is on the disk."""
        self.check()
        with room(self.join("metrics.jsonl")), open(self.join("metrics.jsonl"), "ab") as stream:
            stream.write((json.dumps(_plain(row)) + "\n").encode())
            stream.flush()
            os.fsync(stream.fileno())

    def metrics(self) -> list[dict[str, Any]]:
        """All whole rows; a line that is none (cut short by a kill, or not ours) is left out."""
        return [row for row in self._lines() if row is not None]

    def keep_metrics(self, keep) -> None:
        """Drops the rows for which `keep(row)` is false, and what is no row (said in one line)."""
        self.check()
        lines = self._lines()
        if None in lines[:-1]:  # the last one may have been cut short by a kill
            where = lines.index(None) + 1
            print(
                f"note: {self.join('metrics.jsonl')}: line {where} is no row; dropped",
                file=sys.stderr,
            )
        rows = [row for row in lines if row is not None and keep(row)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_atomically(self.join("metrics.jsonl"), text.encode())

    def _lines(self) -> list[dict[str, Any] | None]:
        path = self.join("metrics.jsonl")
        if not os.path.exists(path):
            return []
        with room(path), open(path, "rb") as stream:
            return [_row(line) for line in stream]


def _row(line: bytes) -> dict[str, Any] | None:
    """Of a line that is whole and holds what `append_metrics` was given."""
    with contextlib.suppress(ValueError, RecursionError):
        row = json.loads(line) if line.endswith(b"\n") else None
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            kinds = (row.get("stage"), str), (row.get("train"), dict), (row.get("valid"), dict)
            if all(isinstance(value, kind) for value, kind in kinds):
                return row
    return None


def _is_no_ones(name: str) -> bool:
    """Of what a run leaves that was killed before it had a config.json."""
    return name in ("config.json.part", LOCK) or name.startswith(f"{LOCK}.")


def _plain(value: Any) -> Any:
    """JSON's own types: tuples become lists, NumPy numbers Python's, what is not finite null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and value - value != 0.0:
        return None
    return value


def _differences(one: dict, other: dict, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*one, *other}):
        left, right = one.get(name), other.get(name)
        if isinstance(left, dict) and isinstance(right, dict):
            yield from _differences(left, right, f"{prefix}{name}.")
        elif left != right:
            yield f"{prefix}{name}", left, right
