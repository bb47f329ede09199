"""The inputs of a causal dilated convolution, side by side: the convolution is then one product.

Legend: B batch, T time, F width, k kernel size, d dilation.
"""

from __future__ import annotations

import tensorflow as tf
from keras import ops

__all__ = ["causal_taps"]


def causal_taps(x, kernel_size: int, dilation: int):
    """[x_{t-(k-1)d}, ..., x_{t-d}, x_t] at each t, zeros before the first: [B, T, F] -> [B, T, k F]."""
    length, past = ops.shape(x)[1], (kernel_size - 1) * dilation
    padded = tf.pad(x, [[0, 0], [past, 0], [0, 0]])
    # tf.slice, for its gradient is a padding; that of [:, a:b] takes nearly as long as the products
    taps = [tf.slice(padded, [0, i, 0], [-1, length, -1]) for i in range(0, past + 1, dilation)]
    return tf.concat(taps, -1)
