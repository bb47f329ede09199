"""A Gaussian posterior whose scale is learned, and the same for every x.

Legend: B batch, F features.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posteriors.mean_field import MeanFieldPosterior
from tfvae.latents.shapes import check_features
from tfvae.parts import facts, part

__all__ = ["SharedScalePosterior"]


@keras.saving.register_keras_serializable(package="tfvae")
class SharedScalePosterior(MeanFieldPosterior):
    """q(z|x) = N(mu(x), diag exp(2 s)),  mu = linear(features), s a weight of each number of z, 0 at first.

    What a linear Gaussian decoder implies: the true posterior's covariance does not depend on x
    (Lucas, Tucker, Grosse and Norouzi 2019).

    Args:
        event_shape: see `MeanFieldPosterior`.
    """

    def __init__(self, event_shape, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.mean_head = keras.layers.Dense(self.event_shape[-1], dtype="float32", name="mean")

    def build(self, features_shape):
        check_features(type(self).__name__, self.event_shape, features_shape)
        if not self.mean_head.built:
            self.mean_head.build(features_shape)
        self.log_scale = self.add_weight(
            name="log_scale", shape=self.event_shape, initializer="zeros", dtype="float32"
        )
        self.built = True

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, tf.Tensor]:
        """(mu, log sigma^2), each [B, *event_shape], float32."""
        mean = self.mean_head(tf.cast(features, tf.float32))
        return mean, tf.zeros_like(mean) + 2.0 * tf.convert_to_tensor(self.log_scale)


@part
class SharedScale(PosteriorPart):
    """N(mu(x), diag sigma^2), a learned sigma of each number, the same for every x."""

    name = "shared_scale"
    offers = facts(
        "z density density_of_every_z independent_units mean_field mean_and_scale paid_rate "
        "gradient_moves_all"
    )

    def make(self, context):
        return SharedScalePosterior(context.shape)
