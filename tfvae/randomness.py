"""Stateless randomness: every draw is a function of (base seed, step, purpose) and nothing else.

A seed is an int32 tensor of shape [2]. Noise that belongs to examples is drawn for the *global*
batch and cut into the replicas' rows, so that one device and N replicas see the same noise for the
same example; that is what makes their weights equal, and not merely equal in distribution.

Legend: B batch of this replica, R number of replicas.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence

import tensorflow as tf

__all__ = [
    "batch_gamma",
    "batch_normal",
    "batch_uniform",
    "deterministic",
    "fold",
    "initial_weights",
    "replica_fold",
    "seed_of",
    "this_replica",
]


def deterministic() -> None:
    """Equal computations give equal bits in this process: TensorFlow's deterministic kernels, and more.

    What they leave open is a chain of sums: its graph optimizer makes an AddN of it, which begins with
    whichever of the terms has a buffer to spare at that moment. So the log of the vMF's constant came out in
    three ways, a rounding apart.
    """
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})


@contextlib.contextmanager
def initial_weights(seed: int) -> Iterator[None]:
    """Within it Keras' initialisers draw by this seed; the process' own generators are left as they were.

    An initialiser without a seed takes one from Python's generator; nothing else of a model is drawn
    when it is made.
    """
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def seed_of(value: int) -> tf.Tensor:
    """The seed [2] int32 that belongs to a Python integer."""
    return tf.constant([value & 0x7FFFFFFF, (value >> 31) & 0x7FFFFFFF], tf.int32)


def fold(seed, *data) -> tf.Tensor:
    """Derives a new seed from `seed` and integers (step, purpose, index ...), in their order.

    Args:
        seed: [2] int32.
        *data: Python integers or scalar integer tensors.

    Returns:
        [2] int32, independent of every other combination.
    """
    for item in data:
        seed = tf.random.fold_in(seed, tf.cast(item, tf.int32))  # int64 would change the dtype
    return seed


def this_replica() -> tuple[tf.Tensor | int, int]:
    """(index, count) of the replica that asks; (0, 1) outside of `strategy.run`.

    Within a `tf.while_loop` no replica is known: who draws there asks before, and hands it on.
    """
    context = tf.distribute.get_replica_context()
    if context is None:
        return 0, 1
    return context.replica_id_in_sync_group, context.num_replicas_in_sync


def replica_fold(seed) -> tf.Tensor:
    """Folds the replica's index into `seed`: for noise that need not equal one device's."""
    return fold(seed, this_replica()[0])


def _rows(draw, shape: Sequence, replica=None) -> tf.Tensor:
    """This replica's rows of `draw([R * B, ...])`."""
    index, count = this_replica() if replica is None else replica
    shape = tf.unstack(shape) if tf.is_tensor(shape) else shape
    if count == 1:
        return draw(shape)
    rows = shape[0]
    whole = draw([rows * count, *shape[1:]])
    return whole[index * rows : (index + 1) * rows]


def batch_normal(shape: Sequence, seed, dtype=tf.float32, replica=None) -> tf.Tensor:
    """Standard normal noise [B, ...], equal on one device and on N replicas of the same batch.

    Args:
        shape: `[B, ...]`, integers or scalar tensors; the batch comes first.
        seed: [2] int32, the same on every replica.
        dtype: a floating type.
        replica: of `this_replica`, asked outside of a loop in which this draws.
    """
    return _rows(lambda s: tf.random.stateless_normal(s, seed, dtype=dtype), shape, replica)


def batch_uniform(shape: Sequence, seed, dtype=tf.float32, replica=None) -> tf.Tensor:
    """Uniform noise in [0, 1), [B, ...], equal on one device and on N replicas (see above)."""
    return _rows(lambda s: tf.random.stateless_uniform(s, seed, dtype=dtype), shape, replica)


def batch_gamma(alpha, seed) -> tf.Tensor:
    """Draws of Gamma(alpha, 1), [B, ...], equal on one device and on N replicas (see `batch_normal`).

    Gradients pass to `alpha` (implicit reparameterisation, Figurnov et al. 2018).

    Args:
        alpha: above 0, [B, ...].
        seed: [2] int32.
    """
    # a draw depends on its place and its own alpha alone, so those of other replicas may be any
    index, count = this_replica()
    rows, rest = tf.shape(alpha)[0], tf.shape(alpha)[1:]
    before, after = (
        tf.ones(tf.concat([[others * rows], rest], 0), alpha.dtype)
        for others in (index, count - 1 - index)
    )
    whole = tf.concat([before, alpha, after], 0) if count > 1 else alpha
    drawn = tf.random.stateless_gamma(tf.shape(whole), seed, whole, dtype=alpha.dtype)
    return tf.ensure_shape(drawn[index * rows : (index + 1) * rows], alpha.shape)
