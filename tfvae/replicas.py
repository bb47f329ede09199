"""Sums over the replicas of a strategy, for terms that look at the whole global batch.

Legend: B batch of this replica.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

import tensorflow as tf

from tfvae.checks import UserError

__all__ = [
    "batch_count",
    "batch_mean",
    "batch_moments",
    "batch_sum",
    "replica_count",
    "weighted",
    "whole_batch",
]

_WEIGHTS: contextvars.ContextVar = contextvars.ContextVar("weights", default=None)


@contextlib.contextmanager
def weighted(weights: tf.Tensor | None) -> Iterator[None]:
    """Within it each example counts as its weight says ([B], or `None` for once each).

    `batch_mean` is then the weighted mean; what looks at the whole batch otherwise is refused: examples
    that are compared with each other cannot count by halves.
    """
    token = _WEIGHTS.set(weights)
    try:
        yield
    finally:
        _WEIGHTS.reset(token)


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
            Examples that are weighted.
    """
    _refuse_weights()
    return _sum(values)


def batch_count(values: tf.Tensor) -> tf.Tensor:
    """How many examples the global batch has, whatever each counts; of the type of [B, ...]."""
    return _sum(tf.ones([tf.shape(values)[0]], values.dtype))


def _sum(values):
    return tf.stop_gradient(_passing_sum(values))


def batch_mean(values: tf.Tensor) -> tf.Tensor:
    """The (weighted) mean over the examples of the global batch, [B, ...] -> [...]; no gradient passes."""
    weights = _WEIGHTS.get()
    if weights is None:
        return _sum(values) / batch_count(values)
    weights = tf.cast(weights, values.dtype)
    along = tf.reshape(weights, [-1] + [1] * (values.shape.rank - 1))
    return tf.math.divide_no_nan(_sum(along * values), _sum(weights))


def batch_moments(values: tf.Tensor, counted: bool = False) -> tuple[tf.Tensor, ...]:
    """(mean, variance) over the examples of the global batch (population form), [B, ...] -> [...] each.

    The gradient passes, to the rows of every replica: what a replica's loss asks of the moments is added
    up over the replicas, as on one device.

    Args:
        values: of this replica's examples.
        counted: how many examples there are comes first.

    Raises:
        UserError: see `batch_sum`.
    """
    _refuse_weights()
    count = _passing_sum(tf.ones([tf.shape(values)[0]], values.dtype))
    mean = _passing_sum(values) / count
    variance = _passing_sum(tf.square(values - mean)) / count
    return (count, mean, variance) if counted else (mean, variance)


def _passing_sum(values):
    """Over the examples of the global batch; the gradient passes."""
    total = tf.reduce_sum(values, 0)
    if replica_count() == 1:
        return total
    return _meet(lambda context: context.all_reduce("SUM", total))


def whole_batch(values: tf.Tensor) -> tf.Tensor:
    """The examples of all replicas, in the replicas' order: [B, ...] -> [global batch, ...].

    For a scalar term that is a function of the whole batch at once (a divergence, a total
    correlation). Every replica then computes the same value, the objective takes the share 1 / R of
    it from each of R replicas, and the gradient passes to this replica's own rows R times: the
    added gradients are those of one device.

    Raises:
        UserError: examples that are weighted.
    """
    _refuse_weights()
    if replica_count() == 1:
        return values
    context = tf.distribute.get_replica_context()
    sizes = _meet(lambda c: c.all_gather(tf.shape(values)[:1], axis=0))
    rows = _meet(lambda c: c.all_gather(tf.stop_gradient(values), axis=0))
    before = tf.reduce_sum(sizes[: context.replica_id_in_sync_group])
    after = tf.reduce_sum(sizes) - before - tf.shape(values)[0]
    moving = (values - tf.stop_gradient(values)) * context.num_replicas_in_sync  # its value is 0
    padding = [[before, after]] + [[0, 0]] * (values.shape.rank - 1)
    return tf.stop_gradient(rows) + tf.pad(moving, padding)


def _refuse_weights() -> None:
    if _WEIGHTS.get() is not None:
        raise UserError(
            "sample_weight weights what belongs to one example, and a term of this objective compares the "
            "examples of a batch with each other: leave sample_weight out, or that term"
        )


def _meet(exchange):
    try:
        return exchange(tf.distribute.get_replica_context())
    except RuntimeError as error:
        raise UserError(
            "what looks at the batch of all replicas (free bits of the batch, cosine, capacity, "
            "divergences, the clipping of a refinement) cannot be compiled: with several replicas "
            "use jit_compile=False"
        ) from error
