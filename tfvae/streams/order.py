"""Which rows a step takes: a function of the seed and the step alone.

Legend: N examples, B global batch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfvae.batches import untuned

__all__ = ["endless", "gathering", "shuffled", "turned"]


def shuffled(step, batch_size: int, number: int, seed) -> tf.Tensor:
    """The rows of a step, [B] int32.

    Example p of the endless sequence (p = step * B + i) is row shuffle_epoch(p mod N) of epoch p // N, so
    that N consecutive examples are each row once, whatever the batch size.

    Args:
        step: scalar int64.
        batch_size: B.
        number: N.
        seed: [2] int32.
    """
    return turned(step * batch_size + tf.range(batch_size, dtype=tf.int64), number, seed)


def turned(place, number, seed) -> tf.Tensor:
    """shuffle_epoch(p mod N), epoch = p // N, of places p [B] int64; N a number or [B]."""
    number = tf.cast(number, tf.int64) * tf.ones_like(place)
    # one seed for each example: epochs may meet inside of a batch
    epoch = tf.cast(place // number, tf.int32)
    seeds = tf.stack(
        [tf.fill(tf.shape(place), seed[0]), tf.fill(tf.shape(place), seed[1]), epoch], 1
    )
    # the raw op: its public wrapper takes one seed for all indices only
    return tf.raw_ops.RandomIndexShuffle(
        index=tf.cast(place % number, tf.int32),
        seed=seeds,
        max_index=tf.cast(number, tf.int32) - 1,
        rounds=8,
    )


def gathering(x, rows: int) -> Callable:
    """A function of places [rows] int32 that gives these rows of x.

    Args:
        x: an array, or what reads its rows from a disk (`read(places)`, `shape`, `dtype`).
        rows: how many it is asked for.
    """
    if hasattr(x, "read"):

        def read(places):
            found = tf.numpy_function(x.read, [places], x.dtype)
            return tf.ensure_shape(found, [rows, *x.shape[1:]])

        return read
    resident = tf.constant(x)
    return lambda places: tf.gather(resident, places)


def endless(start: int, batch: Callable) -> tf.data.Dataset:
    """batch(start), batch(start + 1), ... without end; nobody shards it once more.

    Args:
        start: the first step.
        batch: a step, scalar int64 -> the tensors of its batch.
    """
    steps = tf.data.Dataset.range(start, np.iinfo(np.int64).max)
    stream = steps.map(batch).prefetch(4)  # in turn, as deterministic kernels would have it anyway
    return untuned(stream, "OFF")
