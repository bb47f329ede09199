"""Heads: features of a pixel -> parameters of its likelihood.

Legend: C channels, F features, P parameters, L levels. `...` is [B,H,W] for an image and [B] for
one pixel of it.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.configured import Configured

__all__ = ["ChannelAutoregressiveHead", "DenseHead"]


def _single(x):
    """At least float32: likelihoods are never computed in half precision."""
    return tf.cast(x, tf.float32) if x.dtype.size < 4 else x


@keras.saving.register_keras_serializable(package="tfvae")
class DenseHead(Configured, keras.layers.Layer):
    """parameters = features W + b: the channels are one draw, given the features.

    Args:
        parameter_size: P, the likelihood's `parameter_size(channels)`.
    """

    def __init__(self, parameter_size, **kwargs):
        super().__init__(**kwargs)
        self.parameter_size = parameter_size
        self.dense = keras.layers.Dense(parameter_size, dtype=self.dtype_policy)

    def build(self, features_shape, x_shape=None):
        if not self.dense.built:
            self.dense.build(features_shape)

    def call(self, features, x=None):
        """features [..., F] -> parameters [..., P]; x is not looked at."""
        return _single(self.dense(features))

    def passes(self, channels: int) -> int:
        """One pass draws the whole pixel."""
        return 1


@keras.saving.register_keras_serializable(package="tfvae")
class ChannelAutoregressiveHead(Configured, keras.layers.Layer):
    """logits_c = V_c elu(W_c features + sum_{b < c} u_cb x_b + d_c) + e_c.

    p(pixel) = prod_c p(x_c | x_<c, past pixels): R, then G given R, then B given both. van den Oord
    et al. 2016 (Pixel Recurrent Neural Networks), Section 2.2.

    Args:
        channels: C.
        levels: L, parameters of one channel (256 for an 8-bit categorical).
        hidden: width of the hidden layer of each channel.
    """

    def __init__(self, channels, levels, hidden=64, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.levels = levels
        self.hidden = hidden
        self.embedding = keras.layers.Dense(channels * hidden, dtype=self.dtype_policy)
        # [b, c]: whether channel c sees channel b.
        earlier = np.triu(np.ones([channels, channels]), 1)
        self._earlier = np.repeat(earlier, hidden, axis=1)

    def build(self, features_shape, x_shape=None):
        if x_shape is not None and x_shape[-1] != self.channels:
            raise UserError(
                f"the head's channels must be the image's, {x_shape[-1]}, got {self.channels}"
            )
        if not self.embedding.built:
            self.embedding.build(features_shape)
        c, h, l = self.channels, self.hidden, self.levels
        limit = (6 / (h + l)) ** 0.5  # Glorot's; Keras would take C for a receptive field
        self.within = self.add_weight(name="within", shape=(c, c * h), initializer="glorot_uniform")
        self.kernel = self.add_weight(
            name="kernel",
            shape=(c, h, l),
            initializer=keras.initializers.RandomUniform(-limit, limit),
        )
        self.bias = self.add_weight(name="bias", shape=(c, l), initializer="zeros")

    def call(self, features, x):
        """features [..., F], preprocessed pixel x [..., C] -> parameters [..., C * L]."""
        mask = tf.constant(self._earlier, self.compute_dtype)
        known = tf.tensordot(x, tf.convert_to_tensor(self.within) * mask, 1)
        hidden = tf.nn.elu(self.embedding(features) + known)
        lead = tf.shape(hidden)[:-1]
        hidden = tf.reshape(hidden, tf.concat([lead, [self.channels, self.hidden]], 0))
        logits = tf.einsum("...ch,chl->...cl", hidden, tf.convert_to_tensor(self.kernel))
        logits = _single(logits + self.bias)
        shape = tf.concat([lead, [self.channels * self.levels]], 0)
        return tf.ensure_shape(
            tf.reshape(logits, shape), [*features.shape[:-1], self.channels * self.levels]
        )

    def passes(self, channels: int) -> int:
        """One pass a channel, each given the channels before."""
        return channels
