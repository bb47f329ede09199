"""OMNIGLOT at 28x28: the `chardata.mat` of the literature, or the arrays made from the originals."""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError
from zoo.datasets import files
from zoo.datasets.builder import ImageBuilder
from zoo.datasets.builder import load as load_set
from zoo.datasets.data import Data, Split

_VALID = 1345


class Omniglot(ImageBuilder, skip_registration=True):
    """23,000 / 1,345 / 8,070 (chardata.mat) or 8,115 (omniglot28.npz); white ink on black.

    Valid is the last 1,345 of the training images after a shuffle with seed 0. The figures of the
    two files must not be compared: they were scaled to 28x28 and divided in different ways.
    """

    FOLDER = "omniglot"
    CITATION = "Lake, Salakhutdinov and Tenenbaum, Human-level concept learning ..., Science 2015"
    HOW = "chardata.mat of github.com/yburda/iwae (datasets/OMNIGLOT) or omniglot28.npz is needed"
    URLS = {
        "chardata.mat": "https://raw.githubusercontent.com/yburda/iwae/master/datasets/OMNIGLOT/chardata.mat"
    }
    KNOWN = {"omniglot28.npz": "34c65e7475098a16fcda1365d7b0945990d2e56edabf391fd56e5cc33ca76ed6"}

    @classmethod
    def locate(cls, data_dir, variant):
        for key, name in (("mat", "chardata.mat"), ("npz", "omniglot28.npz")):
            path = files.find(data_dir, cls.FOLDER, name)
            if path:
                return {key: path}
        raise files.missing(
            variant, data_dir, cls.FOLDER, "chardata.mat or omniglot28.npz", cls.HOW
        )

    def read(self):
        if "mat" in self.paths:
            train, test = _chardata(self.paths["mat"])
        else:
            keys = ("train_x", "train_character", "test_x", "test_character")
            held = files.arrays(self.paths["npz"], *keys)
            train, test = Split(held[0][..., None], held[1]), Split(held[2][..., None], held[3])
        order = np.random.default_rng(0).permutation(len(train.x))
        valid = min(_VALID, len(order) // 5)
        first, last = order[:-valid], order[-valid:]
        return {
            "train": Split(train.x[first], train.label[first]),
            "valid": Split(train.x[last], train.label[last]),
            "test": test,
        }


def _chardata(path: str) -> tuple[Split, Split]:
    """`data` and `testdata` [784, N] in [0, 1], each image column-major."""
    import scipy.io

    try:
        held = scipy.io.loadmat(path)
    except Exception as error:  # scipy raises many kinds for a damaged file
        raise UserError(f"{path} is truncated or corrupt: {error}") from error
    parts = []
    for data, label in (("data", "targetchar"), ("testdata", "testtargetchar")):
        if data not in held:
            raise UserError(f"{path} holds no {data!r}")
        x = np.asarray(held[data], np.float64).T
        if x.ndim != 2 or x.shape[1] != 784 or not (x.min() >= 0 and x.max() <= 1):
            raise UserError(f"{path}: {data!r} must be [784, N] in [0, 1], got {list(x.T.shape)}")
        image = np.round(x.reshape(-1, 28, 28).transpose(0, 2, 1) * 255).astype(np.uint8)[..., None]
        known = held.get(label)
        parts.append(
            Split(image, np.full(len(x), -1) if known is None else known.ravel().astype(int))
        )
    return parts[0], parts[1]


def load(name: str, data_dir: str | None = None) -> Data:
    """Binarised at each presentation, probabilities = grey levels / 255."""
    return load_set(
        Omniglot,
        name,
        "binary_dynamic",
        data_dir,
        "OMNIGLOT 28x28, dynamically binarised; see source for the file",
    )
