"""Conditioners: a latent code -> a map that tells every pixel about it.

Legend: B batch, H W C image, h w latent grid (n = h w positions), d D latent width, c map channels.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.configured import Configured

__all__ = ["GridConditioner", "ImageConditioner", "VectorConditioner"]


def _nearest(size: int, cells: int) -> np.ndarray:
    """[size, cells] 0/1: pixel i belongs to cell floor(i cells / size)."""
    return np.eye(cells)[np.arange(size) * cells // size]


@keras.saving.register_keras_serializable(package="tfvae")
class GridConditioner(Configured, keras.layers.Layer):
    """z [B,n,d] -> grid [B,h,w,d] -> 3x3 convolutions -> nearest upsampling -> 3x3 convolution.

    The grid need not divide the image. The upsampling is two products with 0/1 matrices: their
    gradient is deterministic on every device, that of an image resize is not.

    Args:
        image_shape: (H, W, C).
        grid_shape: (h, w); position i of z is cell (i // w, i % w).
        filters: c.
        num_layers: 3x3 convolutions at the grid's resolution.
    """

    def __init__(self, image_shape, grid_shape, filters, num_layers=1, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.grid_shape = tuple(grid_shape)
        self.filters = filters
        self.num_layers = num_layers
        policy = {"dtype": self.dtype_policy, "padding": "same"}
        self.layers = [
            keras.layers.Conv2D(filters, 3, activation="elu", **policy) for _ in range(num_layers)
        ]
        self.smoothing = keras.layers.Conv2D(filters, 3, **policy)

    def build(self, z_shape):
        h, w = self.grid_shape
        if len(z_shape) != 3 or z_shape[1] not in (None, h * w):
            raise UserError(
                f"z must be [batch, {h * w}, width] for a {h} x {w} grid, got {tuple(z_shape)}"
            )
        shape = (None, h, w, z_shape[-1])
        for layer in self.layers:
            if not layer.built:
                layer.build(shape)
            shape = (None, h, w, self.filters)
        if not self.smoothing.built:
            self.smoothing.build((None, *self.image_shape[:2], shape[-1]))

    def call(self, z):
        """z [B,n,d] -> map [B,H,W,c]."""
        y = tf.reshape(z, [-1, *self.grid_shape, z.shape[-1]])
        for layer in self.layers:
            y = layer(y)
        rows = tf.constant(_nearest(self.image_shape[0], self.grid_shape[0]), y.dtype)
        columns = tf.constant(_nearest(self.image_shape[1], self.grid_shape[1]), y.dtype)
        return self.smoothing(tf.einsum("Hh,Ww,bhwc->bHWc", rows, columns, y))


@keras.saving.register_keras_serializable(package="tfvae")
class VectorConditioner(Configured, keras.layers.Layer):
    """map = reshape(z W + b): [B,D] -> [B,H,W,c].

    He et al. 2019 (Lagging Inference Networks and Posterior Collapse), the image decoder.

    Args:
        image_shape: (H, W, C).
        filters: c.
    """

    def __init__(self, image_shape, filters, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.filters = filters
        height, width = self.image_shape[:2]
        self.dense = keras.layers.Dense(height * width * filters, dtype=self.dtype_policy)

    def build(self, z_shape):
        if len(z_shape) != 2:
            raise UserError(f"z must be [batch, width], got {tuple(z_shape)}")
        if not self.dense.built:
            self.dense.build(z_shape)

    def call(self, z):
        """z [B,D] -> map [B,H,W,c]."""
        return tf.reshape(self.dense(z), [-1, *self.image_shape[:2], self.filters])


@keras.saving.register_keras_serializable(package="tfvae")
class ImageConditioner(Configured, keras.layers.Layer):
    """map = network(z), any network that makes images of codes: a decoder in front of the decoder.

    Chen et al. 2017 (Variational Lossy Autoencoder), appendix A: 4 maps beside a binary image.

    Args:
        network: z -> [B,H,W,c], such as `DeconvolutionalImage` or `GridImage`.
        filters: c.
    """

    def __init__(self, network, filters, **kwargs):
        super().__init__(**kwargs)
        self.network = network
        self.filters = filters

    def build(self, z_shape):
        if not self.network.built:
            self.network.build(z_shape)

    def call(self, z):
        """z [B,D] or [B,n,d] -> map [B,H,W,c]."""
        return self.network(z)
