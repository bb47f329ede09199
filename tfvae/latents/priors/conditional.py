"""A prior that is told what is known besides x.

Legend: B batch, D latent width, n positions, C width of the condition.
"""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.latents.parts import PriorPart
from tfvae.latents.prior import Prior
from tfvae.parts import facts, part

tfd = tfp.distributions

__all__ = ["ConditionalNormalPrior"]

_LOG_SCALE_BOUND = 3.0


@keras.saving.register_keras_serializable(package="tfvae")
class ConditionalNormalPrior(Prior):
    """p(z|c) = N(m(c), diag s(c)^2),  m and log s linear in c, 0 at first: N(0, I).

    Sohn, Lee and Yan 2015 (the prior network of the conditional VAE).

    Args:
        event_shape: of z, `(D,)` or `(n, D)`.
        condition_size: C.
    """

    asks_label = True

    def __init__(self, event_shape, condition_size: int, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.condition_size = condition_size
        size = 1
        for axis in self.event_shape:
            size *= axis
        self.head = keras.layers.Dense(
            2 * size, kernel_initializer="zeros", dtype="float32", name="head"
        )

    def build(self, input_shape=None):
        del input_shape
        if not self.head.built:
            self.head.build((None, self.condition_size))
        self.built = True

    def given(self, known) -> _Given:
        """The prior of each example, told [B, C] -> batch shape [B].

        Raises:
            UserError: nothing is told.
        """
        if known.told is None:
            raise UserError(
                "a ConditionalNormalPrior is told the label, and here it is told none: give the model a "
                "condition, tell it to the prior (told=...), and give label=..."
            )
        mean, log_scale = tf.split(self.head(tf.cast(known.told, tf.float32)), 2, -1)
        shape = [-1, *self.event_shape]
        log_scale = _LOG_SCALE_BOUND * tf.tanh(log_scale / _LOG_SCALE_BOUND)
        normal = tfd.Normal(tf.reshape(mean, shape), tf.exp(tf.reshape(log_scale, shape)))
        return _Given(normal, len(self.event_shape))

    def get_config(self):
        return {**super().get_config(), "condition_size": self.condition_size}


class _Given:
    def __init__(self, normal: tfd.Normal, event_ndims: int):
        self._normal, self._event_ndims = normal, event_ndims

    def distribution(self) -> tfd.Distribution:
        """p(z|c), batch shape [B]."""
        return tfd.Independent(self._normal, self._event_ndims)


@part
class Label(PriorPart):
    """A Gaussian of each label (condition=labels)."""

    name = "label"
    needs = facts("density labels_told")
    offers = facts("prior_without_rows continuous_prior")

    def make(self, context):
        return ConditionalNormalPrior(context.shape, context.condition.size)
