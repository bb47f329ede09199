"""8-bit pixels as 256 unordered classes.

    log p(x | l) = l_x - logsumexp_v l_v,   v = 0 .. 255

Given the parameters the channels are independent; an autoregressive head puts their dependence into
the parameters (van den Oord, Kalchbrenner and Kavukcuoglu, "Pixel Recurrent Neural Networks",
ICML 2016, section 3.2).

Legend: B batch, C channels or columns; P = 256 C logits, channel by channel.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.likelihoods.likelihood import (
    Likelihood,
    check_bytes,
    event_rank,
    preprocess_bytes,
    sizes,
    sum_event,
)
from tfvae.parts import Part, facts, part
from tfvae.randomness import batch_uniform

tfd = tfp.distributions

__all__ = ["LEVELS", "Categorical256", "level_draw", "level_loss", "level_mean", "level_mode"]

LEVELS = 256


def level_loss(logits, x) -> tf.Tensor:
    """-log softmax(l)_x, logits [..., 256] and levels [...] -> [...] nats; no one-hot is made."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(x, tf.int32), logits)


def level_mean(logits) -> tf.Tensor:
    """sum_v v softmax(l)_v, [..., 256] -> [...]."""
    return tf.reduce_sum(tf.nn.softmax(logits) * tf.range(LEVELS, dtype=tf.float32), -1)


def level_mode(logits) -> tf.Tensor:
    """argmax_v l_v, [..., 256] -> [...] float32."""
    return tf.cast(tf.argmax(logits, -1), tf.float32)


def level_draw(logits, seed) -> tf.Tensor:
    """argmax_v (l_v + Gumbel noise), [..., 256] -> [...] float32."""
    uniform = batch_uniform(sizes(logits), seed)
    gumbel = -tf.math.log(-tf.math.log(uniform))
    return tf.cast(tf.argmax(logits + gumbel, -1), tf.float32)


def _logits(parameters) -> tf.Tensor:
    """[..., 256 C] -> [..., C, 256] float32."""
    parameters = tf.cast(parameters, tf.float32)
    channels = parameters.shape[-1] // LEVELS
    return tf.reshape(parameters, [*sizes(parameters)[:-1], channels, LEVELS])


@keras.saving.register_keras_serializable(package="tfvae")
class Categorical256(Likelihood):
    """log p(x | l) = sum l_x - logsumexp l, for x in 0 .. 255."""

    bits = 8
    input_range = (-1.0, 1.0)

    def parameter_size(self, channels: int) -> int:
        """256 logits a channel."""
        return LEVELS * channels

    def preprocess(self, x) -> tf.Tensor:
        """x / 127.5 - 1."""
        return preprocess_bytes(x)

    def log_prob(self, parameters, x) -> tf.Tensor:
        """[B] nats; see `Likelihood.log_prob`."""
        return -sum_event(level_loss(_logits(parameters), x), event_rank(parameters))

    def distribution(self, parameters) -> Any:
        """Independent categorical numbers, event [..., C], values 0. .. 255."""
        each = tfd.Categorical(logits=_logits(parameters), dtype=tf.float32)
        return tfd.Independent(each, event_rank(parameters))

    def mean(self, parameters) -> tf.Tensor:
        """sum_v v p(v)."""
        return level_mean(_logits(parameters))

    def mode(self, parameters) -> tf.Tensor:
        """argmax_v l_v."""
        return level_mode(_logits(parameters))

    def sample(self, parameters, seed) -> tf.Tensor:
        """argmax_v (l_v + Gumbel noise)."""
        return level_draw(_logits(parameters), seed)

    def check(self, array: np.ndarray) -> None:
        """Refuses what is not whole numbers from 0 to 255."""
        check_bytes(array)


@part
class CategoricalPixels(Part):
    """256 levels, each with a logit of its own."""

    place, name, kinds = "likelihood", "categorical", ("images",)
    needs = facts("bytes")
    offers = facts("smooth_inputs")

    def make(self, context):
        return Categorical256()
