"""Decoders into whose every layer z enters, so that no layer can lose it.

    h_1 = g_1(z),   h_l = g_l(h_{l-1}, z),   parameters = W h_L + U z + b

Dieng, Kim, Rush and Blei 2019 (generative skip models).

Legend: B batch, H W C image, D latent width, n positions, P parameters a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import ops

from tfvae.configured import Configured
from tfvae.networks.gated import dense
from tfvae.networks.mlp import flat_size, middle

__all__ = ["SkipDeconvolutionalImage", "SkipMLPImage"]


@keras.saving.register_keras_serializable(package="tfvae")
class SkipMLPImage(Configured, keras.layers.Layer):
    """h_l = activation([h_{l-1}, z] W_l + b_l), parameters = [h_L, z] W + b; as `MLPImage` otherwise.

    Args:
        image_shape: (H, W, C); or of any rank, (C,) of a table.
        units: widths of the hidden layers.
        parameter_size: P, see `Likelihood.parameter_size`.
        activation: a Keras activation's name, or `gated` (`GatedDense`).
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        units: Sequence[int],
        parameter_size: int,
        activation: str = "tanh",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape, self.units = image_shape, units
        self.parameter_size, self.activation = parameter_size, activation
        self.hidden = [dense(u, activation, self.dtype_policy) for u in units]
        # Parameters of a likelihood are float32 under every precision policy.
        self.output_layer = keras.layers.Dense(
            math.prod(image_shape[:-1]) * parameter_size, dtype="float32"
        )

    def build(self, input_shape):
        """Builds the layers for latents [B, D] or [B, n, d]."""
        size = flat_size(input_shape)
        width = size
        for layer, units in zip(self.hidden, self.units):
            if not layer.built:
                layer.build((None, width))
            width = units + size
        if not self.output_layer.built:
            self.output_layer.build((None, width))

    def call(self, z):
        """[B, D] or [B, n, d] -> [B, H, W, P] float32."""
        z = ops.reshape(z, (-1, flat_size(z.shape)))
        h = z
        for layer in self.hidden:
            h = layer(h)
            h = ops.concatenate([h, ops.cast(z, h.dtype)], -1)
        shape = (-1, *self.image_shape[:-1], self.parameter_size)
        return ops.reshape(self.output_layer(h), shape)


@keras.saving.register_keras_serializable(package="tfvae")
class SkipDeconvolutionalImage(Configured, keras.layers.Layer):
    """As `DeconvolutionalImage`, with U_l z added to every place of each map before its ELU, and to the last.

    Args:
        image_shape: (H, W, C).
        filters: channels after each doubling; the small map has the first of them.
        parameter_size: P.
        kernel_size: of the transposed convolutions.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        filters: Sequence[int],
        parameter_size: int,
        kernel_size: int = 4,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape, self.filters = image_shape, filters
        self.parameter_size, self.kernel_size = parameter_size, kernel_size
        height, width = (-(-size // 2 ** len(filters)) for size in image_shape[:2])
        self.small_map = (height, width, filters[0])
        shared = {"kernel_initializer": "he_normal", "dtype": self.dtype_policy}
        self.first = keras.layers.Dense(math.prod(self.small_map), "elu", **shared)
        self.stages = [
            keras.layers.Conv2DTranspose(f, kernel_size, 2, padding="same", **shared)
            for f in filters
        ]
        self.output_layer = keras.layers.Conv2D(parameter_size, 3, padding="same", dtype="float32")
        self.skips = [
            keras.layers.Dense(f, use_bias=False, dtype=self.dtype_policy) for f in filters
        ]
        self.last_skip = keras.layers.Dense(parameter_size, use_bias=False, dtype="float32")

    def build(self, input_shape):
        """Builds the layers for latents [B, D] or [B, n, d]."""
        flat = (None, flat_size(input_shape))
        shape = (None, *self.small_map)
        for layer in self.stages:
            if not layer.built:
                layer.build(shape)
            shape = layer.compute_output_shape(shape)
        for layer, given in [
            (self.first, flat),
            *((skip, flat) for skip in (*self.skips, self.last_skip)),
            (self.output_layer, shape),
        ]:
            if not layer.built:
                layer.build(given)

    def call(self, z):
        """[B, D] or [B, n, d] -> [B, H, W, P] float32."""
        z = ops.reshape(z, (-1, flat_size(z.shape)))
        h = ops.reshape(self.first(z), (-1, *self.small_map))
        for layer, skip in zip(self.stages, self.skips):
            h = ops.elu(layer(h) + skip(z)[:, None, None])
        h = self.output_layer(middle(h, self.image_shape))
        return h + self.last_skip(z)[:, None, None]
