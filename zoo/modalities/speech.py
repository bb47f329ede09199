"""Speech: waveforms of one length, in levels of mu-law."""

from __future__ import annotations

import dataclasses
import importlib
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import diagnosis
from zoo.backbones.speech import NAMES as BACKBONES
from zoo.datasets import fsdd
from zoo.datasets.data import checked

# a waveform is kept, streamed and measured as an image is
from zoo.modalities.images import arrays, batches, identity, leave, stream
from zoo.settings import field

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

NAME = "speech"
DATASET = "fsdd"
UNIT = "recordings"
DEFAULT_BACKBONE = "wavenet"


@dataclasses.dataclass(frozen=True)
class EncoderSettings:
    """What makes features of a waveform."""

    encoder: str = field(
        "full",
        "of frames: full sees samples to both sides, anti_causal those from the frame on",
        choices=("full", "anti_causal"),
    )
    latent_frames: bool = field(
        False,
        "a latent at each frame instead of one vector; codes, prior=ar1 and encoder=anti_causal "
        "always have one",
        of=({"prior": ("normal", "label")}, {"num_codes": (0,)}, {"encoder": ("full",)}),
    )


@dataclasses.dataclass(frozen=True)
class DecoderSettings:
    """WaveNet, and the frames that it is told."""

    downsampling: int = field(64, "samples a frame, a power of 2", low=2, high=4096)
    decoder_layers: int | None = field(
        None, "blocks of the decoder instead of the backbone's own number", low=1, high=200
    )
    decoder_filters: int | None = field(
        None, "width of the decoder instead of the backbone's own", low=2, high=4096
    )
    dilation_cycle: int = field(
        10, "blocks after which the dilations, which double, begin anew at 1", low=1, high=14
    )


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """How long a recording is."""

    max_samples: int = field(
        4096, "longer recordings are cut, shorter ones end in silence", low=64, high=1_048_576
    )


SETTINGS = (EncoderSettings, DecoderSettings, DataSettings)
SETTINGS_WITHOUT_LATENT = (DecoderSettings, DataSettings)


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


def load(dataset: str, data_dir: str | None, settings):
    """Reads it."""
    module = importlib.import_module(f"zoo.datasets.{dataset}")
    return checked(module.load(dataset, data_dir, settings.max_samples))


def space(dataset: str, data_dir: str | None, settings) -> Space:
    """Without reading a file."""
    del dataset, data_dir
    return Space(settings.max_samples)


def space_of(data) -> Space:
    """Of a set that was read."""
    return Space(data.train.x.shape[1])


def facts(
    settings, dataset: str, made_for: Space | None = None, data_dir: str | None = None
) -> dict[str, str]:
    """None; see `zoo.settings.field`."""
    del settings, dataset, made_for, data_dir
    return {}


def pictures(model, x: np.ndarray, data, seed: int, progress) -> diagnosis.Shown:
    """What one hears, and its spectrograms."""
    label = data.test.condition if model.asks_label else None
    return diagnosis.sounds(
        model, x, fsdd.RATE, seed, progress, label=label, speakers=fsdd.SPEAKERS
    )
