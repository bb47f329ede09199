"""Waveforms in 256 levels of mu-law companding.

    F(a) = sign(a) ln(1 + 255 |a|) / ln 256,   a in [-1, 1]
    x    = floor(127.5 (F(a) + 1) + 1/2)       -1 -> 0,  0 -> 128,  1 -> 255
    log p(x | l) = sum_t l_{t, x_t} - logsumexp_v l_{t, v}

ITU-T G.711; van den Oord et al., "WaveNet: A Generative Model for Raw Audio", 2016, section 2.2.

Legend: B batch, T samples of a waveform; P = 256 logits a sample.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.likelihoods.categorical import LEVELS, level_draw, level_loss, level_mean, level_mode
from tfvae.likelihoods.likelihood import (
    Likelihood,
    check_bytes,
    event_rank,
    preprocess_bytes,
    sum_event,
)
from tfvae.parts import Part, facts, part

tfd = tfp.distributions

__all__ = ["MuLaw", "mu_law_decode", "mu_law_encode"]

_MU = LEVELS - 1


def mu_law_encode(amplitude) -> np.ndarray:
    """Amplitudes in [-1, 1] -> levels 0 .. 255, uint8.

    Raises:
        UserError: an amplitude outside of [-1, 1], or none at all (NaN).
    """
    amplitude = np.asarray(amplitude, np.float64)
    if amplitude.size and not np.abs(amplitude).max() <= 1.0:
        raise UserError(
            f"amplitudes must be from -1 to 1, got {amplitude.min():g} to {amplitude.max():g}"
        )
    companded = np.sign(amplitude) * np.log1p(_MU * np.abs(amplitude)) / np.log1p(_MU)
    return np.floor((companded + 1.0) * _MU / 2.0 + 0.5).astype(np.uint8)


def mu_law_decode(levels) -> np.ndarray:
    """Levels 0 .. 255 -> amplitudes in [-1, 1], float32: the inverse of F at the level.

        |a - decode(encode(a))| <= (256^(1/255) - 1) (1/255 + |a|)

    No level is silence: 128 stands for 0.00009.
    """
    companded = np.asarray(levels, np.float64) / (_MU / 2.0) - 1.0
    amplitude = np.sign(companded) * np.expm1(np.abs(companded) * np.log1p(_MU)) / _MU
    return amplitude.astype(np.float32)


@keras.saving.register_keras_serializable(package="tfvae")
class MuLaw(Likelihood):
    """log p(x | l) = sum_t log softmax(l_t)_{x_t}, x [B, T] levels 0 .. 255, l [B, T, 256]."""

    bits = 8
    input_range = (-1.0, 1.0)
    has_channels = False

    def parameter_size(self, channels: int = 1) -> int:
        """256 logits a sample."""
        return LEVELS * channels

    def preprocess(self, x) -> tf.Tensor:
        """x / 127.5 - 1: the companded amplitude, in which a quiet voice is not a flat line."""
        return preprocess_bytes(x)

    def log_prob(self, parameters, x) -> tf.Tensor:
        """[B] nats, summed over the samples.

        Args:
            parameters: logits [B, T, 256].
            x: levels [B, T].
        """
        loss = level_loss(tf.cast(parameters, tf.float32), x)
        return -sum_event(loss, event_rank(loss))

    def distribution(self, parameters) -> Any:
        """Independent categorical samples, event [T], values 0. .. 255."""
        logits = tf.cast(parameters, tf.float32)
        return tfd.Independent(
            tfd.Categorical(logits=logits, dtype=tf.float32), event_rank(parameters) - 1
        )

    def mean(self, parameters) -> tf.Tensor:
        """sum_v v p(v), a level: the mean of the companded amplitude."""
        return level_mean(tf.cast(parameters, tf.float32))

    def mode(self, parameters) -> tf.Tensor:
        """argmax_v l_v, [..., 256] -> [...]."""
        return level_mode(parameters)

    def sample(self, parameters, seed) -> tf.Tensor:
        """[..., 256] -> [...]."""
        return level_draw(tf.cast(parameters, tf.float32), seed)

    def check(self, array: np.ndarray) -> None:
        """Refuses what is not whole numbers from 0 to 255: amplitudes go through `mu_law_encode`.

        Raises:
            UserError: otherwise.
        """
        try:
            check_bytes(array)
        except UserError as error:
            raise UserError(f"{error}; amplitudes become levels by mu_law_encode") from None


@part
class MuLawSamples(Part):
    """256 levels of mu-law, each with a logit of its own."""

    place, name, kinds = "likelihood", "mu_law", ("speech",)
    offers = facts("smooth_inputs")

    def make(self, context):
        return MuLaw()
