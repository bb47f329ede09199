"""One learned variance for all pixels.

Legend: B batch, H W C image, D latent width.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["SharedVariance"]


@keras.saving.register_keras_serializable(package="tfvae")
class SharedVariance(keras.layers.Layer):
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

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the network serialised."""
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SharedVariance:
        """The network that `get_config` described."""
        network = keras.saving.deserialize_keras_object(config["network"])
        return cls(**{**config, "network": network})
