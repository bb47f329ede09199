"""The encoder of a model without a latent."""

from __future__ import annotations

import keras

__all__ = ["NoEncoder"]


@keras.saving.register_keras_serializable(package="tfvae")
class NoEncoder(keras.layers.Layer):
    """features = x: there is nothing to encode, and only the size of the batch is looked at."""

    def build(self, input_shape):
        self.built = True

    def call(self, x):
        """x itself, [B, ...]."""
        return x
