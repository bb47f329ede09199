"""The training stream: exact, resumable at any step, and sharded without overlap.

Example p of the endless stream (p = step * batch_size + i) belongs to epoch p // N and is row
shuffle_epoch(p mod N) of the split, so N consecutive examples are each row once, whatever the batch
size; a stream that starts at step k is the uninterrupted one from there on.

Legend: N examples of the split, B global batch, H W C image.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.randomness import fold, seed_of
from tfvae.streams import endless, gathering, shuffled

__all__ = ["evaluation_arrays", "training_stream"]

_ORDER, _PIXELS = 1, 2  # purposes of the seed


def training_stream(
    split,
    kind: str,
    batch_size: int,
    seed: int,
    start_step: int = 0,
    shard: tuple[int, int] = (0, 1),
    beside: str | None = None,
) -> tf.data.Dataset:
    """Endless batches of raw images, float32 [B / shards, H, W, C].

    Args:
        split: a `Split`.
        kind: `binary_dynamic` is binarised anew at each presentation; all else is passed on.
        batch_size: B, of all shards together.
        seed: of the order and of the binarisation.
        start_step: the first batch is that of this step.
        shard: (index, count): rows [index * B / count, (index + 1) * B / count) of each batch.
        beside: `label` or `index` (the row of the split): batches are (images, int32 [B / shards]).

    Raises:
        UserError: the batch does not divide into the shards, or the split is empty.
    """
    index, count = shard
    number = len(split.x)
    if number == 0:
        raise UserError("the training split is empty")
    if batch_size % count:
        raise UserError(f"batch_size must be a multiple of the {count} workers, got {batch_size}")
    rows = batch_size // count
    base = seed_of(seed)
    order = fold(base, _ORDER)
    gathered = gathering(split.x, rows)
    known = None if beside is None else tf.constant(split.beside(beside))
    high = 255.0 if split.x.dtype == np.uint8 else 1.0

    def batch(step):
        chosen = shuffled(step, batch_size, number, order)
        chosen = chosen[index * rows : (index + 1) * rows]
        x = tf.cast(gathered(chosen), tf.float32)
        if kind == "binary_dynamic":
            # drawn for the whole batch, so that the shards see what one device would
            shape = [batch_size, *split.x.shape[1:]]
            noise = tf.random.stateless_uniform(shape, fold(base, _PIXELS, step))
            x = tf.cast(noise[index * rows : (index + 1) * rows] < x / high, tf.float32)
        return x if known is None else (x, tf.gather(known, chosen))

    return endless(start_step, batch)


def evaluation_arrays(split, kind: str, seed: int = 777) -> np.ndarray:
    """The split as it is measured, float32 [N, H, W, C]: one binarisation, drawn once and kept."""
    x = split.x.astype(np.float32)
    if kind != "binary_dynamic":
        return x
    grey = x / 255.0 if split.x.dtype == np.uint8 else x
    return (np.random.default_rng(seed).random(x.shape, np.float32) < grey).astype(np.float32)
