"""Arrays of numbers of a MATLAB file of level 5, which is what `save` writes but with -v7.3.

SciPy's reader ends the whole process on some damaged files; here every size is checked before it is used:

    file:     128 bytes, the last two of which say the order of bytes; elements
    element:  type, size, content filled up to 8 bytes; a compressed one holds another
    matrix:   the elements flags, sizes, name, numbers by column (and imaginary parts)
"""

from __future__ import annotations

import itertools
import math
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from tfvae.checks import UserError, affordable
from tfvae.training.reading import content, reading

__all__ = ["matrices"]

_HEADER = 128
_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_OF_NUMBERS = range(6, 16)  # classes of a matrix: double, single, integers
_REAL = 4  # elements of a matrix of real numbers


def matrices(path: str, *names: str, optional: tuple[str, ...] = ()) -> list[np.ndarray | None]:
    """Arrays of real numbers by name; `None` for an optional one that is not there.

    Raises:
        UserError: the file is damaged or another one, or lacks such an array.
    """
    raw = content(path)
    order = _ORDERS.get(raw[_HEADER - 2 : _HEADER])
    if order is None:
        raise UserError(f"{path} is no MATLAB file of level 5")
    held = {}
    for kind, body in _elements(path, memoryview(raw)[_HEADER:], order):
        if kind == _COMPRESSED:
            kind, body = next(
                _elements(path, memoryview(_inflated(path, body)), order), (0, memoryview(b""))
            )
        if kind == _MATRIX:
            name, array = _matrix(path, body, order)
            held[name] = array
    for name in (*names, *optional):
        if held.get(name) is None and (name in names or name in held):
            there = ", ".join(name for name, array in held.items() if array is not None) or "none"
            raise UserError(f"{path} holds no array of real numbers {name!r}, but {there[:200]}")
    return [held.get(name) for name in (*names, *optional)]


def _elements(path: str, data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """(type, content) of each."""
    at = 0
    while at < len(data):
        if at + 8 > len(data):
            raise _damaged(path)
        kind, size = struct.unpack_from(f"{order}II", data, at)
        start = at + 8
        if kind >> 16:  # up to 4 bytes stand in the place of the size
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
            after = at + 8
        else:
            after = start + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if start + size > len(data) or start + size > after:
            raise _damaged(path)
        yield kind, data[start : start + size]
        at = after


def _inflated(path: str, packed: memoryview) -> bytes:
    held, stream = bytearray(), zlib.decompressobj()
    with reading(path):
        held += stream.decompress(packed, 1 << 22)
        while stream.unconsumed_tail:
            held += stream.decompress(stream.unconsumed_tail, 1 << 22)
            affordable(f"{path}, unpacked,", len(held) // 4)
        held += stream.flush()
    if not stream.eof:
        raise _damaged(path)
    return bytes(held)


def _matrix(path: str, body: memoryview, order: str) -> tuple[str, np.ndarray | None]:
    """(name, array), `None` for what holds no real numbers."""
    parts = list(itertools.islice(_elements(path, body, order), _REAL + 1))
    if len(parts) < _REAL - 1 or len(parts[0][1]) != 8:
        raise _damaged(path)
    name = bytes(parts[2][1]).decode("latin-1")
    if struct.unpack(f"{order}II", parts[0][1])[0] & 0xFF not in _OF_NUMBERS or len(parts) > _REAL:
        return name, None
    if len(parts) < _REAL or parts[3][0] not in _TYPES or len(parts[1][1]) % 4:
        raise _damaged(path)
    sizes = np.frombuffer(parts[1][1], f"{order}i4").tolist()
    kind = np.dtype(order + _TYPES[parts[3][0]])
    if min(sizes, default=-1) < 0 or math.prod(sizes) * kind.itemsize != len(parts[3][1]):
        raise _damaged(path)
    numbers = np.frombuffer(parts[3][1], kind).astype(kind.newbyteorder("="))
    return name, numbers.reshape(sizes, order="F")


def _damaged(path: str) -> UserError:
    return UserError(f"{path} is truncated or corrupt: the sizes in it do not fit each other")
