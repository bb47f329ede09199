"""Speech: waveforms of one length, in levels of mu-law."""

from __future__ import annotations

import importlib
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import diagnosis
from tfvae.parts import Part, part, setting
from zoo.datasets import fsdd, own
from zoo.datasets.data import checked
from zoo.modalities.alike import alike

# a waveform is kept, streamed and measured as an image is
from zoo.modalities.images import arrays, batches, identity, leave, stream

__all__ = [
    "DEFAULT_BACKBONE",
    "NAME",
    "READ_FIRST",
    "UNIT",
    "Recordings",
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

NAME = "speech"
DATASET = "fsdd"
UNIT = "recordings"
DEFAULT_BACKBONE = "wavenet"
READ_FIRST = False


@part
class Recordings(Part):
    """Recordings of one length."""

    place, name, kinds = "data", "recordings", ("speech",)
    max_samples: int = setting(
        4096, "longer recordings are cut, shorter ones end in silence", low=64, high=1_048_576
    )


class Space(NamedTuple):
    """samples: T; rate: samples a second."""

    samples: int
    rate: int = fsdd.RATE

    @property
    def numbers(self) -> int:
        """Of one recording."""
        return self.samples

    def example(self) -> tf.Tensor:
        """Two recordings of silence."""
        return tf.fill([2, self.samples], 128.0)

    def __str__(self) -> str:
        return f"recordings of {self.samples:,} samples at {self.rate:,} Hz in 256 levels"


def load(dataset: str, data_dir: str | None, point):
    """Reads it."""
    if own.is_own(dataset):
        return checked(own.load(dataset, data_dir, max_samples=point["data"].max_samples))
    module = importlib.import_module(f"zoo.datasets.{dataset}")
    return checked(module.load(dataset, data_dir, point["data"].max_samples))


def space(dataset: str, data_dir: str | None, point) -> Space:
    """Without reading a file, but of one's own."""
    if own.is_own(dataset):
        return space_of(load(dataset, data_dir, point))
    return Space(point["data"].max_samples)


def space_of(data) -> Space:
    """Of a set that was read."""
    return Space(data.train.x.shape[1], data.rate)


usual_data, usual, facts = alike("recordings", likelihood="mu_law", encoder="full")


def pictures(model, x: np.ndarray, data, seed: int, progress) -> diagnosis.Shown:
    """What one hears, and its spectrograms."""
    label = data.test.condition if model.asks_label else None
    speakers = data.label_names if own.is_own(data.name) else fsdd.SPEAKERS
    return diagnosis.sounds(model, x, data.rate, seed, progress, label=label, speakers=speakers)
