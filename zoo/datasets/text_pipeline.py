"""The training stream of text: exact, resumable at any step, sharded without overlap, little padding.

Example p of the endless sequence (p = step * B + i) is row shuffle_epoch(p mod N) of epoch p // N. W
consecutive batches are a chunk: its W * B examples are sorted by length, cut into batches, and the
batches are put into random order. So every chunk holds the examples that the endless sequence says,
rows of a batch are about equally long, and a step's batch is found by making its chunk only.

Legend: N examples of the split, B global batch, T tokens of a row.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError, positive

__all__ = ["evaluation_batches", "lengths", "training_stream"]

_PAD = 0
_ORDER, _CHUNK = 1, 2  # purposes of the seed
_WIDEST = 200  # batches of a chunk


def lengths(x: np.ndarray) -> np.ndarray:
    """Real tokens of each row, `</s>` included: int64 [N]."""
    real = x != _PAD
    return np.where(real.any(1), x.shape[1] - np.argmax(real[:, ::-1], 1), 0)


def training_stream(
    split,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    shard: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Endless batches of tokens, int32 [B / shards, T], T the longest row of the *whole* batch.

    Args:
        split: a `Split` of tokens [N, Tmax].
        batch_size: B, of all shards together.
        seed: of the order.
        start_step: the first batch is that of this step.
        shard: (index, count): rows [index * B / count, (index + 1) * B / count) of each batch.

    Raises:
        UserError: the batch does not divide into the shards, or the split is empty.
    """
    index, count = shard
    x = split.x
    if len(x) == 0:
        raise UserError("the training split is empty")
    positive("batch_size", batch_size)
    if batch_size % count:
        raise UserError(f"batch_size must be a multiple of the {count} workers, got {batch_size}")
    rows = slice(index * batch_size // count, (index + 1) * batch_size // count)
    length = lengths(x)
    wide = max(1, min(len(x) // batch_size, _WIDEST))

    def batches():
        chunk, first = divmod(start_step, wide)
        permutation = functools.lru_cache(maxsize=2)(functools.partial(_permutation, len(x), seed))
        while True:
            made = _chunk(length, batch_size, wide, _key(seed), chunk, permutation)
            for chosen in made[first:]:
                longest = max(1, length[chosen].max())
                yield x[chosen[rows], :longest]
            chunk, first = chunk + 1, 0

    signature = tf.TensorSpec([batch_size // count, None], tf.int32)
    stream = tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(8)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return stream.with_options(options)


def _key(seed: int) -> int:
    return seed & 0x3FFFFFFFFFFFFFFF  # numpy takes no negative seeds


def _permutation(number: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([_key(seed), _ORDER, epoch]).permutation(number)


def _chunk(length, batch_size, wide, key, chunk, permutation) -> np.ndarray:
    """The rows of chunk number `chunk`, [W, B]."""
    place = chunk * wide * batch_size + np.arange(wide * batch_size)
    epoch, offset = np.divmod(place, len(length))
    chosen = np.empty(len(place), np.int64)
    for each in np.unique(epoch):
        chosen[epoch == each] = permutation(int(each))[offset[epoch == each]]
    rng = np.random.default_rng([key, _CHUNK, chunk])
    tie = rng.random(len(chosen))
    ordered = chosen[np.lexsort((tie, length[chosen]))].reshape(wide, batch_size)
    return ordered[rng.permutation(wide)]


def evaluation_batches(x: np.ndarray, batch_size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each example once, sorted by length: [(rows of x [b], tokens [b, T])], b = B but in the last.

    Values are put back into the order of x with `values[rows] = ...`.
    """
    length = lengths(x)
    order = np.argsort(length, kind="stable")
    parts = [order[start : start + batch_size] for start in range(0, len(x), batch_size)]
    return [(rows, x[rows, : max(1, length[rows].max())]) for rows in parts]
