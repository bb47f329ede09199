"""What a frozen model makes of the data, as data.

Legend: N examples, B global batch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfvae.checks import array
from tfvae.randomness import fold, seed_of
from tfvae.streams.order import endless, shuffled
from tfvae.streams.source import rows_of

__all__ = ["CodesOf"]

_ORDER = 1
_AT_ONCE = 500  # examples
_READ = 20 * _AT_ONCE


class CodesOf:
    """x' = the deterministic code of x, of a model that no longer learns; made once, when first asked.

    As for the outlines of Subramanian et al. 2018, whose second model learns the vectors of a first one. The
    codes of the training set are kept in memory.

    Args:
        model: a trained `tfvae.VAE`.
        encode: x [b, ...] -> [b, ...] instead of `model.encode`.
    """

    def __init__(self, model, encode: Callable | None = None):
        self.model, self.encode = model, encode
        self._codes: np.ndarray | None = None

    def codes(self, x, label=None) -> np.ndarray:
        """Of arrays [N, ...] in raw units, in their order; float32."""
        encode = tf.function(
            self.encode or self.model.encode, reduce_retracing=True, autograph=False
        )
        found = []
        for start in range(0, len(x), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            batch = tf.constant(x[rows])
            told = () if label is None else (tf.constant(label[rows], tf.int32),)
            found.append(encode(batch, *told).numpy())
        what = "the codes of a frozen model"
        return array(what, np.concatenate(found), "real", (len(x), *found[0].shape[1:]))

    def _of(self, source) -> np.ndarray:
        """Of the training set, some thousands of examples at a time."""
        train = source.data.train
        label, found = self._told(getattr(train, "condition", None)), []
        for begin in range(0, len(train.x), _READ):
            rows = slice(begin, begin + _READ)
            x = source.arrays(source.data, train._replace(x=train.x[rows]))
            found.append(self.codes(x, None if label is None else label[rows]))
        return np.concatenate(found)

    def _told(self, label):
        return label if getattr(self.model, "asks_label", False) and self.encode is None else None

    def held_out(self, x, label):
        """(the codes of validation data, no label)."""
        return self.codes(x, self._told(label)), None

    def __call__(self, source, start: int, shard: tuple[int, int]) -> tf.data.Dataset:
        """Batches of codes."""
        if self._codes is None:
            self._codes = self._of(source)
        codes, seed = tf.constant(self._codes), fold(seed_of(source.seed), _ORDER)
        size, mine = source.batch_size, rows_of(source.batch_size, shard)
        number = len(self._codes)
        return endless(
            start, lambda step: tf.gather(codes, shuffled(step, size, number, seed)[mine])
        )
