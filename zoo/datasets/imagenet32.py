"""Downsampled ImageNet 32x32 (Chrabaszcz et al. 2017): train_data_batch_1..10.npz and val_data.npz."""

from __future__ import annotations

import numpy as np

from tfvae.checks import array
from tfvae.training.reading import arrays
from zoo.datasets import files
from zoo.datasets.builder import ImageBuilder
from zoo.datasets.builder import load as load_set
from zoo.datasets.data import Data, Split

_BATCHES = [f"train_data_batch_{i}.npz" for i in range(1, 11)]


class ImageNet32(ImageBuilder, skip_registration=True):
    """1,281,167 training images, of which the last 10,000 are valid; test: the 50,000 of val_data."""

    FOLDER = "imagenet32"
    SHAPE = (32, 32, 3)
    CITATION = "Chrabaszcz, Loshchilov and Hutter, A Downsampled Variant of ImageNet, arXiv 1707.08819, 2017"
    HOW = (
        "download Imagenet32_train_npz and Imagenet32_val_npz of image-net.org (an account is "
        "needed) and unpack them"
    )

    @classmethod
    def locate(cls, data_dir, variant):
        paths = {
            name: files.find(data_dir, cls.FOLDER, name) for name in (*_BATCHES, "val_data.npz")
        }
        lacking = [name for name, path in paths.items() if path is None]
        if lacking:
            raise files.missing(variant, data_dir, cls.FOLDER, lacking[0], cls.HOW)
        return paths

    def read(self):
        parts = zip(*(_images(self.paths[name]) for name in _BATCHES))
        train = Split(*(np.concatenate(part) for part in parts))
        cut = len(train.x) - max(1, min(10_000, len(train.x) // 10))
        return {
            "train": train.at(slice(cut)),
            "valid": train.at(slice(cut, None)),
            "test": Split(*_images(self.paths["val_data.npz"])),
        }


def _images(path: str) -> tuple[np.ndarray, np.ndarray]:
    """`data` uint8 [N, 3072], planes red, green, blue; `labels` 1 .. 1000."""
    data, label = arrays(path, "data", "labels")
    data = array(f"{path}: 'data'", data, "uint8", (None, 3072))
    label = files.labels(f"{path}: 'labels'", label.ravel(), len(data), 1000, first=1)
    return data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), label


def load(name: str, data_dir: str | None = None) -> Data:
    """Bytes, RGB."""
    return load_set(ImageNet32, name, "rgb8", data_dir, "downsampled ImageNet, RGB 32x32")
