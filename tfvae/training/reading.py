"""What comes from outside: JSON, arrays, saved models. What is wrong with a file is said in one line.

Every reader of a file stands on `reading`; what a file holds is checked by `tfvae.checks.array`.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tfvae.checks import UserError, affordable, array
from tfvae.model import VAE

__all__ = [
    "arrays",
    "chunks",
    "content",
    "data",
    "json_object",
    "json_rows",
    "model",
    "reading",
]

_CHUNK = 1 << 22
_INT32 = 2**31 - 1
_LONGEST = 200  # characters of what a reader says


@contextlib.contextmanager
def reading(path: str, found: str = "is truncated or corrupt") -> Iterator[None]:
    """Turns what a reader says of a damaged or closed file into one line that names the file.

    Only calls of readers that are not ours may stand within: for damaged files NumPy, SciPy, PIL, Keras,
    `json` and `zipfile` raise nearly every kind there is, from `RecursionError` to `AssertionError`.

    Args:
        path: of the file, or its name and a place in it.
        found: what is said of it, before what the reader says.

    Raises:
        UserError: instead of whatever was raised; one of ours passes.
    """
    try:
        yield
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(f"{path} needs more memory than there is") from error
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        said = " ".join(str(error).split()) or type(error).__name__
        if len(said) > _LONGEST:  # Keras says the cause at the end
            said = f"{said[: _LONGEST // 2]} ... {said[-_LONGEST // 2 :]}"
        raise UserError(f"{path} {found}: {said}") from error


def content(path: str) -> bytes:
    """The file's bytes, unpacked if it is gzipped.

    Raises:
        UserError: it cannot be read, or the packing is cut short or damaged.
    """
    held = bytearray()
    for part in chunks(path):
        held += part
        affordable(f"{path}, unpacked,", len(held))  # with the copies that are made of it
    return bytes(held)


def chunks(path: str) -> Iterator[bytes]:
    """The same in parts: files of gigabytes pass through.

    Raises:
        UserError: as `content`.
    """
    with reading(path):
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else open(path, "rb") as stream:
            while part := stream.read(_CHUNK):
                yield part


# ------------------------------------------------------------------ JSON


def json_object(path: str) -> dict[str, Any]:
    """The JSON object of a file.

    Raises:
        UserError: it cannot be read, is no JSON, or another kind of value.
    """
    with reading(path), open(path, encoding="utf-8") as stream:
        return _object(path, json.load(stream))


def json_rows(path: str) -> list[dict[str, Any]]:
    """The JSON objects of a file, one a line.

    Raises:
        UserError: it cannot be read, or a line is none; names the line.
    """
    with reading(path), open(path, encoding="utf-8") as stream:
        lines = list(stream)
    rows = []
    for number, line in enumerate(lines, 1):
        place = f"{path}, line {number}"
        if not line.endswith("\n"):
            raise UserError(f"{place} is cut short")
        with reading(place):
            rows.append(_object(place, json.loads(line)))
    return rows


def _object(place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{place} must hold a JSON object, got {json.dumps(value)[:40]}")
    return value


# ------------------------------------------------------------------ arrays and models


def arrays(path: str, *keys: str, optional: tuple[str, ...] = ()) -> list[Any]:
    """Arrays of an .npz file, without pickles; `None` for an optional one that is not there.

    Raises:
        UserError: a damaged file, or one without these arrays.
    """
    with reading(path):
        if not zipfile.is_zipfile(path):
            raise UserError(f"{path} is truncated or corrupt: no .npz archive")
        with np.load(path, allow_pickle=False) as held:
            for key in keys:
                if key not in held.files:
                    there = ", ".join(held.files) or "none"
                    raise UserError(f"{path} holds no array {key!r}, but {there[:200]}")
            return [
                _member(path, held, key) if key in held.files else None
                for key in (*keys, *optional)
            ]


def _member(path: str, held, key: str) -> np.ndarray:
    name = key if key in held.zip.namelist() else f"{key}.npy"
    affordable(f"{path}, unpacked,", held.zip.getinfo(name).file_size // 4)
    found = held[key]
    if not isinstance(found, np.ndarray):  # NumPy gives the bytes of what is no array
        raise UserError(f"{path}: {key!r} is no array")
    return found


def data(path: str) -> tuple[np.ndarray, np.ndarray | None]:
    """(x, label or `None`) of an .npy of x, or an .npz with x and label; x as float32 or int32.

    Raises:
        UserError: it is neither, is damaged, holds no x, or not a label for each example.
    """
    with reading(path), open(path, "rb") as stream:
        begin = stream.read(6)
    x, label = None, None
    if begin[:2] == b"PK":
        x, label = arrays(path, "x", optional=("label",))
    elif begin == np.lib.format.MAGIC_PREFIX:
        with reading(path):
            x = np.load(path, allow_pickle=False)
    else:
        raise UserError(f"{path} is no .npy or .npz file")
    x = array(f"{path}: x", x, "real", (None, *x.shape[1:]))
    if label is not None:
        label = array(f"{path}: label", label, "whole", (len(x),), 0, _INT32)
    if x.dtype.kind in "iu" and x.dtype != np.uint8:
        return array(f"{path}: x", x, "whole", x.shape, -_INT32, _INT32).astype(np.int32), label
    return x if x.dtype == np.uint8 else x.astype(np.float32), label


def model(path: str) -> VAE:
    """The VAE of a .keras file. No code that the file holds or names is run.

    Raises:
        UserError: it cannot be read, asks for code of its own, or is another model.
    """
    with reading(path):
        if not zipfile.is_zipfile(path):
            raise UserError(f"{path} is truncated or corrupt: no .keras archive")
    with reading(path, "cannot be loaded as a model"):
        found = keras.models.load_model(path, safe_mode=True)
    if not isinstance(found, VAE):
        raise UserError(
            f"{path} must hold a tfvae.VAE, got a {type(found).__name__}; of a VAE of your own code "
            "tfvae.foreign takes the two networks"
        )
    return found
