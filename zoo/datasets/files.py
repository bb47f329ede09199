"""Finding and reading the files that data sets come in; what is wrong with one is said in a line.

Checksums are of the content (a gzipped file is unpacked first), so another wrapping of the same data
is the same data.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import pathlib
import sys
import zipfile
import zlib

import numpy as np

from tfvae.checks import UserError

__all__ = ["arrays", "content", "digest", "find", "idx", "missing", "sheet", "verify"]


def find(data_dir: str, folder: str, name: str) -> str | None:
    """The file `name` in `data_dir` or in its sub-folder `folder`, gzipped or not; `None` if absent."""
    for base in (pathlib.Path(data_dir), pathlib.Path(data_dir) / folder):
        for candidate in (base / name, base / f"{name}.gz", base / name.removesuffix(".gz")):
            if candidate.is_file():
                return str(candidate)
    return None


def missing(dataset: str, data_dir: str, folder: str, wanted: str, how: str) -> UserError:
    """The refusal for files that are not there."""
    places = f"{data_dir} and {os.path.join(data_dir, folder)}"
    return UserError(f"dataset {dataset!r}: no {wanted} in {places}; {how}")


def content(path: str) -> bytes:
    """The file's bytes, unpacked if it is gzipped.

    Raises:
        UserError: it cannot be read, or the packing is cut short or damaged.
    """
    try:
        raw = pathlib.Path(path).read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is truncated or corrupt: {error}") from error


def digest(path: str) -> str:
    """sha256 of the content, in chunks (files of gigabytes pass through)."""
    found = hashlib.sha256()
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else open(path, "rb") as stream:
            while chunk := stream.read(1 << 22):
                found.update(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is truncated or corrupt: {error}") from error
    return found.hexdigest()


def verify(path: str, got: str, known: dict[str, str]) -> None:
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
    expected = header + int(np.prod(shape))
    if len(raw) != expected:
        raise UserError(f"{path} is truncated or corrupt: {len(raw)} bytes instead of {expected}")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def arrays(path: str, *keys: str) -> list[np.ndarray]:
    """Arrays of an .npz file without pickles.

    Raises:
        UserError: a damaged file, or one without these arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as held:
            lacking = [key for key in keys if key not in held]
            if lacking:
                raise UserError(
                    f"{path} holds no array {lacking[0]!r}, but {', '.join(held.files)}"
                )
            return [held[key] for key in keys]
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} is truncated or corrupt: {error}") from error


def sheet(path: str, side: int) -> np.ndarray:
    """A PNG sheet of square RGB images, row by row: uint8 [N, side, side, 3]."""
    from PIL import Image

    try:
        pixels = np.asarray(Image.open(path).convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{path} is truncated or corrupt: {error}") from error
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    if pixels.shape[:2] != (rows * side, columns * side):
        raise UserError(f"{path} is no sheet of {side}x{side} images: {pixels.shape[:2]} pixels")
    cut = pixels.reshape(rows, side, columns, side, 3).swapaxes(1, 2)
    return cut.reshape(rows * columns, side, side, 3)
