"""Causal convolutions on images, whole and pixel by pixel, and the small operations around them.

Causality comes from the window's place, not from zeroed weights: a kernel holds only positions
that it may see. Nothing is multiplied by a mask, and the very same kernel serves one row or one
pixel while an image is generated.

Legend: B batch, H W C image, F features, kh kw kernel.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from tfvae.configured import Configured

__all__ = [
    "CausalConv2D",
    "RowCache",
    "concat_elu",
    "corner",
    "down_shift",
    "empty_rows",
    "gate",
    "next_row",
    "right_shift",
    "with_ones",
]


def down_shift(x):
    """x[y - 1, x] at (y, x): [B,H,W,C] -> [B,H,W,C], the first row zero."""
    return tf.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0], [0, 0]])


def right_shift(x):
    """x[y, x - 1] at (y, x): [B,H,W,C] -> [B,H,W,C], the first column zero."""
    return tf.pad(x[:, :, :-1], [[0, 0], [0, 0], [1, 0], [0, 0]])


def with_ones(x):
    """Appends a channel of ones, so that a padded position differs from a pixel of value 0."""
    return tf.concat([x, tf.ones_like(x[..., :1])], -1)


def gate(x):
    """tanh(a) * sigmoid(b), where (a, b) are the halves of the last axis.

    van den Oord et al. 2016 (Conditional Image Generation with PixelCNN Decoders), Eq. 2.
    """
    a, b = tf.split(x, 2, axis=-1)
    return tf.tanh(a) * tf.sigmoid(b)


def concat_elu(x):
    """elu([x, -x]): twice as many channels. Salimans et al. 2017 (PixelCNN++)."""
    return tf.nn.elu(tf.concat([x, -x], -1))


@keras.saving.register_keras_serializable(package="tfvae")
class CausalConv2D(Configured, keras.layers.Layer):
    """y[y, x] = bias + sum_ij K[i, j] x[y - (kh - 1) + i, x - (kw - 1 - right) + j].

    The window ends in the pixel's own row and reaches `right` columns past its own column, so it is
    causal *including* the pixel itself where `right` is 0; shift the input to exclude it.

    Args:
        filters: output channels.
        kernel_size: (kh, kw).
        right: columns of the window to the right of the pixel, 0 ... kw - 1.
        use_bias: whether to add a bias.
    """

    def __init__(self, filters, kernel_size, right=0, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = tuple(kernel_size)
        self.right = right
        self.use_bias = use_bias

    def build(self, x_shape):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, x_shape[-1], self.filters),
            initializer="glorot_uniform",
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, x):
        """[B,H,W,C] -> [B,H,W,filters]."""
        return self._convolve(x, self.kernel_size[0] - 1)

    def row(self, rows):
        """One row of the output from the kh rows that end in it: [B,kh,W,C] -> [B,W,filters]."""
        return self._convolve(rows, 0)[:, 0]

    def step(self, window):
        """One pixel of the output: [B, kh, kw, C] (or any shape of that content) -> [B,filters]."""
        kernel = self._weight(self.kernel)
        flat = tf.reshape(kernel, [-1, self.filters])
        window = tf.reshape(window, [-1, flat.shape[0]])
        return self._biased(tf.matmul(window, flat))

    def _convolve(self, x, above):
        left = self.kernel_size[1] - 1 - self.right
        padding = [[0, 0], [above, 0], [left, self.right], [0, 0]]
        if any(map(any, padding)):
            x = tf.pad(x, padding)  # on a CPU twice as fast as conv2d's own explicit padding
        return self._biased(tf.nn.conv2d(x, self._weight(self.kernel), 1, "VALID"))

    def _biased(self, y):
        return tf.nn.bias_add(y, self._weight(self.bias)) if self.use_bias else y

    def _weight(self, weight):
        # `row` and `step` run outside of Keras's autocasting.
        return tf.cast(tf.convert_to_tensor(weight), self.compute_dtype)


class RowCache(NamedTuple):
    """What a 2 x 2 window needs to remember; column 0 is the padding left of the image.

    Attributes:
        above: [W + 1, B, C], the row above.
        current: [W + 1, B, C], this row, filled as far as it is known.
    """

    above: tf.Tensor
    current: tf.Tensor


def empty_rows(width, batch, channels, dtype) -> RowCache:
    """The cache before the first row: padding only."""
    zeros = tf.zeros([width + 1, batch, channels], dtype)
    return RowCache(zeros, zeros)


def next_row(cache: RowCache) -> RowCache:
    """The cache at the start of the next row."""
    return RowCache(cache.current, tf.zeros_like(cache.current))


def corner(cache: RowCache, column, value) -> tuple[tf.Tensor, RowCache]:
    """The 2 x 2 window that ends in `value`, and the cache that remembers it.

    Args:
        cache: see `RowCache`.
        column: scalar, the column of `value`.
        value: [B, C].

    Returns:
        window [B, 4, C] in kernel order, cache.
    """
    above = cache.above
    parts = [above[column], above[column + 1], cache.current[column], value]
    current = tf.tensor_scatter_nd_update(cache.current, [[column + 1]], value[None])
    return tf.stack(parts, axis=1), RowCache(above, current)
