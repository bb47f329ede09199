"""Residual convolutional encoders: one vector an image, or a grid of them.

    block(h) = ELU(N(conv3x3(ELU(N(conv3x3(h))))) + shortcut(h)),     N group normalisation

Batch normalisation, which the published networks have, is left out on purpose: it makes q(z|x)
depend on the other images of the batch, so that neither the ELBO nor an importance weight of an
image would be a number of that image. Group normalisation stays within one image.

Legend: B batch, H W C image, h w grid, n = h w positions in raster order, F features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tfvae.configured import Configured
from tfvae.networks.mlp import build_chain, flat_size

__all__ = ["GridEncoder", "ResNetEncoder", "ResidualBlock"]


@keras.saving.register_keras_serializable(package="tfvae")
class ResidualBlock(Configured, keras.layers.Layer):
    """ELU(N(conv3x3(ELU(N(conv3x3(h))))) + shortcut(h)); the shortcut is a normalised 1x1.

    Args:
        filters: channels of the output.
        stride: of the first convolution and of the shortcut.
        groups: at most so many groups of channels are normalised apart (the greatest common divisor
            with `filters` is taken).
    """

    def __init__(self, filters: int, stride: int = 1, groups: int = 8, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.stride = stride
        self.groups = groups

        def convolution(size, stride):
            # The normalisation that follows has the bias.
            return keras.layers.Conv2D(
                filters,
                size,
                stride,
                padding="same",
                use_bias=False,
                kernel_initializer="he_normal",
                dtype=self.dtype_policy,
            )

        def normalisation():
            return keras.layers.GroupNormalization(
                math.gcd(filters, groups), dtype=self.dtype_policy
            )

        self.branch = [
            convolution(3, stride),
            normalisation(),
            keras.layers.Activation("elu", dtype=self.dtype_policy),
            convolution(3, 1),
            normalisation(),
        ]
        self.shortcut = [convolution(1, stride), normalisation()]

    def build(self, input_shape):
        """Builds both branches for maps [B, H, W, C]."""
        build_chain(self.branch, input_shape)
        build_chain(self.shortcut, input_shape)

    def call(self, x):
        """[B, H, W, C] -> [B, ceil(H / stride), ceil(W / stride), filters]."""
        h = x
        for layer in self.branch:
            h = layer(h)
        for layer in self.shortcut:
            x = layer(x)
        return ops.elu(h + x)

    def compute_output_shape(self, input_shape):
        """See `call`."""
        batch, height, width, _ = input_shape
        return (batch, -(-height // self.stride), -(-width // self.stride), self.filters)


@keras.saving.register_keras_serializable(package="tfvae")
class ResNetEncoder(Configured, keras.layers.Layer):
    """Residual blocks of stride 2, then features = ELU(h flattened W + b).

    The shape of He, Spokoyny, Neubig and Berg-Kirkpatrick, "Lagging Inference Networks and
    Posterior Collapse in Variational Autoencoders", ICLR 2019: 28 - 14 - 7 - 4, then a 4x4
    convolution to 512, which is the dense layer here.

    Args:
        filters: channels of each block; every block halves the image.
        output_units: F.
        groups: of the group normalisation.
    """

    def __init__(
        self,
        filters: Sequence[int] = (64, 64, 64),
        output_units: int = 512,
        groups: int = 8,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.output_units = output_units
        self.groups = groups
        self.blocks = [ResidualBlock(f, 2, groups, dtype=self.dtype_policy) for f in filters]
        self.output_layer = keras.layers.Dense(
            output_units, "elu", kernel_initializer="he_normal", dtype=self.dtype_policy
        )

    def build(self, input_shape):
        """Builds the layers for images [B, H, W, C]."""
        shape = build_chain(self.blocks, input_shape)
        build_chain([self.output_layer], (None, flat_size(shape)))

    def call(self, x):
        """[B, H, W, C] -> [B, F]."""
        for block in self.blocks:
            x = block(x)
        return self.output_layer(ops.reshape(x, (-1, flat_size(x.shape))))

    def hidden(self) -> list:
        """See `MLPEncoder.hidden`."""
        last = (keras.layers.Flatten(), None), (self.output_layer, self.output_units)
        return [*zip(self.blocks, self.filters), *last]


@keras.saving.register_keras_serializable(package="tfvae")
class GridEncoder(Configured, keras.layers.Layer):
    """conv3x3 -> strided conv to the grid -> residual blocks; every position may see all pixels.

    An image that the grid does not divide is first resized (bilinear) to the next multiple.

    Args:
        grid_shape: (h, w).
        filters: F, the channels throughout.
        num_blocks: residual blocks at the grid's resolution.
        groups: of the group normalisation.
    """

    def __init__(
        self,
        grid_shape: Sequence[int],
        filters: int = 64,
        num_blocks: int = 2,
        groups: int = 8,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.grid_shape = grid_shape
        self.filters = filters
        self.num_blocks = num_blocks
        self.groups = groups
        self.stem = keras.layers.Conv2D(
            filters,
            3,
            padding="same",
            activation="elu",
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
        )
        self.to_grid: Any = None  # needs the image's size
        self.blocks = [
            ResidualBlock(filters, 1, groups, dtype=self.dtype_policy) for _ in range(num_blocks)
        ]

    def build(self, input_shape):
        """Builds the layers for images [B, H, W, C]; the strides follow from H, W and the grid."""
        if self.to_grid is not None:  # a deserialised layer has been built already
            return
        batch, height, width, channels = input_shape
        strides = [-(-height // self.grid_shape[0]), -(-width // self.grid_shape[1])]
        self.size = [s * g for s, g in zip(strides, self.grid_shape)]
        # Kernels overlap by one pixel on each side, so cells' borders are not blind.
        self.to_grid = keras.layers.Conv2D(
            self.filters,
            [s + 2 for s in strides],
            strides,
            padding="same",
            activation="elu",
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
            name="to_grid",
        )
        build_chain([self.stem, self.to_grid, *self.blocks], (batch, *self.size, channels))

    def call(self, x):
        """[B, H, W, C] -> [B, n, F]."""
        if list(x.shape[1:3]) != self.size:
            x = ops.image.resize(x, self.size)
        x = self.to_grid(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return ops.reshape(x, (-1, self.grid_shape[0] * self.grid_shape[1], self.filters))
