"""What a level of a hierarchy makes of its own features and the levels above it.

Legend: B batch, n positions, F features.
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from tfvae.configured import Configured
from tfvae.networks.condition import joined

__all__ = ["JoinAbove"]


@keras.saving.register_keras_serializable(package="tfvae")
class JoinAbove(Configured, keras.layers.Layer):
    """(features [B, (n,) F], {level: z}) -> tanh(linear(features with every z above behind them)).

    The z above are flattened, and stand behind the features of every position.

    Args:
        units: F of what comes out.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.linear = keras.layers.Dense(units, "tanh", name="linear")

    def build(self, features_shape, above_shape):
        """Builds the layer for features and the z of each level above."""
        more = sum(math.prod(shape[1:]) for shape in above_shape.values())
        if not self.linear.built:
            self.linear.build((*features_shape[:-1], features_shape[-1] + more))
        self.built = True

    def call(self, features, above):
        """[B, (n,) F] and {level: [B, ...]} -> [B, (n,) units]."""
        flat = [tf.reshape(z, [-1, math.prod(z.shape[1:])]) for _, z in sorted(above.items())]
        return self.linear(joined(features, tf.concat(flat, -1)))
