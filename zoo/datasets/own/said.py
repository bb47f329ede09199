"""What was found, in one line: how many, how large, of what kind, and what that means for the model."""

from __future__ import annotations

from zoo.datasets.own.folder import some
from zoo.datasets.own.parts import sizes

__all__ = ["images"]

_KINDS = {
    "binary_fixed": "1 bit: Bernoulli",
    "grey8": "8 bits: logistic mixture",
    "rgb8": "8 bits: logistic mixture",
    "real": "real numbers: Gaussian",
}
_COLOURS = {1: "grey", 3: "RGB"}


def images(splits, kind: str, seed: int | None, names=()) -> str:
    """As `2,113 images of 48 x 64, RGB, 8 bits: logistic mixture; 1,691 / 211 / 211 ...`."""
    height, width, channels = splits[0].x.shape[1:]
    number = sum(len(split.x) for split in splits)
    colours = _COLOURS.get(channels, f"{channels} channels")
    said = f"{number:,} images of {height} x {width}, {colours}, {_KINDS[kind]}"
    return f"{said}; {sizes(splits, seed)}{_labels(splits, names)}"


def _labels(splits, names) -> str:
    if names:
        return f"; {len(names):,} labels ({some(names)})"
    if splits[0].label is None:
        return ""
    return f"; labels 0 to {max(split.label.max() for split in splits)}"
