"""What the terms of the aggregated posterior q(z) = E_x q(z|x) read.

Legend: B batch of this replica, M global batch, D latent numbers (all event axes flattened).
"""

from __future__ import annotations

import math

import tensorflow as tf

from tfvae.replicas import whole_batch

__all__ = ["all_rows", "flat_rows"]


def flat_rows(values: tf.Tensor) -> tf.Tensor:
    """[B, ...] -> [B, D] float32."""
    return tf.reshape(
        tf.cast(values, tf.float32), [tf.shape(values)[0], math.prod(values.shape[1:])]
    )


def all_rows(values: tf.Tensor) -> tf.Tensor:
    """The rows of every replica, [B, ...] -> [M, D] float32; see `tfvae.replicas.whole_batch`."""
    return whole_batch(flat_rows(values))
