"""Doors for one's own data: what lies in a folder or a file is read, looked at, and said in one line.

A door is a file with `load(data, ...) -> zoo.datasets.data.Data`, whose `description` is that line.
"""

from __future__ import annotations

import functools
import importlib
import os

from tfvae.checks import UserError, one_of, place
from zoo.datasets.own.folder import stamp
from zoo.datasets.registry import TFDS

__all__ = ["COLOURS", "DOORS", "are_pictures", "given", "is_own", "load", "modality"]

COLOURS = ("auto", "grey", "rgb")
"""What one's own images may be made."""

# name: (kind of data, what is behind --data)
DOORS = {
    "images": ("images", "a folder of PNG or JPEG files; sub-folders are labels"),
    "arrays": ("images", "an .npz with x, label and factors, or an .npy"),
    "table": (
        "tables",
        "a .csv with a line of names, or a folder of train.csv, valid.csv and test.csv",
    ),
    "documents": (
        "documents",
        "a text, a document a line (as for text), or a folder of train.feat, test.feat and vocab.new",
    ),
    "sound": ("speech", "a folder of .wav files; sub-folders are labels"),
    "text": ("text", "a text file, one example a line, a .csv, or a folder with train.txt"),
    "tfds:NAME": ("images", "the folder of TensorFlow Datasets (as ~/tensorflow_datasets)"),
}
_TFDS = "tfds:NAME"


def is_own(name: str) -> bool:
    """Whether the set is read from where `--data` says."""
    return isinstance(name, str) and _door(name) in DOORS


def _door(name: str) -> str:
    return _TFDS if name.startswith(TFDS) else name


def are_pictures(name: str) -> bool:
    """Whether they may be made another size and colour as they are read."""
    return name == "images" or name.startswith(TFDS)


def modality(name: str) -> str:
    """The kind of data behind a door."""
    return DOORS[one_of("dataset", _door(name), DOORS)][0]


def load(name: str, data: str | None, **options):
    """What lies behind a door. The last set that was read is kept, while its files are as they were.

    Args:
        name: of the door.
        data: the folder or file.
        **options: of the door's `load`.

    Raises:
        UserError: nothing is given; it cannot be read; it holds nothing that can be learned.
    """
    data = given(name, data)
    if _door(name) == _TFDS:
        name, options = "tfds", {**options, "name": name.removeprefix(TFDS)}
    looked = os.path.join(data, options["name"].split(":")[0]) if name == "tfds" else data
    return _read(name, data, tuple(sorted(options.items())), stamp(looked))


def given(name: str, data: str | None) -> str:
    """Returns `data`, if there is any.

    Raises:
        UserError: otherwise; says what a door wants.
    """
    wanted = DOORS[one_of("dataset", _door(name), DOORS)][1]
    if data is None:
        raise UserError(f"dataset {name!r} is one's own: --data must name {wanted}")
    return place("--data", data)


@functools.lru_cache(maxsize=1)
def _read(name: str, data: str, options: tuple, found: tuple):
    del found
    door = importlib.import_module(f"zoo.datasets.own.{name}")
    return door.load(data, **dict(options))
