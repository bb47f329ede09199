"""Images."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import diagnosis
from zoo import datasets
from zoo.backbones.images import NAMES as BACKBONES
from zoo.backbones.images import likelihood_of
from zoo.datasets import own, pipeline
from zoo.datasets.own import COLOURS
from zoo.settings import ON, field

__all__ = [
    "BACKBONES",
    "DEFAULT_BACKBONE",
    "NAME",
    "SETTINGS",
    "SETTINGS_WITHOUT_LATENT",
    "UNIT",
    "DataSettings",
    "DecoderSettings",
    "EncoderSettings",
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
]

NAME = "images"
DATASET = "digits"
UNIT = "images"
DEFAULT_BACKBONE = "gated_pixelcnn"
_DEEP = {"backbone": tuple(name for name in BACKBONES if name != "linear")}


@dataclasses.dataclass(frozen=True)
class EncoderSettings:
    """What makes features of an image."""

    encoder: str = field(
        "full",
        "of a latent grid: full sees the whole image, anti_causal what comes after a position",
        choices=("full", "anti_causal"),
        of={"latent_grid": ON, "prior": ("ar1",), "num_codes": ON},
    )
    latent_grid: tuple[int, ...] = field(
        (),
        "h,w: a sequence of h * w latents in raster order instead of one vector; empty, with "
        "prior=ar1: about a quarter of the image's sides",
        low=1,
        length=(0, 2),
    )


@dataclasses.dataclass(frozen=True)
class DecoderSettings:
    """Likelihood and decoder of images."""

    likelihood: str = field(
        "auto",
        "of the pixels; auto: bernoulli for binary images, gaussian for real numbers, else "
        "logistic_mixture",
        choices=("auto", "bernoulli", "categorical", "gaussian", "logistic_mixture"),
    )
    variance: float | None = field(
        None,
        "of a gaussian likelihood; none: learned, one for all pixels (autoregressive decoders: each)",
        low=1e-6,
        of={"likelihood": ("gaussian",)},
    )
    mixture_components: int = field(
        10,
        "logistics of a logistic_mixture",
        low=1,
        high=100,
        of={"likelihood": ("logistic_mixture",)},
    )
    decoder_layers: int | None = field(
        None,
        "blocks of the decoder instead of the backbone's own number",
        low=1,
        high=200,
        of=_DEEP,
    )
    decoder_filters: int | None = field(
        None, "width of the decoder instead of the backbone's own", low=1, high=4096, of=_DEEP
    )


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """What one's own images are made, if they are not all alike."""

    image_size: tuple[int, ...] = field(
        (),
        "height,width: the middle of each image, resized; empty: as they are",
        low=1,
        high=65536,
        length=(0, 2),
        of={"dataset": ("images",)},
    )
    image_colour: str = field(
        "auto", "auto: what all images are", choices=COLOURS, of={"dataset": ("images",)}
    )


SETTINGS = (EncoderSettings, DecoderSettings, DataSettings)
SETTINGS_WITHOUT_LATENT = (DecoderSettings, DataSettings)


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


def load(dataset: str, data_dir: str | None, settings):
    """Reads it."""
    options = {}
    if dataset == "images":
        options = {"image_size": settings.image_size, "colour": settings.image_colour}
    return datasets.load(dataset, data_dir, **options)


def space(dataset: str, data_dir: str | None, settings) -> Space:
    """Without reading a file, but of one's own."""
    if own.is_own(dataset):
        return space_of(load(dataset, data_dir, settings))
    return _space(*datasets.form(dataset))


def space_of(data) -> Space:
    """Of a set that was read."""
    return _space(data.image_shape, data.kind)


def _space(shape, kind: str) -> Space:
    bits = {"binary_dynamic": 1, "binary_fixed": 1, "real": None}.get(kind, 8)
    return Space(tuple(shape), bits)


def facts(
    settings, dataset: str, made_for: Space | None = None, data_dir: str | None = None
) -> dict[str, str]:
    """The data set, and the likelihood that auto means; see `zoo.settings.field`."""
    made_for = made_for or space(dataset, data_dir, settings)
    return {"dataset": dataset, "likelihood": likelihood_of(settings, made_for)}


def arrays(data, split) -> np.ndarray:
    """Raw images, dynamic ones binarised once."""
    return pipeline.evaluation_arrays(split, data.kind)


def batches(x: np.ndarray, batch_size: int, label=None) -> dict:
    """Arguments of `evaluate`; Keras would map arrays in parallel, which deterministic kernels undo aloud."""
    data = tf.data.Dataset.from_tensor_slices(x if label is None else (x, label)).batch(batch_size)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return {"x": data.with_options(options)}


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
