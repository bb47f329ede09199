"""Images."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import diagnosis
from tfvae.batches import untuned
from tfvae.parts import Part, part, setting
from tfvae.parts import facts as facts_of
from zoo import datasets
from zoo.datasets import own, pipeline
from zoo.datasets.own import COLOURS

__all__ = [
    "DEFAULT_BACKBONE",
    "NAME",
    "READ_FIRST",
    "UNIT",
    "Pictures",
    "Space",
    "arrays",
    "batches",
    "facts",
    "identity",
    "leave",
    "load",
    "pictures",
    "space",
    "space_of",
    "stream",
    "usual",
    "usual_data",
]

NAME = "images"
DATASET = "digits"
UNIT = "images"
DEFAULT_BACKBONE = "gated_pixelcnn"
READ_FIRST = True  # the bits of a number decide about the likelihood


class Space(NamedTuple):
    """shape: (H, W, C); bits: 1 for binary images, 8 for bytes, `None` for real numbers."""

    shape: tuple[int, int, int]
    bits: int | None

    @property
    def numbers(self) -> int:
        """Of one image."""
        return math.prod(self.shape)

    def example(self) -> tf.Tensor:
        """Two images in raw units."""
        return tf.fill([2, *self.shape], 100.0 if self.bits == 8 else 0.0)

    def __str__(self) -> str:
        if self.bits is None:
            return f"images {self.shape} of real numbers"
        return f"images {self.shape} of {self.bits} bit{'s' * (self.bits > 1)}"


@part
class Pictures(Part):
    """What one's own images are made, if they are not all alike."""

    place, name, kinds = "data", "pictures", ("images",)
    needs = facts_of("own_images")
    image_size: tuple[int, ...] = setting(
        (),
        "height,width: the middle of each image, resized; empty: as they are",
        low=1,
        high=65536,
        length=(0, 2),
    )
    image_colour: str = setting("auto", "auto: what all images are", choices=COLOURS)


def load(dataset: str, data_dir: str | None, point):
    """Reads it."""
    asked, options = point["data"], {}
    if asked is not None:
        options = {"image_size": asked.image_size, "colour": asked.image_colour}
    return datasets.load(dataset, data_dir, **options)


def space(dataset: str, data_dir: str | None, point) -> Space:
    """Without reading a file, but of one's own."""
    if own.is_own(dataset):
        return space_of(load(dataset, data_dir, point))
    return _space(*datasets.form(dataset))


def space_of(data) -> Space:
    """Of a set that was read."""
    return _space(data.image_shape, data.kind)


def _space(shape, kind: str) -> Space:
    bits = {"binary_dynamic": 1, "binary_fixed": 1, "real": None}.get(kind, 8)
    return Space(tuple(shape), bits)


_LIKELIHOODS = {1: "bernoulli", 8: "logistic_mixture", None: "gaussian"}
_FACTS = {1: "binary", 8: "bytes", None: "reals"}


def usual_data(dataset: str) -> dict[str, Any]:
    """The part that says how they are read, where nobody says another."""
    return {"data": "pictures"} if own.are_pictures(dataset) else {}


def usual(dataset: str, space: Space | None = None) -> dict[str, Any]:
    """The parts of a model of these images, where nobody says others."""
    bits = (space or _space(*datasets.form(dataset))).bits
    return {**usual_data(dataset), "likelihood": _LIKELIHOODS[bits], "encoder": "full"}


def facts(dataset: str, space: Space | None = None) -> str:
    """What these images offer."""
    own_images = " own_images" if own.are_pictures(dataset) else ""
    return _FACTS[(space or _space(*datasets.form(dataset))).bits] + own_images


def arrays(data, split) -> np.ndarray:
    """Raw images, dynamic ones binarised once."""
    return pipeline.evaluation_arrays(split, data.kind)


def batches(x: np.ndarray, batch_size: int, label=None) -> dict:
    """Arguments of `evaluate`; Keras would map arrays in parallel, which deterministic kernels undo aloud."""
    data = tf.data.Dataset.from_tensor_slices(x if label is None else (x, label)).batch(batch_size)
    return {"x": untuned(data, "DATA")}


def stream(
    data,
    batch_size: int,
    seed: int,
    start_step: int,
    shard: tuple[int, int],
    beside: str | None = None,
):
    """See `zoo.datasets.pipeline`."""
    return pipeline.training_stream(
        data.train, data.kind, batch_size, seed, start_step, shard, beside
    )


def pictures(model, x: np.ndarray, data, seed: int, progress) -> diagnosis.Shown:
    """Images that show what the model does."""
    label = data.test.condition if model.asks_label else None
    return diagnosis.Shown(diagnosis.collect(model, x, seed=seed, progress=progress, label=label))


def identity(data) -> dict[str, Any]:
    """The names of the labels, if they have some: the files' checksums say the rest."""
    return {"label_names": list(data.label_names)} if data.label_names else {}


def leave(data, directory) -> None:
    """Nothing."""
    del data, directory
