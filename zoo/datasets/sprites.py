"""Synthetic images with known factors, made here: squares of three sizes at all places.

Every image is enumerated, so I(x; z) <= ln 300 and the training set is the distribution. It is not
dSprites, and its figures compare with none of dSprites.
"""

from __future__ import annotations

import itertools

import numpy as np

from zoo.datasets.data import Data, Split

_SIDE, _SIZES, _PLACES = 16, (3, 5, 7), 10


def load(name: str, data_dir=None) -> Data:
    """300 binary images of 16x16; factors: row (10), column (10), size (3); every split is all."""
    del data_dir
    grid = list(itertools.product(range(_PLACES), range(_PLACES), range(len(_SIZES))))
    x = np.zeros((len(grid), _SIDE, _SIDE, 1), np.float32)
    for image, (row, column, size) in zip(x, grid):
        image[row : row + _SIZES[size], column : column + _SIZES[size]] = 1.0
    whole = Split(x, None, np.array(grid, np.int64))
    return Data(
        name,
        whole,
        whole,
        whole,
        "binary_fixed",
        "synthetic: squares of 3 sizes at 10 x 10 places, 16x16, binary",
        "made by this project",
        {},
    )
