"""The gated linear layer.

Legend: B batch, F features.
"""

from __future__ import annotations

import keras
from keras import ops

from tfvae.configured import Configured

__all__ = ["GATED", "GatedDense", "dense"]

GATED = "gated"


@keras.saving.register_keras_serializable(package="tfvae")
class GatedDense(Configured, keras.layers.Layer):
    """h = (x W + b) * sigmoid(x V + c).

    Dauphin et al. 2017; of every hidden layer of Tomczak and Welling 2018. Both kernels ~ N(0, 2 / F), as
    released there.

    Args:
        units: of h.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.value, self.gate = (
            keras.layers.Dense(
                units, kernel_initializer="he_normal", dtype=self.dtype_policy, name=name
            )
            for name in ("value", "gate")
        )

    def build(self, input_shape):
        """Builds both for [B, ..., F]."""
        for layer in (self.value, self.gate):
            if not layer.built:
                layer.build(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape):
        """[B, ..., units]."""
        return (*input_shape[:-1], self.units)

    def call(self, x):
        """[B, ..., F] -> [B, ..., units]."""
        return self.value(x) * ops.sigmoid(self.gate(x))


def dense(units: int, activation: str, dtype=None) -> keras.layers.Layer:
    """A layer of that activation: a Keras one's name, or `gated`."""
    if activation == GATED:
        return GatedDense(units, dtype=dtype)
    return keras.layers.Dense(units, activation=activation, dtype=dtype)
