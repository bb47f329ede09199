"""Sums over the replicas of a strategy, for terms that look at the whole global batch.

Legend: B batch of this replica.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.checks import UserError

__all__ = ["batch_mean", "batch_sum", "replica_count"]


def replica_count() -> int:
    """How many replicas step together; 1 outside of `strategy.run`."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def batch_sum(values: tf.Tensor) -> tf.Tensor:
    """The sum over the examples of the *global* batch, [B, ...] -> [...]; no gradient passes.

    A term takes its gradient through this replica's own examples and its constants from here; the
    optimizer adds the replicas' gradients, so the whole is that of one device.

    Raises:
        UserError: several replicas, within a loop or a compiled function: they cannot meet there.
    """
    total = tf.reduce_sum(values, 0)
    if replica_count() > 1:
        try:
            total = tf.distribute.get_replica_context().all_reduce("SUM", total)
        except RuntimeError as error:
            raise UserError(
                "a sum over the replicas (free bits of the batch, cosine, capacity, the clipping of "
                "a refinement) cannot be compiled: with several replicas use jit_compile=False"
            ) from error
    return tf.stop_gradient(total)


def batch_mean(values: tf.Tensor) -> tf.Tensor:
    """The mean over the examples of the global batch, [B, ...] -> [...]; no gradient passes."""
    return batch_sum(values) / batch_sum(tf.ones([tf.shape(values)[0]], values.dtype))
