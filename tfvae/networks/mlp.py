"""Fully connected networks: image -> features, and latent -> image parameters.

Legend: B batch, H W C image, F features, D latent width, n positions, P parameters a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tfvae.configured import Configured
from tfvae.networks.gated import dense

__all__ = ["MLPEncoder", "MLPImage", "build_chain", "flat_size", "middle"]


def flat_size(shape: Sequence[Any]) -> int:
    """Numbers in one example of a [B, ...] shape."""
    return math.prod(shape[1:])


def build_chain(layers: Sequence[keras.layers.Layer], shape: Sequence[int | None]):
    """Builds layers that are applied one after the other; returns the last one's output shape."""
    for layer in layers:
        if not layer.built:
            layer.build(shape)
        shape = layer.compute_output_shape(shape)
    return shape


def middle(maps, image_shape: Sequence[int]):
    """The middle H x W of maps [B, h, w, F] that are at least as large: what doubling is too much."""
    height, width = image_shape[:2]
    top, left = (maps.shape[1] - height) // 2, (maps.shape[2] - width) // 2
    return maps[:, top : top + height, left : left + width]


@keras.saving.register_keras_serializable(package="tfvae")
class MLPEncoder(Configured, keras.layers.Layer):
    """h_0 = x flattened, h_i = activation(h_{i-1} W_i + b_i); the features are the last h.

    The defaults are the one-layer network of Burda, Grosse and Salakhutdinov, "Importance Weighted
    Autoencoders", ICLR 2016.

    Args:
        units: widths of the layers.
        activation: a Keras activation's name, or `gated` (`GatedDense`).
    """

    def __init__(self, units: Sequence[int] = (200, 200), activation: str = "tanh", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = activation
        self.chain = [dense(u, activation, self.dtype_policy) for u in units]

    def build(self, input_shape):
        """Builds the layers for images [B, H, W, C]."""
        build_chain(self.chain, (None, flat_size(input_shape)))

    def call(self, x):
        """[B, H, W, C] -> [B, F], F the last width."""
        h = ops.reshape(x, (-1, flat_size(x.shape)))
        for layer in self.chain:
            h = layer(h)
        return h

    def hidden(self) -> list:
        """The same as [(layer, its width where a hidden layer ends, or `None`)], see `NoisyEncoder.of`."""
        return [(keras.layers.Flatten(), None), *zip(self.chain, self.units)]


@keras.saving.register_keras_serializable(package="tfvae")
class MLPImage(Configured, keras.layers.Layer):
    """h_0 = z flattened, h_i = activation(h_{i-1} W_i + b_i); parameters = h W + b, an image.

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
        self.image_shape = image_shape
        self.units = units
        self.parameter_size = parameter_size
        self.activation = activation
        self.hidden = [dense(u, activation, self.dtype_policy) for u in units]
        # Parameters of a likelihood are float32 under every precision policy.
        self.output_layer = keras.layers.Dense(
            math.prod(image_shape[:-1]) * parameter_size, dtype="float32"
        )

    def build(self, input_shape):
        """Builds the layers for latents [B, D] or [B, n, d]."""
        build_chain([*self.hidden, self.output_layer], (None, flat_size(input_shape)))

    def call(self, z):
        """[B, D] or [B, n, d] -> [B, H, W, P] float32."""
        h = ops.reshape(z, (-1, flat_size(z.shape)))
        for layer in self.hidden:
            h = layer(h)
        shape = (-1, *self.image_shape[:-1], self.parameter_size)
        return ops.reshape(self.output_layer(h), shape)
