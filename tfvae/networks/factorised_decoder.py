"""The decoder whose pixels (columns, words) are independent given the latent.

    p(x|z) = prod_i p(x_i | network(z)_i)

Legend: B batch, D latent width, n positions, P parameters of C channels; x is [B, H, W, C] of images, and
of any rank otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from tfvae.networks.decoder import Decoder

__all__ = ["FactorisedDecoder"]


@keras.saving.register_keras_serializable(package="tfvae")
class FactorisedDecoder(Decoder):
    """parameters = network(z); the image itself is never looked at, and one pass draws it.

    Args:
        image_shape: of one x, (H, W, C); or of any rank, (C,) of a table.
        network: a Keras layer, [B, D] or [B, n, d] -> [B, ..., P].
    """

    factorised = True

    def __init__(self, image_shape: Sequence[int], network: keras.layers.Layer, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = image_shape
        self.network = network

    def build(self, z_shape, x_shape=None):
        """Builds the network for latents `z_shape`."""
        del x_shape
        if not self.network.built:
            self.network.build(z_shape)

    @property
    def data_shape(self):
        """Of one x."""
        return tuple(self.image_shape)

    def call(self, z, x=None, seed=None):
        """z -> parameters [B, ..., P] float32; others look at x, and seed noise."""
        del x, seed
        return ops.cast(self.network(z), "float32")

    def _draw(self, z, likelihood, seed, greedy, progress):
        parameters = self(z)
        x = likelihood.mean(parameters) if greedy else likelihood.sample(parameters, seed)
        progress(1, 1)
        return x
