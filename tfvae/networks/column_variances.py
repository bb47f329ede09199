"""One learned variance for each number of a table.

Legend: B batch, D latent width, C columns, J numbers.
"""

from __future__ import annotations

import keras
from keras import ops

from tfvae.configured import Configured

__all__ = ["ColumnVariances"]


@keras.saving.register_keras_serializable(package="tfvae")
class ColumnVariances(Configured, keras.layers.Layer):
    """[network(z), s]:  s_j = log sigma_j^2 is a weight of number j, 0 at first, whatever z is.

    What `tfvae.likelihoods.Columns` asks for. Lucas et al. 2019 learn one for all; the columns of a table
    are told by the code to different degrees.

    Args:
        network: z -> means and logits [B, C].
        numbers: J.
    """

    def __init__(self, network: keras.layers.Layer, numbers: int, **kwargs):
        super().__init__(**kwargs)
        self.network = network
        self.numbers = numbers

    def build(self, z_shape):
        if not self.network.built:
            self.network.build(z_shape)
        self.log_variance = self.add_weight(
            name="log_variance", shape=(self.numbers,), initializer="zeros", dtype="float32"
        )

    def call(self, z):
        """[B, D] -> [B, C + J] float32."""
        values = ops.cast(self.network(z), "float32")
        return ops.concatenate([values, ops.zeros_like(values[:, :1]) + self.log_variance], -1)
