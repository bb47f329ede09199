"""The training stream of text: exact, resumable at any step, sharded without overlap, little padding.

Example p of the endless sequence (p = step * B + i) is row shuffle_epoch(p mod N) of epoch p // N, so N
consecutive examples are each row once, whatever the batch size. Up to W batches that lie within one
epoch are a chunk: its examples are sorted by length and cut into batches; the order of the batches and
of the rows of each is random. A batch in which two epochs meet stays as it is. So rows of a batch are
about equally long, and a step's batch is found by making its chunk only.

Legend: N examples of the split, B global batch, T tokens of a row.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from tfvae.batches import untuned
from tfvae.checks import UserError, positive

__all__ = ["evaluation_batches", "lengths", "training_stream"]

_PAD = 0
_ORDER, _CHUNK = 1, 2  # purposes of the seed
_WIDEST = 200  # W, batches of a chunk at most


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
    beside: str | None = None,
) -> tf.data.Dataset:
    """Endless batches of tokens, int32 [B / shards, T], T the longest row of the *whole* batch.

    Args:
        split: a `Split` of tokens [N, Tmax].
        batch_size: B, of all shards together.
        seed: of the order.
        start_step: the first batch is that of this step.
        shard: (index, count): rows [index * B / count, (index + 1) * B / count) of each batch.
        beside: `label` or `index` (the row of the split): batches are (tokens, int32 [B / shards]).

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
    known = None if beside is None else split.beside(beside)

    def batches():
        step = start_step
        permutation = functools.lru_cache(maxsize=2)(functools.partial(_permutation, len(x), seed))
        while True:
            first, end = _chunk_of(step, len(x), batch_size)
            made = _chunk(length, batch_size, seed, first, end, permutation)
            for chosen in made[step - first :]:
                longest = max(1, length[chosen].max())
                tokens = x[chosen[rows], :longest]
                yield tokens if known is None else (tokens, known[chosen[rows]])
            step = end

    signature = tf.TensorSpec([batch_size // count, None], tf.int32)
    if known is not None:
        signature = (signature, tf.TensorSpec([batch_size // count], tf.int32))
    stream = tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(8)
    return untuned(stream, "OFF")


def _key(seed: int) -> int:
    return seed & 0x3FFFFFFFFFFFFFFF  # numpy takes no negative seeds


def _permutation(number: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([_key(seed), _ORDER, epoch]).permutation(number)


def _chunk_of(step: int, number: int, batch_size: int) -> tuple[int, int]:
    """[first, end): the steps of the chunk that holds `step`."""
    epoch = step * batch_size // number
    if ((step + 1) * batch_size - 1) // number != epoch:
        return step, step + 1  # two epochs meet in this batch
    first = -(-epoch * number // batch_size)  # the first batch that lies within the epoch
    end = (epoch + 1) * number // batch_size
    first += (step - first) // _WIDEST * _WIDEST
    return first, min(first + _WIDEST, end)


def _chunk(length, batch_size, seed, first, end, permutation) -> np.ndarray:
    """The rows of x of the steps [first, end) of one chunk, [end - first, B]."""
    epoch, offset = np.divmod(np.arange(first * batch_size, end * batch_size), len(length))
    chosen = np.empty(len(epoch), np.int64)
    for each in np.unique(epoch):
        chosen[epoch == each] = permutation(int(each))[offset[epoch == each]]
    if end - first == 1:
        return chosen[None]
    # rows of one length stay in their random order
    ordered = chosen[np.argsort(length[chosen], kind="stable")].reshape(-1, batch_size)
    rng = np.random.default_rng([_key(seed), _CHUNK, first])
    # the short rows of a batch must not all go to the first worker
    return rng.permuted(rng.permutation(ordered), axis=1)


def evaluation_batches(x: np.ndarray, batch_size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each example once, sorted by length: [(rows of x [b], tokens [b, T])], b = B but in the last.

    Values are put back into the order of x with `values[rows] = ...`.

    Raises:
        UserError: batch_size is not above 0.
    """
    positive("batch_size", batch_size)
    length = lengths(x)
    order = np.argsort(length, kind="stable")
    parts = [order[start : start + batch_size] for start in range(0, len(x), batch_size)]
    return [(rows, x[rows, : max(1, length[rows].max())]) for rows in parts]
