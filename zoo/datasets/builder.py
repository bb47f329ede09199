"""What the TFDS builders of the image sets share: sources, checksums, blocks, and the way back.

A builder's example is a block of up to 1,000 images, so that preparing 70,000 of them takes seconds.
The prepared copy lies under TFVAE_CACHE (default ~/.cache/tfvae) in a folder that is named by the
checksums of the sources: changed files are prepared anew.
"""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import shutil
import uuid
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow_datasets as tfds

from tfvae.checks import UserError, array
from zoo.datasets import files
from zoo.datasets.data import Data, Split
from zoo.datasets.disk import cache, keeping, key, prepared

__all__ = ["BLOCK", "ImageBuilder", "load"]

BLOCK = 1000
SPLITS = ("train", "valid", "test")


class ImageBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Abstract: a set of images. A sub-class says where its files are and what they hold."""

    VERSION = tfds.core.Version("1.0.0")
    FOLDER = ""  # sub-folder of --data_dir in which its files may lie
    SHAPE = (28, 28, 1)
    URLS: Mapping[str, str] = {}  # file name -> where it can be had
    KNOWN: Mapping[str, str] = {}  # file name (unpacked) -> sha256 of its content
    CITATION = ""
    HOW = "download it by hand"

    def __init__(self, paths: Mapping[str, str], variant: str, data_dir: str):
        self.paths = dict(paths)
        self.variant = variant
        self.splits: dict[str, Split] = {}
        super().__init__(data_dir=data_dir)

    @classmethod
    def locate(cls, data_dir: str, variant: str) -> dict[str, str]:
        """{name: path} of the files that the variant needs, in `data_dir`; refuses what is missing."""
        raise NotImplementedError(cls.__name__)

    def read(self) -> dict[str, Split]:
        """The splits, from `self.paths`."""
        raise NotImplementedError(type(self).__name__)

    def _info(self):
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Tensor(shape=(None, *self.SHAPE), dtype=np.uint8),
                "label": tfds.features.Tensor(shape=(None,), dtype=np.int64),
            }
        )
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"{self.variant} from {', '.join(sorted(self.paths))}",
            features=features,
            citation=self.CITATION,
            disable_shuffling=True,
        )

    def fill(self) -> None:
        """Reads and checks the splits: what is wrong with the files is said before TFDS begins.

        Raises:
            UserError: a file is damaged, or holds something else.
        """
        self.splits = self.read()
        for name, split in self.splits.items():
            what = f"dataset {self.variant!r}: the {name} images"
            array(what, split.x, "uint8", (None, *self.SHAPE))

    def _split_generators(self, dl_manager):
        del dl_manager
        return {name: self._blocks(split) for name, split in self.splits.items()}

    def _generate_examples(self, split):
        yield from self._blocks(split)

    def _blocks(self, split: Split):
        label = np.full(len(split.x), -1) if split.label is None else split.label
        for start in range(0, len(split.x), BLOCK):
            part = slice(start, start + BLOCK)
            yield start // BLOCK, {"image": split.x[part], "label": label[part].astype(np.int64)}


def load(
    builder: type[ImageBuilder], name: str, kind: str, data_dir: str | None, description: str
) -> Data:
    """Finds or downloads the files, prepares them once, and reads them into memory.

    Args:
        builder: the family.
        name: the variant; part of the key of the prepared copy.
        kind: see `zoo.datasets.data.Data`.
        data_dir: the user's files; `None` to use what was downloaded before, or download.
        description: one line for the report.
    """
    paths = builder.locate(data_dir or _downloaded(builder, name, cache() / "downloads"), name)
    source = {file: files.digest(path) for file, path in paths.items()}
    for file, path in paths.items():
        files.verify(path, source[file], builder.KNOWN)
    folder = cache() / "tfds" / key(name, sorted(source.items()))
    splits = _prepared(lambda place: builder(paths, name, str(place)), folder)
    return Data(
        name,
        *(splits[s] for s in SPLITS),
        kind=kind,
        description=description,
        citation=builder.CITATION,
        source=source,
    )


def _prepared(make: Callable[[pathlib.Path], ImageBuilder], folder: pathlib.Path):
    """The splits from the prepared copy in the folder; see `disk.prepared`."""

    def write(place):
        made = make(place)
        made.fill()
        quiet = contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO())
        with keeping(folder), quiet[0], quiet[1]:
            made.download_and_prepare()

    return prepared(folder, write, lambda place: _read(make(place)))


def _read(made: ImageBuilder) -> dict[str, Split]:
    splits = {}
    for name in SPLITS:
        blocks = list(tfds.as_numpy(made.as_dataset(split=name)))
        x = np.concatenate([block["image"] for block in blocks])
        label = np.concatenate([block["label"] for block in blocks])
        if len(x) == 0:
            raise ValueError(f"the prepared split {name} is empty")
        splits[name] = Split(x, None if np.all(label < 0) else label)
    return splits


def _downloaded(builder: type[ImageBuilder], name: str, folder: pathlib.Path) -> str:
    """The folder with the published files, downloaded if they are not there yet."""
    place = folder / builder.FOLDER
    with contextlib.suppress(UserError):
        builder.locate(str(place), name)
        return str(place)
    if not builder.URLS:
        raise UserError(f"dataset {name!r} must be given with --data_dir: {builder.HOW}")
    with keeping(place):
        place.mkdir(parents=True, exist_ok=True)
    try:
        manager = tfds.download.DownloadManager(
            download_dir=str(folder / "raw"), dataset_name=name, force_checksums_validation=False
        )
        got = manager.download(dict(builder.URLS))
    except Exception as error:  # whatever the network or the server said, the user needs one line
        wanted = ", ".join(builder.URLS)
        raise UserError(
            f"dataset {name!r} could not be downloaded ({type(error).__name__}); put {wanted} into a "
            "folder and name it with --data_dir"
        ) from error
    with keeping(place):
        for file, path in got.items():  # in one step: another process may look for it just now
            aside = place / f"{file}.{uuid.uuid4().hex}"
            shutil.copyfile(str(path), aside)
            os.replace(aside, place / file)
    return str(place)
