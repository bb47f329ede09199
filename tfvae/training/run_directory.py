"""The run directory: one run, never half-written, never mixed with another.

config.json   metrics.jsonl   checkpoints/<stage>/   tensorboard/   model.keras   saved_model/
report.json   report.html     figures/
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfvae.checks import UserError

__all__ = ["RunDirectory", "room"]

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
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
            raise UserError(f"cannot write {path}: {error.strerror}") from error
        raise
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


class RunDirectory:
    """A directory that belongs to one run.

    Args:
        path: where.
        config: what config.json holds.
    """

    def __init__(self, path: str, config: dict[str, Any]):
        self.path = path
        self.config = config

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
        if os.path.isdir(path) and set(os.listdir(path)) - {"config.json.part"}:
            raise UserError(f"--workdir={path} is not empty and holds no run; name another")
        if os.path.exists(path) and not os.path.isdir(path):
            raise UserError(f"--workdir={path} is a file; name a directory")

    @classmethod
    def create(cls, path: str, config: dict[str, Any]) -> RunDirectory:
        """A new run in a new or empty directory."""
        cls.refuse_other_run(path)
        made = cls(path, _plain(config))
        made.write_json("config.json", made.config)
        return made

    @classmethod
    def resume(cls, path: str, config: dict[str, Any]) -> RunDirectory:
        """The run that lies at `path`.

        Raises:
            UserError: there is none, or it is another run: the first differing field is named.
        """
        try:
            with open(os.path.join(path, "config.json"), encoding="utf-8") as stream:
                held = json.load(stream)
        except FileNotFoundError:
            raise UserError(f"--workdir={path} holds no run to resume (no config.json)") from None
        except (OSError, ValueError) as error:
            raise UserError(f"{path}/config.json cannot be read: {error}") from error
        config = _plain(config)
        for name, want, got in _differences(held, config):
            if name.split(".")[0] not in _FREE:
                raise UserError(
                    f"--workdir={path} holds another run: its {name} is {want}, not {got}"
                )
            print(f"note: {name} was {want} when the run began and is {got} now", file=sys.stderr)
        return cls(path, held)

    def join(self, *parts: str) -> str:
        """A path inside of the directory."""
        return os.path.join(self.path, *parts)

    def write_json(self, name: str, value: Any) -> None:
        """Writes a whole file at once; NaN and infinities are refused by JSON and become null."""
        write_atomically(self.join(name), (json.dumps(_plain(value), indent=1) + "\n").encode())

    def write_bytes(self, name: str, data: bytes) -> None:
        """Writes a whole file at once."""
        write_atomically(self.join(name), data)

    # ---------------------------------------------------------------- metrics.jsonl

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Adds a line, and does not return before it is on the disk."""
        with room(self.path), open(self.join("metrics.jsonl"), "ab") as stream:
            stream.write((json.dumps(_plain(row)) + "\n").encode())
            stream.flush()
            os.fsync(stream.fileno())

    def metrics(self) -> list[dict[str, Any]]:
        """All whole lines."""
        rows = []
        with (
            contextlib.suppress(FileNotFoundError),
            open(self.join("metrics.jsonl"), "rb") as stream,
        ):
            for line in stream:
                # a line that was cut short by a kill has no end, or is no JSON
                with contextlib.suppress(ValueError):
                    if line.endswith(b"\n"):
                        rows.append(json.loads(line))
        return rows

    def keep_metrics(self, keep) -> None:
        """Drops the rows for which `keep(row)` is false: those after the restored checkpoint."""
        rows = [row for row in self.metrics() if keep(row)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_atomically(self.join("metrics.jsonl"), text.encode())


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
