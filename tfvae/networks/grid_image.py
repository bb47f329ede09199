"""Latent grid -> image parameters by residual blocks and transposed convolutions.

    z -> conv -> residual blocks -> (transposed conv of stride 2, ELU) until it is the image -> conv to P

Legend: B batch, H W C image, h w latent grid (n = h w positions), D latent width, P parameters a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import ops

from tfvae.checks import UserError
from tfvae.configured import Configured
from tfvae.networks.mlp import build_chain, middle
from tfvae.networks.resnet import ResidualBlock

__all__ = ["GridImage"]


@keras.saving.register_keras_serializable(package="tfvae")
class GridImage(Configured, keras.layers.Layer):
    """The decoder of van den Oord, Vinyals and Kavukcuoglu 2017, section 4.1: what is near stays near.

    The grid is doubled S = ceil(log2 max(H / h, W / w)) times and cut to the image.

    Args:
        image_shape: (H, W, C).
        grid_shape: (h, w); position i of z is cell (i // w, i % w).
        filters: channels.
        parameter_size: P, see `Likelihood.parameter_size`.
        num_blocks: residual blocks at the grid's resolution (published: 2).
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        grid_shape: Sequence[int],
        filters: int,
        parameter_size: int,
        num_blocks: int = 2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape, self.grid_shape = tuple(image_shape), tuple(grid_shape)
        self.filters, self.parameter_size, self.num_blocks = filters, parameter_size, num_blocks
        ratios = [size / cells for size, cells in zip(self.image_shape, self.grid_shape)]
        doublings = max(0, math.ceil(math.log2(max(ratios))))
        policy = {"dtype": self.dtype_policy, "padding": "same", "activation": "elu"}
        self.chain = [
            keras.layers.Conv2D(filters, 3, kernel_initializer="he_normal", **policy),
            *(ResidualBlock(filters, dtype=self.dtype_policy) for _ in range(num_blocks)),
            *(
                keras.layers.Conv2DTranspose(
                    filters, 4, 2, kernel_initializer="he_normal", **policy
                )
                for _ in range(doublings)
            ),
        ]
        # Parameters of a likelihood are float32 under every precision policy.
        self.output_layer = keras.layers.Conv2D(parameter_size, 3, padding="same", dtype="float32")

    def build(self, input_shape):
        """Builds the layers for latents [B, n, D]."""
        h, w = self.grid_shape
        if len(input_shape) != 3 or input_shape[1] not in (None, h * w):
            raise UserError(
                f"z must be [batch, {h * w}, width] for a {h} x {w} grid, got {tuple(input_shape)}"
            )
        build_chain([*self.chain, self.output_layer], (None, h, w, input_shape[-1]))

    def call(self, z):
        """[B, n, D] -> [B, H, W, P] float32."""
        y = ops.reshape(z, (-1, *self.grid_shape, z.shape[-1]))
        for layer in self.chain:
            y = layer(y)
        return self.output_layer(middle(y, self.image_shape))
