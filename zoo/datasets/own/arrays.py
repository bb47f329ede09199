"""One's own arrays: an .npz with `x`, and `label` and `factors` if there are any; or an .npy of x.

Legend: N examples, H W C image, K factors.
"""

from __future__ import annotations

import os

import numpy as np

from tfvae.checks import UserError, array
from tfvae.training.reading import arrays, reading
from zoo.datasets import disk, files
from zoo.datasets.data import Data, Split
from zoo.datasets.own.parts import PARTS, drawn, lacking
from zoo.datasets.own.said import images as sentence

__all__ = ["load"]

_INT32 = 2**31 - 1
_CHANNELS = (1, 3)  # of levels; of real numbers and of 0 and 1 any number
_ENDS = (".npz", ".npy")
_PART = 1000  # rows that are looked at together


def load(data: str, *, seed: int = 0) -> Data:
    """Images [N, H, W] or [N, H, W, C], or rows of numbers [N, D] as images of 1 x D.

    x is 0 and 1 (of any type), levels 0 to 255 (whole numbers), or real (floats, taken as they are).

    An .npy of x that is larger than memory stays on disk.

    Args:
        data: a file, or a folder with one of train, valid and test.
        seed: of the parts, where they are not given.

    Raises:
        UserError: no such file; an array that is missing, of a wrong shape, not finite, or everywhere the
            same.
    """
    paths = _locate(data)
    read = [_read(path) for path in paths]
    source = {os.path.basename(path): files.digest(path) for path in paths}
    kind, kept = _kind(data, [split.x for split in read])
    if len(read) == 1:
        rows = drawn(data, len(read[0].x), seed)
        read = [_rows(read[0], rows[part]) for part in PARTS]
    shapes = {split.x.shape[1:] for split in read}
    if len(shapes) > 1:
        raise UserError(f"{data}: x of the parts must have one shape, got {sorted(shapes)}")
    for name in ("label", "factors"):
        there = [part for part, split in zip(PARTS, read) if getattr(split, name) is not None]
        if there and len(there) < len(PARTS):
            raise UserError(f"{data}: {name} must be in all of the parts, is in {', '.join(there)}")
    read = [_kept(data, part, split, kept) for part, split in zip(PARTS, read)]
    about = sentence(read, kind, seed if len(paths) == 1 else None)
    if isinstance(read[0].x, disk.Rows):
        about += "; read from disk"
    if read[0].factors is not None:
        about += f"; {read[0].factors.shape[1]} factors"
    return Data("arrays", *read, kind=kind, description=about, citation="one's own", source=source)


def _locate(data: str) -> list[str]:
    """One path, or three."""
    if os.path.isfile(data):
        return [data]
    if not os.path.isdir(data):
        raise UserError(f"--data must be an .npz or .npy file, or a folder of them: no {data}")
    with reading(data):
        held = set(os.listdir(data))
    found = {part: [part + end for end in _ENDS if part + end in held] for part in PARTS}
    there = {part for part, names in found.items() if names}
    if not there:
        raise UserError(f"--data: no train.npz, valid.npz and test.npz (or .npy) in {data}")
    lacking(data, there)
    return [os.path.join(data, found[part][0]) for part in PARTS]


def _read(path: str) -> Split:
    with reading(path), open(path, "rb") as stream:
        begin = stream.read(6)
    label = factors = None
    if begin[:2] == b"PK":
        x, label, factors = arrays(path, "x", optional=("label", "factors"))
    elif begin == np.lib.format.MAGIC_PREFIX:
        with reading(path):
            far = os.path.getsize(path) > disk.room()
            x = np.load(path, mmap_mode="r" if far else None, allow_pickle=False)
    else:
        raise UserError(f"{path} is no .npy or .npz file")
    if x.ndim not in (2, 3, 4):
        raise UserError(
            f"{path}: x must be [N, H, W, C], [N, H, W] or [N, D], got {x.dtype} {list(x.shape)}"
        )
    array(f"{path}: x", x, "real", (None,) * x.ndim)  # what it returns is in memory
    if label is not None:
        label = array(f"{path}: label", label, "whole", (len(x),), 0, _INT32)
    if factors is not None:
        factors = array(f"{path}: factors", factors, "whole", (len(x), None), 0, _INT32)
    x = x[..., None] if x.ndim == 3 else x
    return Split(x[:, None, :, None] if x.ndim == 2 else x, label, factors)


def _rows(whole: Split, rows: np.ndarray) -> Split:
    x = disk.Rows(whole.x, rows) if isinstance(whole.x, np.memmap) else whole.x[rows]
    beside = (None if v is None else v[rows] for v in (whole.label, whole.factors))
    return Split(x, *beside)


def _kept(what: str, part: str, split: Split, kept) -> Split:
    """The split with x of that type: in memory, but for train rows that are read from disk.

    Raises:
        UserError: what is held out is larger than memory.
    """
    x = split.x
    if isinstance(x, np.ndarray) and not isinstance(x, np.memmap):
        return split._replace(x=x.astype(kept, copy=False))
    rows = disk.Rows(x, dtype=kept)
    if part == "train":
        return split._replace(x=rows)
    if rows.nbytes > disk.room():
        raise UserError(
            f"{what}: what is held out must fit into memory to be measured, and {part} is "
            f"{rows.nbytes:,} bytes"
        )
    return split._replace(x=rows[:])


def _kind(what: str, every: list[np.ndarray]) -> tuple[str, type]:
    """(kind, the type that x is kept as).

    Raises:
        UserError: whole numbers outside of 0 to 255, or of channels that no likelihood has; numbers that
            are all the same.
    """
    low, high = min(x.min() for x in every), max(x.max() for x in every)
    if low == high:
        raise UserError(f"{what}: every number of x is {low}")
    if low == 0 and high == 1 and all(_is_binary(x) for x in every):
        return "binary_fixed", np.uint8
    if every[0].dtype.kind == "f":
        if max(-low, high) > np.finfo(np.float32).max:
            raise UserError(f"{what}: x must be finite in float32, got {low:g} to {high:g}")
        return "real", np.float32
    if low < 0 or high > 255:
        raise UserError(
            f"{what}: whole numbers are levels from 0 to 255, got {low} to {high}; as float32 they are "
            "real numbers"
        )
    channels = every[0].shape[-1]
    if channels not in _CHANNELS:
        raise UserError(
            f"{what}: levels from 0 to 255 must have 1 or 3 channels, got {channels}; as float32 they "
            "are real numbers"
        )
    return ("grey8" if channels == 1 else "rgb8"), np.uint8


def _is_binary(x: np.ndarray) -> bool:
    """A part at a time: x may be larger than memory."""
    return all(np.isin(x[i : i + _PART], (0, 1)).all() for i in range(0, len(x), _PART))
