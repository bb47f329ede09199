"""Sums over the replicas of a strategy, for terms that look at the whole global batch.

Legend: B batch of this replica.
"""

from __future__ import annotations

import tensorflow as tf

__all__ = ["batch_mean", "batch_sum"]


def batch_sum(values: tf.Tensor) -> tf.Tensor:
    """The sum over the examples of the *global* batch, [B, ...] -> [...]; no gradient passes.

    A term takes its gradient through this replica's own examples and its constants from here; the
    optimizer adds the replicas' gradients, so the whole is that of one device.
    """
    total = tf.reduce_sum(values, 0)
    context = tf.distribute.get_replica_context()
    if context is not None and context.num_replicas_in_sync > 1:
        total = context.all_reduce("SUM", total)
    return tf.stop_gradient(total)


def batch_mean(values: tf.Tensor) -> tf.Tensor:
    """The mean over the examples of the global batch, [B, ...] -> [...]; no gradient passes."""
    return batch_sum(values) / batch_sum(tf.ones([tf.shape(values)[0]], values.dtype))
