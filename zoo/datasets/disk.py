"""Sets that are larger than memory: their rows lie in a file, and are read when they are asked for.

The order of training is that of `zoo.datasets.pipeline`, a function of (seed, step) alone. Random access is
all that it asks of a file, and ArrayRecord gives it (Grain would add an order and a state of its own).

Legend: N rows, of any shape [...].
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import pathlib
import resource
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tfvae.checks import UserError
from tfvae.training.reading import reading

__all__ = ["Records", "Rows", "Writer", "cache", "keeping", "key", "prepared", "room"]

_SHARE = 4  # of the memory: the set, TensorFlow's copy of it, and what is measured must find room
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_TAKEN = {resource.RLIMIT_AS: 0, resource.RLIMIT_DATA: 5}  # columns of /proc/self/statm
_WRITTEN = "group_size:1,zstd:1"  # every row by itself, so that one is read without its neighbours
_READ = "readahead_buffer_size:0,max_parallelism:0"


def room() -> int:
    """Bytes that one set may take: a quarter of the memory that there is, or that limits leave."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _CGROUPS:
        with contextlib.suppress(OSError, ValueError), open(path) as stream:
            limits.append(int(stream.read()))  # or the word max
    for kind, column in _TAKEN.items():
        soft, _ = resource.getrlimit(kind)
        limits += [soft - _taken(column)] if soft != resource.RLIM_INFINITY else []
    return max(0, min(limits) // _SHARE)


def _taken(column: int) -> int:
    """Bytes that this process has of what a limit counts."""
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[column]) * os.sysconf("SC_PAGE_SIZE")


class Rows:
    """[N, ...] on disk, with an array's `len`, `shape`, `dtype`, `nbytes` and `[...]` of its first axis.

    Args:
        held: what gives an array of rows for an array of places: `Records` or a `np.memmap`.
        places: which of them these are, int64 [N]; `None`: all.
        shape: of a row; `None`: as they lie there.
        dtype: that they are given as; `None`: as they lie there.
        divisor: what whole numbers are divided by.
    """

    def __init__(self, held, places=None, shape=None, dtype=None, divisor: int = 1):
        self._held, self._divisor = held, divisor
        self._places = np.arange(len(held)) if places is None else np.asarray(places, np.int64)
        self._row = tuple(held.shape[1:] if shape is None else shape)
        self.dtype = np.dtype(held.dtype if dtype is None else dtype)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, ...)."""
        return (len(self), *self._row)

    @property
    def nbytes(self) -> int:
        """Of all rows."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __getitem__(self, which) -> np.ndarray:
        places = self._places[which]
        one = np.ndim(places) == 0
        rows = self.read(np.atleast_1d(np.arange(len(self))[which]))
        return rows[0] if one else rows

    def at(self, rows) -> Rows:
        """Some of them, unread."""
        return Rows(self._held, self._places[rows], self._row, self.dtype, self._divisor)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The rows of these places, [len(rows), ...]."""
        x = np.asarray(self._held[self._places[rows]])
        x = x.reshape(len(x), *self._row).astype(self.dtype, copy=False)
        return x if self._divisor == 1 else x // self._divisor


class Records:
    """The rows of an ArrayRecord file, each the bytes of an array of one shape and type.

    Args:
        path: of the file.
        shape, dtype: of a row.

    Raises:
        UserError: it is no such file.
    """

    def __init__(self, path: str, shape: Sequence[int], dtype):
        from array_record.python.array_record_module import ArrayRecordReader

        self.path, self._row, self.dtype = path, tuple(shape), np.dtype(dtype)
        self._one_reads = threading.Lock()
        with reading(path):
            self._reader = ArrayRecordReader(path, _READ)
            self._number = self._reader.num_records()

    def __len__(self) -> int:
        return self._number

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, ...)."""
        return (self._number, *self._row)

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        with self._one_reads, reading(self.path):
            rows = self._reader.read([int(place) for place in places])
            return np.frombuffer(b"".join(rows), self.dtype).reshape(len(places), *self._row)


class Writer:
    """Writes `Records`, row after row."""

    def __init__(self, path: str):
        from array_record.python.array_record_module import ArrayRecordWriter

        self._writer = ArrayRecordWriter(path, _WRITTEN)

    def append(self, row: np.ndarray) -> None:
        """One more."""
        self._writer.write(row.tobytes())

    def close(self) -> None:
        """The file is whole then."""
        self._writer.close()


# ------------------------------------------------------------------ the place of what is made once


def cache() -> pathlib.Path:
    """Where sets that were prepared are kept: TFVAE_CACHE, or ~/.cache/tfvae."""
    return pathlib.Path(os.environ.get("TFVAE_CACHE") or "~/.cache/tfvae").expanduser()


def key(*of: Any) -> str:
    """A name that changes with what something is made of."""
    return hashlib.sha256(repr(of).encode()).hexdigest()[:16]


def prepared(folder: pathlib.Path, write: Callable, read: Callable):
    """What `read(folder)` gives; the folder is written if it is not there or damaged.

    It is made aside and takes its place in one step: of several processes that need it at once, each
    makes its own, and the first one's stays.

    Args:
        folder: in `cache()`.
        write: fills an empty place with it.
        read: of such a place; raises whatever a damaged one is.
    """
    if os.path.exists(folder):  # a name that is too long is said below
        try:
            return read(folder)
        except Exception:  # a copy that was damaged
            shutil.rmtree(folder, ignore_errors=True)
    aside = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
    try:
        write(aside)
        with contextlib.suppress(OSError):  # another process was first
            aside.rename(folder)
        return read(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def keeping(place: pathlib.Path) -> Iterator[None]:
    """Turns what a full or forbidden place says into one line that names it and the way out.

    Libraries wrap it into errors of any kind; what is written was read and checked before.

    Raises:
        UserError: nothing can be written there.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise UserError(
            f"cannot keep the prepared data in {place.parent} ({said}); name another folder in the "
            "environment variable TFVAE_CACHE"
        ) from error
