"""OMNIGLOT at 28x28: the `chardata.mat` of the literature, or the arrays made from the originals."""

from __future__ import annotations

import numpy as np

from tfvae.checks import array
from tfvae.training.reading import arrays
from zoo.datasets import files
from zoo.datasets.builder import ImageBuilder
from zoo.datasets.builder import load as load_set
from zoo.datasets.data import Data, Split
from zoo.datasets.matlab import matrices

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
            train, test = (_part(self.paths["npz"], part) for part in ("train", "test"))
        order = np.random.default_rng(0).permutation(len(train.x))
        valid = max(1, min(_VALID, len(order) // 5))
        return {
            "train": train.at(order[:-valid]),
            "valid": train.at(order[-valid:]),
            "test": test,
        }


def _part(path: str, part: str) -> Split:
    """`<part>_x` uint8 [N, 28, 28] and `<part>_character` [N]."""
    x, label = arrays(path, f"{part}_x", f"{part}_character")
    x = array(f"{path}: '{part}_x'", x, "uint8", (None, 28, 28))
    return Split(x[..., None], files.labels(f"{path}: '{part}_character'", label, len(x)))


def _chardata(path: str) -> tuple[Split, Split]:
    """`data` and `testdata` [784, N] in [0, 1], each image column-major."""
    keys = ("data", "testdata")
    held = matrices(path, *keys, optional=("targetchar", "testtargetchar"))
    parts = []
    for key, data, label in zip(keys, held[:2], held[2:]):
        x = array(f"{path}: {key!r}", data, "real", (784, None), 0, 1).T
        image = np.round(x.reshape(-1, 28, 28).transpose(0, 2, 1) * 255).astype(np.uint8)[..., None]
        known = np.full(len(x), -1)
        if label is not None:
            known = files.labels(f"{path}: the labels of {key!r}", label.ravel(), len(x))
        parts.append(Split(image, known))
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
