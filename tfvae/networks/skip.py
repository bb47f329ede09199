"""Decoders into whose every layer z enters, so that no layer can lose it.

    h_1 = g_1(z),   h_l = g_l(h_{l-1}, z),   parameters = W h_L + U z + b

Dieng, Kim, Rush and Blei 2019 (generative skip models).

Legend: B batch, H W C image, D latent width, n positions, P parameters a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from tfvae.networks.deconvolutional import DeconvolutionalImage
from tfvae.networks.mlp import MLPImage, flat_size, middle

__all__ = ["SkipDeconvolutionalImage", "SkipMLPImage"]


@keras.saving.register_keras_serializable(package="tfvae")
class SkipMLPImage(MLPImage):
    """h_l = activation([h_{l-1}, z] W_l + b_l), parameters = [h_L, z] W + b; arguments of `MLPImage`."""

    def build(self, input_shape):
        """Builds the layers for latents [B, D] or [B, n, d]."""
        width = size = flat_size(input_shape)
        for layer, units in zip([*self.hidden, self.output_layer], [*self.units, 0]):
            if not layer.built:
                layer.build((None, width))
            width = units + size

    def call(self, z):
        """[B, D] or [B, n, d] -> [B, H, W, P] float32."""
        h = z = ops.reshape(z, (-1, flat_size(z.shape)))
        for layer in self.hidden:
            h = layer(h)
            h = ops.concatenate([h, ops.cast(z, h.dtype)], -1)
        shape = (-1, *self.image_shape[:-1], self.parameter_size)
        return ops.reshape(self.output_layer(h), shape)


@keras.saving.register_keras_serializable(package="tfvae")
class SkipDeconvolutionalImage(DeconvolutionalImage):
    """With U_l z added to every place of each map before its ELU, and to the last one.

    Args:
        image_shape, filters, parameter_size, kernel_size: of a `DeconvolutionalImage`.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        filters: Sequence[int],
        parameter_size: int,
        kernel_size: int = 4,
        **kwargs,
    ):
        super().__init__(image_shape, filters, parameter_size, kernel_size, **kwargs)
        for stage in self.stages:
            stage.activation = keras.activations.linear  # it comes after z
        self.skips = [
            keras.layers.Dense(f, use_bias=False, dtype=self.dtype_policy) for f in filters
        ]
        self.last_skip = keras.layers.Dense(parameter_size, use_bias=False, dtype="float32")

    def build(self, input_shape):
        """Builds the layers for latents [B, D] or [B, n, d]."""
        super().build(input_shape)
        for skip in (*self.skips, self.last_skip):
            if not skip.built:
                skip.build((None, flat_size(input_shape)))

    def call(self, z):
        """[B, D] or [B, n, d] -> [B, H, W, P] float32."""
        z = ops.reshape(z, (-1, flat_size(z.shape)))
        h = ops.reshape(self.first(z), (-1, *self.small_map))
        for layer, skip in zip(self.stages, self.skips):
            h = ops.elu(layer(h) + skip(z)[:, None, None])
        h = self.output_layer(middle(h, self.image_shape))
        return h + self.last_skip(z)[:, None, None]
