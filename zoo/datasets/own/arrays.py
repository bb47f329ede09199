"""One's own arrays: an .npz with `x`, and `label` and `factors` if there are any; or an .npy of x.

Legend: N examples, H W C image, K factors.
"""

from __future__ import annotations

import os

import numpy as np

from tfvae.checks import UserError, array
from tfvae.training.reading import arrays, reading
from zoo.datasets import files
from zoo.datasets.data import Data, Split
from zoo.datasets.own.parts import PARTS, drawn, lacking
from zoo.datasets.own.said import images as sentence

__all__ = ["levels", "load"]

_INT32 = 2**31 - 1
_CHANNELS = (1, 3)  # of levels; of real numbers and of 0 and 1 any number
_ENDS = (".npz", ".npy")


def load(data: str, *, seed: int = 0) -> Data:
    """Images [N, H, W] or [N, H, W, C], or rows of numbers [N, D] as images of 1 x D.

    x is 0 and 1 (of any type), levels 0 to 255 (whole numbers), or real (floats, taken as they are).

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
    if len(read) == 1:
        (whole,) = read
        rows = drawn(data, len(whole.x), seed)
        read = [Split(*(None if v is None else v[rows[part]] for v in whole)) for part in PARTS]
    shapes = {split.x.shape[1:] for split in read}
    if len(shapes) > 1:
        raise UserError(f"{data}: x of the parts must have one shape, got {sorted(shapes)}")
    for name in ("label", "factors"):
        there = [part for part, split in zip(PARTS, read) if getattr(split, name) is not None]
        if there and len(there) < len(PARTS):
            raise UserError(f"{data}: {name} must be in all of the parts, is in {', '.join(there)}")
    read, kind = levels(data, read)
    about = sentence(read, kind, seed if len(paths) == 1 else None)
    if read[0].factors is not None:
        about += f"; {read[0].factors.shape[1]} factors"
    return Data("arrays", *read, kind, about, "one's own", source)


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
            x = np.load(path, allow_pickle=False)
    else:
        raise UserError(f"{path} is no .npy or .npz file")
    if x.ndim not in (2, 3, 4):
        raise UserError(
            f"{path}: x must be [N, H, W, C], [N, H, W] or [N, D], got {x.dtype} {list(x.shape)}"
        )
    x = array(f"{path}: x", x, "real", (None,) * x.ndim)
    if label is not None:
        label = array(f"{path}: label", label, "whole", (len(x),), 0, _INT32)
    if factors is not None:
        factors = array(f"{path}: factors", factors, "whole", (len(x), None), 0, _INT32)
    x = x[..., None] if x.ndim == 3 else x
    return Split(x[:, None, :, None] if x.ndim == 2 else x, label, factors)


def levels(what: str, splits: list[Split]) -> tuple[list[Split], str]:
    """The splits with x as it is kept, and its kind.

    Raises:
        UserError: whole numbers outside of 0 to 255, or of channels that no likelihood has; numbers that
            are all the same.
    """
    low = min(split.x.min() for split in splits)
    high = max(split.x.max() for split in splits)
    if low == high:
        raise UserError(f"{what}: every number of x is {low}")
    if low == 0 and high == 1 and all(np.isin(split.x, (0, 1)).all() for split in splits):
        kind, kept = "binary_fixed", np.uint8
    elif splits[0].x.dtype.kind == "f":
        kind, kept = "real", np.float32
        if max(-low, high) > np.finfo(np.float32).max:
            raise UserError(f"{what}: x must be finite in float32, got {low:g} to {high:g}")
    elif low < 0 or high > 255:
        raise UserError(
            f"{what}: whole numbers are levels from 0 to 255, got {low} to {high}; as float32 they are "
            "real numbers"
        )
    else:
        channels = splits[0].x.shape[-1]
        if channels not in _CHANNELS:
            raise UserError(
                f"{what}: levels from 0 to 255 must have 1 or 3 channels, got {channels}; as float32 "
                "they are real numbers"
            )
        kind, kept = ("grey8" if channels == 1 else "rgb8"), np.uint8
    return [split._replace(x=split.x.astype(kept, copy=False)) for split in splits], kind
