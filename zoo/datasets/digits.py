"""The embedded default: the UCI digits that ship inside scikit-learn."""

from __future__ import annotations

import numpy as np

from zoo.datasets.data import Data, Split, refuse_files

CITATION = "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998"


ABOUT = {
    "digits": "the default: the UCI digits inside scikit-learn, binarised anew at each presentation",
    "digits_grey8": "the UCI digits inside scikit-learn, in grey",
}
"""What `tfvae list datasets` says of each."""


def load(name: str, data_dir=None) -> Data:
    """1,797 images of 8x8; after a shuffle with seed 0: 1,257 train, 140 valid, 400 test.

    `digits`: probabilities value / 16, binarised anew at each presentation. `digits_grey8`: the same
    images as bytes, round(value * 255 / 16).
    """
    refuse_files(name, data_dir)
    from sklearn.datasets import load_digits

    raw = load_digits()
    order = np.random.default_rng(0).permutation(len(raw.images))
    images, labels = raw.images[order][..., None], raw.target[order]
    if name == "digits":
        x, kind = (images / 16.0).astype(np.float32), "binary_dynamic"
    else:
        x, kind = np.round(images * 255 / 16).astype(np.uint8), "grey8"
    parts = [Split(x[a:b], labels[a:b]) for a, b in ((0, 1257), (1257, 1397), (1397, 1797))]
    about = f"UCI digits of scikit-learn, 8x8, {kind}"
    return Data(name, *parts, kind=kind, description=about, citation=CITATION, source={})
