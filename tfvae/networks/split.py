"""One vector of features cut into positions.

Legend: B batch, F features, n positions.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from tfvae.configured import Configured

__all__ = ["SplitEncoder"]


@keras.saving.register_keras_serializable(package="tfvae")
class SplitEncoder(Configured, keras.layers.Layer):
    """features = reshape(W encoder(x) + b, [B, n, width]): for a latent sequence, a vector's encoder.

    Args:
        encoder: x -> [B, F].
        positions: n.
        width: of each position.
    """

    def __init__(self, encoder: keras.layers.Layer, positions: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.positions, self.width = encoder, positions, width
        self.cut = keras.layers.Dense(positions * width, dtype=self.dtype_policy)

    def build(self, input_shape):
        """Builds both for x [B, ...]."""
        if not self.encoder.built:
            self.encoder.build(input_shape)
        if not self.cut.built:
            inputs = keras.KerasTensor(input_shape, dtype="int32")
            features = self.encoder.compute_output_spec(inputs)
            self.cut.build(features.shape)

    def call(self, x):
        """x -> [B, n, width]."""
        cut = self.cut(self.encoder(x))
        return tf.reshape(cut, [ops.shape(cut)[0], self.positions, self.width])
