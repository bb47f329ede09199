"""Latent -> image parameters by transposed convolutions.

    z -> dense to a small map -> (transposed conv of stride 2, ELU) per stage -> crop -> conv to P

Legend: B batch, H W C image, D latent width, n positions, P parameters a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from tfvae.configured import Configured
from tfvae.networks.mlp import build_chain, flat_size, middle

__all__ = ["DeconvolutionalImage"]


@keras.saving.register_keras_serializable(package="tfvae")
class DeconvolutionalImage(Configured, keras.layers.Layer):
    """A small map of ceil(H / 2^S) x ceil(W / 2^S), doubled S = len(filters) times.

    Args:
        image_shape: (H, W, C).
        filters: channels after each doubling; the small map has the first of them.
        parameter_size: P, see `Likelihood.parameter_size`.
        kernel_size: of the transposed convolutions. 4 is a multiple of the stride, so that every
            pixel gets the same number of terms and no checkerboard appears.
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
        self.image_shape = image_shape
        self.filters = filters
        self.parameter_size = parameter_size
        self.kernel_size = kernel_size
        height, width = (-(-size // 2 ** len(filters)) for size in image_shape[:2])
        self.small_map = (height, width, filters[0])
        self.first = keras.layers.Dense(
            height * width * filters[0],
            "elu",
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
        )
        self.stages = [
            keras.layers.Conv2DTranspose(
                f,
                kernel_size,
                2,
                padding="same",
                activation="elu",
                kernel_initializer="he_normal",
                dtype=self.dtype_policy,
            )
            for f in filters
        ]
        # Parameters of a likelihood are float32 under every precision policy.
        self.output_layer = keras.layers.Conv2D(parameter_size, 3, padding="same", dtype="float32")

    def build(self, input_shape):
        """Builds the layers for latents [B, D] or [B, n, d]."""
        build_chain([self.first], (None, flat_size(input_shape)))
        build_chain([*self.stages, self.output_layer], (None, *self.small_map))

    def call(self, z):
        """[B, D] or [B, n, d] -> [B, H, W, P] float32."""
        h = self.first(ops.reshape(z, (-1, flat_size(z.shape))))
        h = ops.reshape(h, (-1, *self.small_map))
        for layer in self.stages:
            h = layer(h)
        return self.output_layer(middle(h, self.image_shape))
