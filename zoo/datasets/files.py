"""Finding and reading the files that data sets come in; what is wrong with one is said in a line.

Checksums are of the content (a gzipped file is unpacked first), so another wrapping of the same data
is the same data.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
from collections.abc import Mapping

import numpy as np

from tfvae.checks import UserError, affordable, array
from tfvae.training.reading import chunks, content, reading

__all__ = ["digest", "find", "idx", "labels", "missing", "sheet", "verify"]

_MOST = 2**31 - 1  # labels are kept as int32


def find(data_dir: str, folder: str, name: str) -> str | None:
    """The file `name` in `data_dir` or in its sub-folder `folder`, gzipped or not; `None` if absent.

    Raises:
        UserError: a folder may not be looked into, or what has the name is no file.
    """
    for base in (data_dir, os.path.join(data_dir, folder)):
        if os.path.isdir(base) and not os.access(base, os.R_OK | os.X_OK):
            raise UserError(f"cannot read {base}: Permission denied")
        for candidate in dict.fromkeys((name, f"{name}.gz", name.removesuffix(".gz"))):
            path = os.path.join(base, candidate)
            if os.path.isfile(path):
                return path
            if os.path.lexists(path):
                raise UserError(f"{path} must be a file, and is a folder or a link to nowhere")
    return None


def missing(dataset: str, data_dir: str, folder: str, wanted: str, how: str) -> UserError:
    """The refusal for files that are not there."""
    places = f"{data_dir} and {os.path.join(data_dir, folder)}"
    return UserError(f"dataset {dataset!r}: no {wanted} in {places}; {how}")


def digest(path: str) -> str:
    """sha256 of the content."""
    found = hashlib.sha256()
    for part in chunks(path):
        found.update(part)
    return found.hexdigest()


def verify(path: str, got: str, known: Mapping[str, str]) -> None:
    """Says so if a file of a known name has an unknown checksum; what it holds is checked anyway."""
    name = os.path.basename(path).removesuffix(".gz")
    if name in known and known[name] != got:
        print(f"note: {path} is not the published file (sha256 {got[:16]}...)", file=sys.stderr)


def idx(path: str, image: bool) -> np.ndarray:
    """An idx file of bytes: [N, H, W] images or [N] labels.

    Raises:
        UserError: it is another format, or its length is not what its header says.
    """
    raw = content(path)
    rank = 3 if image else 1
    header = 4 + 4 * rank
    if len(raw) < header or raw[:4] != bytes((0, 0, 8, rank)):
        raise UserError(f"{path} is no idx file of {'images' if image else 'labels'}")
    shape = tuple(int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank))
    expected = header + math.prod(shape)
    if len(raw) != expected:
        raise UserError(f"{path} is truncated or corrupt: {len(raw)} bytes instead of {expected}")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def labels(what: str, got, number: int, count: int | None = None, first: int = 0) -> np.ndarray:
    """Labels from 0 on, int64 [number], of an array that counts from `first`.

    Args:
        what: their name, with the file.
        got: one for each example.
        number: of the examples.
        count: how many kinds there are; `None`: any number.
        first: the lowest label there may be.

    Raises:
        UserError: they are no whole numbers, of another length, or out of their range.
    """
    last = _MOST if count is None else first + count - 1
    return array(what, got, "whole", (number,), first, last) - first


def sheet(path: str, side: int) -> np.ndarray:
    """A PNG sheet of square RGB images, row by row: uint8 [N, side, side, 3]."""
    from PIL import Image

    with reading(path), Image.open(path) as image:
        affordable(path, 3 * math.prod(image.size) // 4)
        pixels = np.asarray(image.convert("RGB"))
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    if pixels.shape[:2] != (rows * side, columns * side):
        raise UserError(f"{path} is no sheet of {side}x{side} images: {pixels.shape[:2]} pixels")
    cut = pixels.reshape(rows, side, columns, side, 3).swapaxes(1, 2)
    return cut.reshape(rows * columns, side, side, 3)
