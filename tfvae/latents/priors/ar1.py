"""The AR(1) prior of the delta-VAE: a latent sequence that commits a rate.

Legend: B batch, n positions, D channels.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.distributions import AR1, committed_rate, correlation_for_rate
from tfvae.latents.parts import PriorPart
from tfvae.latents.prior import Prior
from tfvae.parts import facts, part, setting

__all__ = ["AR1Prior"]


@keras.saving.register_keras_serializable(package="tfvae")
class AR1Prior(Prior):
    """p(z): D independent channels, corr(z_t, z_{t+k}) = a^k;  rate >= delta = sum_d delta(n, a_d).

    Razavi et al., ICLR 2019, section 2.2. The correlations are constants: learned ones drift to 0,
    and the floor with them. One group for each channel.

    Args:
        event_shape: `(n, D)`.
        correlation: one number for every channel, or D of them, each in (-1, 1).

    Raises:
        UserError: a correlation outside of (-1, 1), or not 1 or D of them.
    """

    def __init__(self, event_shape, correlation, **kwargs):
        super().__init__(event_shape, **kwargs)
        given = tuple(np.atleast_1d(np.asarray(correlation, float)).tolist())
        if len(self.event_shape) != 2 or len(given) not in (1, self.event_shape[1]):
            raise UserError(
                f"AR1Prior needs an event shape (n, D) and 1 or D correlations, got "
                f"{self.event_shape} and {len(given)} of them"
            )
        self.correlation = given * self.event_shape[1] if len(given) == 1 else given
        committed_rate(self.event_shape[0], self.correlation)  # refuses what is out of range

    @classmethod
    def from_rate(cls, event_shape, rate: float, **kwargs) -> AR1Prior:
        """The prior that commits `rate` nats in total, split evenly over the channels."""
        length, channels = event_shape
        return cls(event_shape, correlation_for_rate(length, rate / channels), **kwargs)

    @property
    def committed_rate(self) -> np.ndarray:
        """delta of each channel, float64 [D] nats."""
        return committed_rate(self.event_shape[0], self.correlation)

    def distribution(self) -> AR1:
        """p(z), batch shape [], event shape [n, D]."""
        return AR1(self.event_shape[0], tf.constant(self.correlation, tf.float32))

    def conditional(self, z) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean [B, n, D] and scale [n, D] of p(z_t | z_{t-1}), for all t in one pass."""
        correlation = tf.constant(self.correlation, z.dtype)
        before = tf.pad(z[:, :-1], [[0, 0], [1, 0], [0, 0]])
        innovation = tf.sqrt(1.0 - tf.square(correlation))
        later = tf.ones([self.event_shape[0] - 1, 1], z.dtype) * innovation
        return correlation * before, tf.concat([tf.ones_like(innovation)[None], later], 0)

    def get_config(self):
        return {**super().get_config(), "correlation": self.correlation}


@part
class CommittedRate(PriorPart):
    """Correlated along the positions, so that no posterior of independent numbers reaches it (delta-VAE)."""

    name = "ar1"
    needs = facts("positions density mean_field")
    offers = facts("one_prior renewable_prior prior_without_rows continuous_prior")
    brings = {"code": "sequence"}
    committed_rate: float = setting(
        2.0,
        "delta in nats, in total, split evenly over the width",
        low=1e-6,
        high=1e5,
        of={"correlation": ((),)},
    )
    correlation: tuple[float, ...] = setting(
        (),
        "one or one per channel, instead of committed_rate",
        low=-0.9999999,
        high=0.9999999,
    )

    def make(self, context):
        if self.correlation:
            return AR1Prior(context.shape, self.correlation)
        return AR1Prior.from_rate(context.shape, self.committed_rate)
