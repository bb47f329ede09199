"""The standard normal prior, p(z) = N(0, I).

Legend: B batch, D latent width.
"""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.latents.parts import PriorPart
from tfvae.latents.prior import Prior
from tfvae.parts import facts, part

tfd = tfp.distributions

__all__ = ["StandardNormalPrior"]


@keras.saving.register_keras_serializable(package="tfvae")
class StandardNormalPrior(Prior):
    """rate_d = 1/2 (mu_d^2 + sigma_d^2 - 1 - ln sigma_d^2), one group for each latent dimension.

    Kingma and Welling 2014, appendix B. For a sequence (n, D) the groups are the D channels.

    Args:
        event_shape: the shape of one z.
    """

    def distribution(self) -> tfd.Distribution:
        """p(z), batch shape [], event shape as declared."""
        zeros = tf.zeros(self.event_shape)
        return tfd.Independent(tfd.Normal(zeros, 1.0), len(self.event_shape))

    def conditional(self, z) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean [B, ...] and scale [...] of each number given those before it: 0 and 1."""
        return tf.zeros_like(z), tf.ones(self.event_shape, z.dtype)


@part
class Normal(PriorPart):
    """N(0, I)."""

    name = "normal"
    needs = facts("density")
    offers = facts("one_prior renewable_prior prior_without_rows continuous_prior")

    def make(self, context):
        return StandardNormalPrior(context.shape)
