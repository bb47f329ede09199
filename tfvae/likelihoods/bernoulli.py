"""Binary pixels.

    log p(x | l) = x l - softplus(l),   l = logit of p(x = 1)

Legend: B batch, C channels or columns; P = C logits.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError, one_of
from tfvae.likelihoods.likelihood import Likelihood, event_rank, sizes, sum_event
from tfvae.parts import Part, facts, part, setting
from tfvae.randomness import batch_uniform

tfd = tfp.distributions

__all__ = ["BINARY_INPUTS", "Bernoulli"]

BINARY_INPUTS = {"symmetric": (-1.0, 1.0), "zero_one": (0.0, 1.0)}
"""What networks see instead of 0 and 1."""


@keras.saving.register_keras_serializable(package="tfvae")
class Bernoulli(Likelihood):
    """log p(x | l) = sum x l - softplus(l), for x in {0, 1}.

    Grey values in (0, 1) are accepted as probabilities: `log_prob` is then the expectation of the
    formula above over their binarisation, which is not a normalised likelihood of the grey values.

    Args:
        inputs: what networks see: `symmetric` (2 x - 1, which tells a black pixel from the zeros around a
            convolution's image) or `zero_one` (x, as most released MLPs: among mostly black pixels the
            others would add a large constant to every unit, and tanh saturates).
    """

    bits = 1

    def __init__(self, inputs: str = "symmetric"):
        self.inputs = one_of("inputs", inputs, BINARY_INPUTS)
        self.input_range = BINARY_INPUTS[inputs]

    def parameter_size(self, channels: int) -> int:
        """One logit a channel."""
        return channels

    def preprocess(self, x) -> tf.Tensor:
        """2 x - 1, or x."""
        low, high = BINARY_INPUTS[self.inputs]
        return (high - low) * tf.cast(x, tf.float32) + low

    def log_prob(self, parameters, x) -> tf.Tensor:
        """[B] nats; see `Likelihood.log_prob`."""
        logits = tf.cast(parameters, tf.float32)
        return sum_event(
            tf.cast(x, tf.float32) * logits - tf.nn.softplus(logits), event_rank(logits)
        )

    def distribution(self, parameters) -> Any:
        """Independent Bernoulli numbers, event [..., C]."""
        logits = tf.cast(parameters, tf.float32)
        return tfd.Independent(tfd.Bernoulli(logits=logits, dtype=tf.float32), event_rank(logits))

    def mean(self, parameters) -> tf.Tensor:
        """p(x = 1)."""
        return tf.sigmoid(tf.cast(parameters, tf.float32))

    def mode(self, parameters) -> tf.Tensor:
        """1 where the logit is above 0."""
        return tf.cast(tf.convert_to_tensor(parameters) > 0, tf.float32)

    def sample(self, parameters, seed) -> tf.Tensor:
        """1 with probability sigmoid(l)."""
        mean = self.mean(parameters)
        return tf.cast(batch_uniform(sizes(mean), seed) < mean, tf.float32)

    def check(self, array: np.ndarray) -> None:
        """Refuses values outside of [0, 1]."""
        array = np.asarray(array)
        if array.dtype.kind not in "buif":
            raise UserError(f"x must be numbers or booleans, got {array.dtype}")
        if array.size and not (array.min() >= 0 and array.max() <= 1):
            raise UserError(
                "x must be 0 or 1 (or probabilities between) for binary pixels, "
                f"got {array.min():g} to {array.max():g}"
            )


@part
class BernoulliPixels(Part):
    """Of binary pixels."""

    place, name, kinds = "likelihood", "bernoulli", ("images",)
    needs = facts("binary")
    offers = facts("smooth_inputs")
    binary_inputs: str | None = setting(
        None,
        "what networks see of a pixel: 2 x - 1 or x; empty: x where all are fully connected",
        choices=tuple(BINARY_INPUTS),
    )

    def make(self, context):
        return Bernoulli(self.binary_inputs or context.point["backbone"].binary_inputs)
