"""Planar flows as a posterior.

Legend: B batch, K steps, D numbers of z, all of them together.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf

from tfvae import flows
from tfvae.checks import count
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posteriors.flow import FlowPosterior
from tfvae.parts import facts, part, setting

__all__ = ["PlanarPosterior"]


def _near_nothing(shape, dtype=None) -> tf.Tensor:
    """Where w, u and b begin: at w = 0 its direction is none, and no gradient moves it."""
    del dtype
    return 0.1 * tf.random.stateless_normal(shape, [0, 1])


@keras.saving.register_keras_serializable(package="tfvae")
class PlanarPosterior(FlowPosterior):
    """z <- z + u^ tanh(w . z + b), K times, of z ~ N(mu(x), diag sigma(x)^2);  w, u, b linear in features.

    Rezende and Mohamed 2015, eq. 10-12; u^ is u with w . u^ > -1 (appendix A.1), so that every step has a
    way back.

    Args:
        event_shape, heads: see `FlowPosterior`.
        num_flows: K.

    Raises:
        UserError: K is not above 0.
    """

    def __init__(self, event_shape, num_flows: int = 10, heads: Mapping | None = None, **kwargs):
        super().__init__(event_shape, heads, **kwargs)
        self.num_flows = count("num_flows", num_flows)

    def told_size(self) -> int:
        return self.num_flows * (2 * self.size + 1)

    def make_teller(self):
        return keras.layers.Dense(
            self.told_size(),
            kernel_initializer=keras.initializers.VarianceScaling(0.01),
            bias_initializer=_near_nothing,
            dtype="float32",
            name="told",
        )

    def neutral(self, parameters):
        mean, log_variance, told = parameters
        start = tf.zeros_like(told) + _near_nothing([told.shape[-1]])
        return [tf.zeros_like(mean), tf.zeros_like(log_variance), start]

    def moved(self, z, told):
        log_det = 0.0
        for step in tf.split(told, self.num_flows, -1):
            w, u, b = tf.split(step, [self.size, self.size, 1], -1)
            z, one = flows.planar(z, w, u, b[:, 0])
            log_det += one
        return z, log_det

    def get_config(self):
        return {**super().get_config(), "num_flows": self.num_flows}


@part
class Planar(PosteriorPart):
    """Planar flows, each told x (Rezende and Mohamed 2015)."""

    name = "planar"
    offers = facts("z density paid_rate gradient_moves_all")
    planar_flows: int = setting(10, "steps", low=1, high=1000)

    def make(self, context):
        return PlanarPosterior(context.shape, self.planar_flows, context.heads)
