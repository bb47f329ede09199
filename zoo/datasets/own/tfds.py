"""A set of TensorFlow Datasets: `--dataset=tfds:NAME`, its features `image` and `label`.

Legend: N images, H W C image.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import math
import os
from collections.abc import Sequence

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from tfvae.checks import UserError, one_line, one_of
from tfvae.training.reading import reading
from zoo.datasets import disk, files
from zoo.datasets.data import Data, Split
from zoo.datasets.own import COLOURS
from zoo.datasets.own.folder import checksum
from zoo.datasets.own.parts import PARTS, drawn
from zoo.datasets.own.pictures import fitted
from zoo.datasets.own.said import images as sentence

__all__ = ["load"]

_IMAGE, _LABEL = "image", "label"
_VALID = ("valid", "validation", "val", "dev")
_LONGEST = 300


def load(
    data: str, *, name: str, image_size: Sequence[int] = (), colour: str = "auto", seed: int = 0
) -> Data:
    """Images uint8 [N, H, W, C] of a set that is prepared in the folder, or that TFDS can prepare there.

    Its splits train, validation and test are the parts; what it lacks is drawn from its train split. A set
    that is larger than memory is read from disk, if it was prepared as ArrayRecord files.

    Args:
        data: TFDS's data_dir.
        name: as `mnist` or `name/config:version`.
        image_size, colour: see `zoo.datasets.own.images.load`.
        seed: of the parts that the set does not have.

    Raises:
        UserError: no such set; it cannot be prepared, or has no images; images of several sizes.
    """
    one_of("image_colour", colour, COLOURS)
    builder = _builder(data, name)
    channels = _channels(name, builder.info.features, colour)
    shape = _shape(name, builder.info.features, tuple(image_size), channels)
    splits, drawn_by = _splits(name, builder, shape, seed)
    names = ()
    if splits[0].label is not None:
        names = tuple(builder.info.features[_LABEL].names)
    kind = "grey8" if channels == 1 else "rgb8"
    about = sentence(splits, kind, drawn_by, names)
    if isinstance(splits[0].x, disk.Rows):
        about += "; read from disk"
    source = {builder.info.full_name: _checksum(str(builder.data_path))}
    return Data(
        f"tfds:{name}",
        *splits,
        kind=kind,
        description=about,
        citation=builder.info.citation,
        source=source,
        label_names=names,
    )


def _checksum(prepared: str) -> str:
    paths = [path for path in os.listdir(prepared) if os.path.isfile(os.path.join(prepared, path))]
    digests = {path: files.digest(os.path.join(prepared, path)) for path in paths}
    return next(iter(checksum(digests).values()))


def _builder(data: str, name: str):
    quiet = contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO())
    try:
        with quiet[0], quiet[1]:
            builder = tfds.builder(name, data_dir=data)
    except tfds.core.registered.DatasetNotFoundError as error:
        near = difflib.get_close_matches(name, tfds.list_builders(), 3)
        hint = (
            f"did you mean {' or '.join(near)}?" if near else f"none is prepared in {data} either"
        )
        raise UserError(f"TensorFlow Datasets has no set {name[:80]!r}; {hint}") from error
    except Exception as error:  # a name that is none, a folder that is damaged
        raise UserError(
            f"dataset 'tfds:{name[:80]}' in {data}: {one_line(str(error), _LONGEST)}"
        ) from error
    if builder.is_prepared():
        return builder
    try:
        with quiet[0], quiet[1]:
            builder.download_and_prepare()
    except Exception as error:  # whatever the network or the server said, the user needs one line
        raise UserError(
            f"dataset 'tfds:{name}' is not prepared in {data}, and could not be downloaded "
            f"({type(error).__name__}: {one_line(str(error), _LONGEST)}); prepare it where there is a "
            "network, and name the folder by --data"
        ) from error
    return builder


def _channels(name: str, features, colour: str) -> int:
    image = _feature(features, _IMAGE)
    held = () if image is None else image.shape or ()
    if image is None or len(held) != 3 or image.np_dtype != np.uint8 or held[2] not in (1, 3):
        raise UserError(
            f"dataset 'tfds:{name}' must have a feature {_IMAGE!r} of bytes [H, W, 1 or 3], got "
            f"{one_line(str(features), _LONGEST)}"
        )
    return {"grey": 1, "rgb": 3}.get(colour) or held[2]


def _feature(features, name: str):
    """`None` if there is none of that name."""
    held = isinstance(features, tfds.features.FeaturesDict) and name in features
    return features[name] if held else None


def _shape(name: str, features, image_size, channels: int) -> tuple[int, int, int]:
    size = image_size or features[_IMAGE].shape[:2]
    if None in size:
        raise UserError(
            f"the images of 'tfds:{name}' are of several sizes: make them one with --set=image_size=H,W"
        )
    return (*size, channels)


def _splits(name: str, builder, shape, seed: int) -> tuple[list[Split], int | None]:
    """(train, valid, test), and the seed if one of them was drawn."""
    held = builder.info.splits
    valid = next((each for each in _VALID if each in held), None)
    of = {"train": "train", "valid": valid, "test": "test" if "test" in held else None}
    if "train" not in held:
        raise UserError(f"dataset 'tfds:{name}' must have a split train, got {', '.join(held)}")
    train = _read(name, builder, "train", shape)
    lacking = [part for part in PARTS if of[part] is None]
    rows = {}
    if lacking:
        rows = drawn(f"tfds:{name}", len(train.x), seed)
        kept = [rows["train"], *(rows[part] for part in PARTS[1:] if part not in lacking)]
        rows["train"] = np.concatenate(kept)
    splits = []
    for part in PARTS:
        if part in rows and (part == "train" or part in lacking):
            splits.append(_rows(train, rows[part], part))
        else:
            splits.append(
                train if part == "train" else _near(_read(name, builder, of[part], shape))
            )
    return splits, seed if lacking else None


def _rows(split: Split, rows: np.ndarray, part: str) -> Split:
    label = None if split.label is None else split.label[rows]
    if isinstance(split.x, disk.Rows):
        chosen = disk.Rows(split.x, rows)
        return _near(Split(chosen, label)) if part != "train" else Split(chosen, label)
    return Split(split.x[rows], label)


def _near(split: Split) -> Split:
    """A part that is measured, in memory.

    Raises:
        UserError: it is larger than that.
    """
    if isinstance(split.x, disk.Rows):
        if split.x.nbytes > disk.room():
            raise UserError(
                f"what is held out must fit into memory to be measured, and is {split.x.nbytes:,} bytes"
            )
        return split._replace(x=split.x[:])
    return split


def _read(name: str, builder, split: str, shape) -> Split:
    info = builder.info
    number = info.splits[split].num_examples
    labelled = isinstance(_feature(info.features, _LABEL), tfds.features.ClassLabel)
    far = number * math.prod(shape) > disk.room()
    if info.file_format == tfds.core.file_adapters.FileFormat.ARRAY_RECORD:
        rows = disk.Rows(_Source(builder.as_data_source(split=split), shape))
        return Split(rows if far else rows[:], _labels(builder, split) if labelled else None)
    if far:
        raise UserError(
            f"dataset 'tfds:{name}' is {number * math.prod(shape):,} bytes, more than memory holds, and "
            f"was prepared as {info.file_format.value}: prepare it with file_format='array_record'"
        )
    x = np.empty((number, *shape), np.uint8)
    label = np.empty(number, np.int64) if labelled else None
    with reading(f"tfds:{name}"):
        for i, row in enumerate(tfds.as_numpy(builder.as_dataset(split=split))):
            x[i] = _pixels(row[_IMAGE], shape)
            if label is not None:
                label[i] = row[_LABEL]
    return Split(x, label)


def _labels(builder, split: str) -> np.ndarray:
    """Of ArrayRecord files; the images are not decoded."""
    raw = {_IMAGE: tfds.decode.SkipDecoding()}
    rows = builder.as_data_source(split=split, decoders=raw)
    return np.array([row[_LABEL] for row in rows], np.int64)


def _pixels(image: np.ndarray, shape) -> np.ndarray:
    if image.shape == shape:
        return image
    grey = image.shape[-1] == 1
    return fitted(Image.fromarray(image[..., 0] if grey else image), shape)


class _Source:
    """The images of a data source of TFDS, as `disk.Rows` asks for them."""

    dtype = np.dtype(np.uint8)

    def __init__(self, source, shape):
        self._source, self.shape = source, (len(source), *shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        rows = self._source.__getitems__([int(place) for place in places])
        return np.stack([_pixels(row[_IMAGE], self.shape[1:]) for row in rows])
