"""dSprites: 737,280 white shapes on black with known factors, from the published file."""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError, array
from tfvae.training.reading import arrays
from zoo.datasets import files
from zoo.datasets.data import Data, Split

_FILE = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
_FACTORS = ("color", "shape", "scale", "orientation", "x", "y")
_MEASURED, _SEED = 10_000, 0
_SHAPE = (64, 64)


def load(name: str, data_dir=None) -> Data:
    """Training is on all images (3 GB); valid and test are one random 10,000 of them (seed 0).

    The factor that never varies (colour) is left out.

    Raises:
        UserError: the file is missing, damaged, or not dSprites.
    """
    how = f"{_FILE} of github.com/google-deepmind/dsprites-dataset is needed"
    if data_dir is None:
        raise UserError(f"dataset {name!r} must be given with --data_dir: {how}")
    path = files.find(data_dir, "dsprites", _FILE)
    if path is None:
        raise files.missing(name, data_dir, "dsprites", _FILE, how)
    x, factors = arrays(path, "imgs", "latents_classes")
    x = array(f"{path}: 'imgs'", x, "uint8", (None, *_SHAPE), 0, 1)
    each = (len(x), len(_FACTORS))
    factors = array(f"{path}: 'latents_classes'", factors, "whole", each, 0, 2**31 - 1)
    if not np.ptp(factors[:, 1:], axis=0).any():
        raise UserError(f"{path}: 'latents_classes' must hold a factor that varies, got none")
    whole = Split(x[..., None], None, factors[:, 1:])
    number = min(_MEASURED, len(x))
    chosen = np.sort(np.random.default_rng(_SEED).permutation(len(x))[:number])
    part = whole.at(chosen)
    return Data(
        name,
        whole,
        part,
        part,
        "binary_fixed",
        f"dSprites, 64x64, binary; measured on {number:,} images of the training set",
        "Matthey, Higgins, Hassabis and Lerchner, dSprites, 2017",
        {_FILE: files.digest(path)},
    )
