"""Priors of positive numbers: log-normal, and log-uniform, which is a cost and no density.

Achille and Soatto 2018.
"""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.distributions import LogUniform
from tfvae.latents.parts import PriorPart
from tfvae.latents.prior import Prior
from tfvae.multiplicative import log_scale_of
from tfvae.parts import facts, part

tfd = tfp.distributions

__all__ = ["LogNormalPrior", "LogUniformPrior"]


@keras.saving.register_keras_serializable(package="tfvae")
class LogNormalPrior(Prior):
    """p(z) = prod_d LN(z_d; mu, sigma^2), two learned numbers for all; one group for each number.

    Args:
        event_shape: of one z.
    """

    def build(self, input_shape=None):
        del input_shape
        self.loc = self.add_weight(name="loc", shape=(), initializer="zeros", dtype="float32")
        self.log_scale = self.add_weight(
            name="log_scale", shape=(), initializer="zeros", dtype="float32"
        )
        self.built = True

    def distribution(self) -> tfd.Distribution:
        """p(z), batch shape [], event shape as declared."""
        loc = tf.fill(self.event_shape, tf.convert_to_tensor(self.loc))
        scale = tf.exp(tf.convert_to_tensor(self.log_scale))
        return tfd.Independent(tfd.LogNormal(loc, scale), len(self.event_shape))


@keras.saving.register_keras_serializable(package="tfvae")
class LogUniformPrior(Prior):
    """A cost of ln((0.001 + alpha_max) / alpha) for each number that is alive, 0 at the most noise.

    It is that of p(z) = q_0 delta_0 + c / z up to a constant; the released code charges dead numbers, too. It
    has no sum: there is no bound, no NLL and no draw.

    Args:
        event_shape: of one z.
        max_noise: the posterior's alpha_max.
    """

    proper = False

    def __init__(self, event_shape, max_noise: float = 0.7, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.max_noise = float(max_noise)

    def distribution(self) -> tfd.Distribution:
        """Of the costs; see `LogUniform`."""
        each = LogUniform(self.event_shape, log_scale_of(self.max_noise))
        return tfd.Independent(each, len(self.event_shape))

    def get_config(self):
        return {**super().get_config(), "max_noise": self.max_noise}


@part
class LogNormal(PriorPart):
    """Log-normal, with two learned numbers for all of z."""

    name = "log_normal"
    needs = facts("multiplied")
    offers = facts("log_normal one_prior prior_without_rows")

    def make(self, context):
        return LogNormalPrior(context.shape)


@part
class LogUniformCost(PriorPart):
    """ln(most noise / noise) of each number that is alive: a cost, and no density."""

    name = "log_uniform"
    needs = facts("multiplied")
    offers = facts("log_uniform prior_without_rows")

    def make(self, context):
        return LogUniformPrior(context.shape, context.point["posterior"].max_noise)
