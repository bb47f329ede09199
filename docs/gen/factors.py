"""Draws assets/ellipsoids.png: one body, and each of its factors turned alone.

python docs/gen/factors.py
"""

from __future__ import annotations

import pathlib

import numpy as np
from PIL import Image

from tfvae.diagnosis.figures import grid
from zoo.datasets import ellipsoids

FILE = pathlib.Path(__file__).parents[1] / "assets" / "ellipsoids.png"
BASE = (3, 2, 2, 4)  # of azimuth, elevation, light, shape
SHOWN = 10


def rows() -> np.ndarray:
    """[4, SHOWN, 32, 32, 1] from 0 to 1, a factor a row; grey where it has no more values."""
    data = ellipsoids.load("ellipsoids").train
    by = {tuple(factors): image for factors, image in zip(data.factors, data.x)}
    found = np.full((len(BASE), SHOWN, *data.x.shape[1:]), 0.45, np.float32)
    for row in range(len(BASE)):
        number = int(data.factors[:, row].max()) + 1
        values = np.linspace(0, number - 1, min(number, SHOWN)).round().astype(int)
        for column, value in enumerate(values):
            turned = (*BASE[:row], int(value), *BASE[row + 1 :])
            found[row, column] = by[turned] / 255.0
    return found


if __name__ == "__main__":
    import io

    with Image.open(io.BytesIO(grid(rows(), ""))) as made:
        made.convert("RGBA").quantize(32, method=Image.Quantize.FASTOCTREE).save(
            FILE, optimize=True
        )
