"""Synthetic images with known factors, made here, each set enumerated: the training set is the distribution.

They are not dSprites, and their figures compare with none of dSprites.

    squares:           300 images of 16x16; a square of 3, 5 or 7 pixels at 10 x 10 places
    inverted_squares:  these, and each of them with black and white changed: 600
    sprites:           3,840 images of 32x32; a square, diamond or cross of 5 sizes at 16 x 16 places
"""

from __future__ import annotations

import itertools

import numpy as np

from zoo.datasets.data import Data, Split, refuse_files

__all__ = ["load"]

ABOUT = {
    "sprites": "3,840 images with known factors: a square, diamond or cross, its size and its place",
    "squares": "300 images with known factors: a square, its size and its place",
    "inverted_squares": "squares, and their inversions; the label says which: what a code need not know",
}
"""What `tfvae list datasets` says of each."""


def _square(dy, dx, radius):
    return np.maximum(dy, dx) <= radius


def _diamond(dy, dx, radius):
    return dy + dx <= radius


def _cross(dy, dx, radius):
    return _square(dy, dx, radius) & (np.minimum(dy, dx) <= radius // 3)


# name: (side of the image, shapes, radii, first centre, places of the centre along a side)
_SETS = {
    "squares": (16, (_square,), (1, 2, 3), None, 10),
    "inverted_squares": (16, (_square,), (1, 2, 3), None, 10),
    "sprites": (32, (_square, _diamond, _cross), (3, 4, 5, 6, 7), 8, 16),
}


def load(name: str, data_dir=None) -> Data:
    """Factors: shape (where there are several), size, row, column. Every split is all of it.

    `inverted_squares` has a label, 1 of what is inverted, which is its first factor too.

    I(x; z) <= ln 300 for `squares`, whose first pixel lies at each place, and ln 3,840 for `sprites`, whose
    centre does.
    """
    refuse_files(name, data_dir)
    side, shapes, radii, first, places = _SETS[name]
    sizes = [range(n) for n in (len(shapes), len(radii), places, places)]
    factors = np.array(list(itertools.product(*sizes)), np.int64)
    row, column = np.mgrid[:side, :side]
    x = np.zeros((len(factors), side, side, 1), np.float32)
    for image, (shape, size, top, left) in zip(x, factors):
        centre = radii[size] if first is None else first
        away = np.abs(row - centre - top), np.abs(column - centre - left)
        image[shapes[shape](*away, radii[size])] = 1.0
    factors, label, what = factors[:, factors.max(0) > 0], None, "binary images"
    if name == "inverted_squares":
        label = np.repeat(np.arange(2), len(x))
        x = np.concatenate([x, 1.0 - x])
        factors = np.concatenate([label[:, None], np.tile(factors, (2, 1))], 1)
        what = "binary images, half of them inverted,"
    whole = Split(x, label, factors)
    return Data(
        name,
        whole,
        whole,
        whole,
        "binary_fixed",
        f"synthetic: {len(x):,} {what} of {side}x{side}, "
        f"{len(shapes)} shape(s) of {len(radii)} sizes at {places} x {places} places",
        "made by this project",
        {},
    )
