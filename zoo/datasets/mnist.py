"""MNIST and Fashion-MNIST (idx files), and the fixed binarisation of MNIST."""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError, array
from tfvae.training.reading import arrays, content
from zoo.datasets import files
from zoo.datasets.builder import SPLITS, ImageBuilder
from zoo.datasets.builder import load as load_set
from zoo.datasets.data import Data, Split

ABOUT = {
    "fashion_mnist": "Fashion-MNIST: grey images of clothes",
    "fashion_mnist_binary": "Fashion-MNIST, binarised anew at each presentation",
    "mnist": "MNIST: handwritten digits, binarised anew at each presentation",
    "mnist_fixed": "MNIST as Larochelle and Murray binarised it, once for everybody; no labels",
    "mnist_grey": "MNIST in grey, as published",
    "mnist_real": "MNIST in grey, as real numbers from 0 to 1: for a Gaussian likelihood",
}
"""What `tfvae list datasets` says of each."""

_PARTS = {"train": "train", "test": "t10k"}
_IDX = {
    f"{part}_{what}": f"{stem}-{what}s-idx{rank}-ubyte"
    for part, stem in _PARTS.items()
    for what, rank in (("image", 3), ("label", 1))
}

_AMAT = {s: f"binarized_mnist_{s}.amat" for s in SPLITS}
_AMAT_URL = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/"


class _IdxBuilder(ImageBuilder, skip_registration=True):
    """Abstract: a set of four idx files."""

    @classmethod
    def locate(cls, data_dir, variant):
        paths = {}
        for key, name in _IDX.items():
            path = files.find(data_dir, cls.FOLDER, name)
            if path is None:
                raise files.missing(variant, data_dir, cls.FOLDER, f"{name}.gz", cls.HOW)
            paths[key] = path
        return paths

    def read(self):
        """Train without its last sixth (10,000 of 60,000), which is valid; test."""
        both = {}
        for part in _PARTS:
            image, path = self.paths[f"{part}_image"], self.paths[f"{part}_label"]
            x = array(image, files.idx(image, True), "uint8", (None, 28, 28))
            both[part] = Split(x[..., None], files.labels(path, files.idx(path, False), len(x), 10))
        train = both["train"]
        cut = len(train.x) - max(1, len(train.x) // 6)
        return {
            "train": train.at(slice(cut)),
            "valid": train.at(slice(cut, None)),
            "test": both["test"],
        }


class Mnist(_IdxBuilder, skip_registration=True):
    """50,000 / 10,000 (the last of the training file) / 10,000 grey images 28x28."""

    FOLDER = "mnist"
    CITATION = "LeCun, Cortes and Burges, The MNIST database of handwritten digits, 1998"
    HOW = "the four .gz files of yann.lecun.com/exdb/mnist are needed"
    URLS = {
        f"{name}.gz": f"https://storage.googleapis.com/cvdf-datasets/mnist/{name}.gz"
        for name in _IDX.values()
    }
    KNOWN = {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }


class FashionMnist(_IdxBuilder, skip_registration=True):
    """50,000 / 10,000 / 10,000 grey images 28x28 of clothes."""

    FOLDER = "fashion_mnist"
    CITATION = "Xiao, Rasul and Vollgraf, Fashion-MNIST, arXiv 1708.07747, 2017"
    HOW = "the four .gz files of github.com/zalandoresearch/fashion-mnist are needed"
    URLS = {
        f"{name}.gz": f"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{name}.gz"
        for name in _IDX.values()
    }
    KNOWN = {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    }


class MnistFixed(ImageBuilder, skip_registration=True):
    """50,000 / 10,000 / 10,000 binary images: one binarisation for everybody, no labels."""

    FOLDER = "mnist"
    CITATION = (
        "Larochelle and Murray, The Neural Autoregressive Distribution Estimator, AISTATS 2011"
    )
    HOW = "binarized_mnist.npz or the three binarized_mnist_{train,valid,test}.amat are needed"
    URLS = {name: f"{_AMAT_URL}{name}" for name in _AMAT.values()}
    KNOWN = {
        "binarized_mnist.npz": "845e02828110e072ab702cc02e9ce5bea9eaf383b705968f50e24fd7d4cf8a60"
    }

    @classmethod
    def locate(cls, data_dir, variant):
        packed = files.find(data_dir, cls.FOLDER, "binarized_mnist.npz")
        if packed:
            return {"npz": packed}
        texts = {s: files.find(data_dir, cls.FOLDER, name) for s, name in _AMAT.items()}
        if None in texts.values():
            raise files.missing(variant, data_dir, cls.FOLDER, "binarized_mnist.npz", cls.HOW)
        return texts

    def read(self):
        if "npz" in self.paths:
            path = self.paths["npz"]
            keys = ("train_bits", "valid_bits", "test_bits")
            rows = [
                np.unpackbits(array(f"{path}: {key!r}", bits, "uint8", (None, 98)), axis=1)
                for key, bits in zip(keys, arrays(path, *keys))
            ]
        else:
            rows = [_text_bits(self.paths[s]) for s in SPLITS]
        return {s: Split(r.reshape(-1, 28, 28, 1), None) for s, r in zip(SPLITS, rows)}


def _text_bits(path: str) -> np.ndarray:
    raw = np.frombuffer(content(path), np.uint8)
    bits = raw[(raw == 48) | (raw == 49)] - 48
    if len(bits) == 0 or len(bits) % 784:
        raise UserError(f"{path} is truncated or corrupt: {len(bits)} bits are no rows of 784")
    return bits.reshape(-1, 784)


def load(name: str, data_dir: str | None = None) -> Data:
    """`mnist` and `fashion_mnist_binary` are binarised at each presentation; `mnist_fixed` is once
    and for all; `mnist_grey` and `fashion_mnist` are bytes; `mnist_real` is grey levels in [0, 1]."""
    if name == "mnist_real":
        grey = load("mnist_grey", data_dir)
        parts = [
            split._replace(x=split.x.astype(np.float32) / 255)
            for split in (grey.train, grey.valid, grey.test)
        ]
        said = grey.description.replace("mnist_grey", name).replace("grey8", "real, in [0, 1]")
        return Data(
            name,
            *parts,
            kind="real",
            description=said,
            citation=grey.citation,
            source=grey.source,
        )
    family = MnistFixed if name == "mnist_fixed" else FashionMnist if "fashion" in name else Mnist
    kind = {
        "mnist": "binary_dynamic",
        "fashion_mnist_binary": "binary_dynamic",
        "mnist_fixed": "binary_fixed",
    }
    kind = kind.get(name, "grey8")
    return load_set(
        family, name, kind, data_dir, f"{name}: 50,000 / 10,000 / 10,000 images 28x28, {kind}"
    )
