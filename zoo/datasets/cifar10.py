"""CIFAR-10: the binary version of the published archive, or PNG sheets of a part of it."""

from __future__ import annotations

import tarfile

import numpy as np

from tfvae.checks import UserError, affordable
from tfvae.training.reading import arrays, content, reading
from zoo.datasets import files
from zoo.datasets.builder import ImageBuilder
from zoo.datasets.builder import load as load_set
from zoo.datasets.data import Data, Split

_ARCHIVE = "cifar-10-binary.tar.gz"
_ROW = 1 + 3072
_BATCHES = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]


class Cifar10(ImageBuilder, skip_registration=True):
    """45,000 / 5,000 (the last tenth of the training files) / 10,000 RGB images 32x32.

    From PNG sheets (train_0.png ..., test_0.png, labels.npz) it is what they hold; figures of a
    part of the set must not stand beside published ones.
    """

    FOLDER = "cifar10"
    SHAPE = (32, 32, 3)
    CITATION = "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"
    HOW = f"{_ARCHIVE} of www.cs.toronto.edu/~kriz/cifar.html (or its .bin files) is needed"
    URLS = {_ARCHIVE: f"https://www.cs.toronto.edu/~kriz/{_ARCHIVE}"}
    KNOWN = {
        "labels.npz": "72ef181321acacff965ccbdcc078afd9281e376f3d70ffbc451c054b757a9d29",
        "test_0.png": "8b1b5080f117ffa6c1b953d4d9431e83e16d5aea80ceff34023651349b913245",
        "train_0.png": "b5d7bf04debb8eb57bda6cfc952163c29d9ea6c91b4616c8bd596801acda4fd4",
        "train_1.png": "506e41619d1efb190bee4a476ebad94101fd903b31aba91ee9640c3744ef957e",
        "train_2.png": "78fdfde7e8787b141371cd7ef7952cc742b283a79f71ea726ca849335c74b7af",
        "train_3.png": "3d82589b4c1d7ccaea425beb37127d2c7b3a4c485654e1f3035a466ae96d2050",
        "train_4.png": "3f23e56df2d660e14ae77d080a7b53512b3eb3bb7b08bb2da6d162903abd232c",
    }

    @classmethod
    def locate(cls, data_dir, variant):
        archive = files.find(data_dir, cls.FOLDER, _ARCHIVE)
        if archive:
            return {"archive": archive}
        for folder in (cls.FOLDER, f"{cls.FOLDER}/cifar-10-batches-bin", "cifar-10-batches-bin"):
            batches = {name: files.find(data_dir, folder, name) for name in _BATCHES}
            if None not in batches.values():
                return batches
        sheets = {"labels": files.find(data_dir, cls.FOLDER, "labels.npz")}
        for part in ("train", "test"):
            number = 0
            while path := files.find(data_dir, cls.FOLDER, f"{part}_{number}.png"):
                sheets[f"{part}_{number}"] = path
                number += 1
        if sheets["labels"] is None or "train_0" not in sheets or "test_0" not in sheets:
            raise files.missing(variant, data_dir, cls.FOLDER, _ARCHIVE, cls.HOW)
        return sheets

    def read(self):
        if "labels" in self.paths:
            train, test = (self._sheets(part) for part in ("train", "test"))
        else:
            raw = (
                _archive(self.paths["archive"])
                if "archive" in self.paths
                else {name: content(path) for name, path in self.paths.items()}
            )
            rows = {
                name: _rows(self.paths.get(name, f"{self.paths.get('archive')}: {name}"), raw[name])
                for name in _BATCHES
            }
            train = Split(
                *(np.concatenate(part) for part in zip(*(rows[n][:2] for n in _BATCHES[:5])))
            )
            test = rows[_BATCHES[5]]
        cut = len(train.x) - max(1, len(train.x) // 10)
        return {
            "train": train.at(slice(cut)),
            "valid": train.at(slice(cut, None)),
            "test": test,
        }

    def _sheets(self, part: str) -> Split:
        paths = [self.paths[k] for k in sorted(self.paths) if k.startswith(f"{part}_")]
        x = np.concatenate([files.sheet(path, 32) for path in paths])
        path, key = self.paths["labels"], f"{part}_label"
        label = files.labels(f"{path}: {key!r}", arrays(path, key)[0], len(x), 10)
        return Split(x, label)


def _archive(path: str) -> dict[str, bytes]:
    """The .bin files of the published archive."""
    held = {}
    with reading(path), tarfile.open(path) as archive:
        for member in archive:
            name = member.name.rsplit("/", 1)[-1]
            if name in _BATCHES and member.isfile() and (packed := archive.extractfile(member)):
                affordable(f"{path}, unpacked,", member.size // 4)
                held[name] = packed.read()
    lacking = [name for name in _BATCHES if name not in held]
    if lacking:
        raise UserError(f"{path} holds no {lacking[0]}")
    return held


def _rows(what: str, raw: bytes) -> Split:
    """Rows of a label and the red, green and blue planes."""
    if not raw or len(raw) % _ROW:
        raise UserError(f"{what} is truncated: {len(raw)} bytes are no rows of {_ROW}")
    rows = np.frombuffer(raw, np.uint8).reshape(-1, _ROW)
    label = files.labels(f"{what}: the labels", rows[:, 0], len(rows), 10)
    return Split(rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), label)


def load(name: str, data_dir: str | None = None) -> Data:
    """Bytes, RGB."""
    return load_set(
        Cifar10, name, "rgb8", data_dir, "CIFAR-10, RGB 32x32; see source for the files"
    )
