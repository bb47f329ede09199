"""One learned variance for all pixels.

Legend: B batch, H W C image, D latent width.
"""

from __future__ import annotations

import keras
from keras import ops

from tfvae.configured import Configured

__all__ = ["SharedVariance"]


@keras.saving.register_keras_serializable(package="tfvae")
class SharedVariance(Configured, keras.layers.Layer):
    """[means(z), s]:  s = log sigma^2 is one weight, 0 at first, behind each pixel's means.

    Lucas, Tucker, Grosse and Norouzi 2019.

    Args:
        network: z -> means [B, H, W, C].
    """

    def __init__(self, network: keras.layers.Layer, **kwargs):
        super().__init__(**kwargs)
        self.network = network

    def build(self, z_shape):
        if not self.network.built:
            self.network.build(z_shape)
        self.log_variance = self.add_weight(
            name="log_variance", shape=(), initializer="zeros", dtype="float32"
        )

    def call(self, z):
        """[B, D] -> [B, H, W, 2 C] float32."""
        mean = ops.cast(self.network(z), "float32")
        return ops.concatenate([mean, ops.zeros_like(mean) + self.log_variance], -1)
