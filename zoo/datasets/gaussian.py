"""Gaussian vectors of known covariance, made here: every figure of a linear VAE has a closed form."""

from __future__ import annotations

import numpy as np

from zoo.datasets.data import Data, Split, refuse_files

_SINGULAR_VALUES = (5.0, 4.0, 3.0, 2.0, 1.0)
_NUMBER, _MEASURED, _SEED = 10_000, 2_000, 0


def load(name: str, data_dir=None) -> Data:
    """10,000 / 2,000 / 2,000 vectors of 5 numbers, [N, 1, 5, 1], N(0, U diag(25, 16, 9, 4, 1) U')."""
    refuse_files(name, data_dir)
    rng = np.random.default_rng(_SEED)
    width = len(_SINGULAR_VALUES)
    rotation, _ = np.linalg.qr(rng.normal(size=(width, width)))
    parts = []
    for number in (_NUMBER, _MEASURED, _MEASURED):
        x = rng.normal(size=(number, width)) * _SINGULAR_VALUES @ rotation.T
        parts.append(Split(x.astype(np.float32).reshape(number, 1, width, 1), None))
    return Data(
        name,
        *parts,
        kind="real",
        description="synthetic: Gaussian vectors with singular values 5, 4, 3, 2, 1 in a random basis",
        citation="made by this project",
        source={},
    )
