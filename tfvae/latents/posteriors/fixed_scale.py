"""A Gaussian posterior of which only the mean is learned.

Legend: B batch, F features.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import positive
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posteriors.mean_field import MeanFieldPosterior
from tfvae.latents.shapes import check_features
from tfvae.parts import facts, part, setting

__all__ = ["FixedScalePosterior"]


@keras.saving.register_keras_serializable(package="tfvae")
class FixedScalePosterior(MeanFieldPosterior):
    """q(z|x) = N(mu(x), scale^2 I),  mu = linear(features).

    With scale 1 it is that of the associative compression networks (Graves et al. 2018): how much a
    code tells is how far apart the means lie. A small scale stands for a deterministic encoder (WAE)
    and, unlike it, has a finite rate.

    Args:
        event_shape: see `MeanFieldPosterior`.
        scale: sigma of every number of z.
    """

    def __init__(self, event_shape, scale: float = 1.0, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.scale = float(positive("scale of a posterior", scale))
        self.mean_head = keras.layers.Dense(self.event_shape[-1], dtype="float32", name="mean")

    def build(self, features_shape):
        check_features(type(self).__name__, self.event_shape, features_shape)
        if not self.mean_head.built:
            self.mean_head.build(features_shape)
        self.built = True

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, tf.Tensor]:
        """(mu, log sigma^2), each [B, *event_shape], float32."""
        mean = self.mean_head(tf.cast(features, tf.float32))
        return mean, tf.fill(tf.shape(mean), 2.0 * tf.math.log(self.scale))

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


@part
class FixedScale(PosteriorPart):
    """N(mu(x), sigma^2 I), sigma the same for every x and held."""

    name = "fixed_scale"
    offers = facts(
        "z density density_of_every_z independent_units mean_field paid_rate gradient_moves_all"
    )
    posterior_scale: float = setting(1.0, "sigma", low=1e-4, high=1e3)

    def make(self, context):
        return FixedScalePosterior(context.shape, self.posterior_scale)
