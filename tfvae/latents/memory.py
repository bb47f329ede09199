"""The codes of the training set, to be looked up by nearness.

Legend: B batch, N training examples, D numbers of a code, K neighbours.
"""

from __future__ import annotations

import functools

import keras
import tensorflow as tf

from tfvae.checks import UserError

__all__ = ["CodeMemory"]

_CHUNK = 8192  # rows compared at a time: the scores of a batch of 100 are then 3 MB


@keras.saving.register_keras_serializable(package="tfvae")
class CodeMemory(keras.layers.Layer):
    """C in R^{N x D}, row i the code that example i had when it was last seen.

    Not trained: a `tfvae.procedures.WriteCodes` writes it. It starts as N(0, I) noise, which the
    first epoch replaces; it is a weight, so checkpoints and `.keras` files hold it.

    Args:
        num_examples: N.
        size: D.
    """

    def __init__(self, num_examples: int, size: int, **kwargs):
        super().__init__(**kwargs)
        self.num_examples = num_examples
        self.size = size

    def build(self, input_shape=None):
        del input_shape
        self.codes = self.add_weight(
            name="codes",
            shape=(self.num_examples, self.size),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            dtype="float32",
            # every replica writes the rows of the whole batch: the same
            aggregation="only_first_replica",
        )
        self.built = True

    def nearest(self, code, num: int, own=None) -> tf.Tensor:
        """The rows of the `num` nearest codes (Euclidean), the nearest first: [B, D] -> [B, K] int32.

        |a - c|^2 = |a|^2 - 2 a.c + |c|^2  by matrix products over chunks of rows, of which only the
        best so far are kept: memory is B times a chunk, whatever N is.

        Args:
            code: what they are near to, [B, D].
            num: K.
            own: [B] int32, a row for each example that is not to be found (its own); or `None`.

        Raises:
            UserError: there are not so many.
        """
        asked = num + (own is not None)
        if asked > self.num_examples:
            raise UserError(
                f"{num} neighbours of an example need a memory of more than {asked - 1} codes, "
                f"this one has {self.num_examples}"
            )
        memory = tf.convert_to_tensor(self.codes)
        code = tf.stop_gradient(code)

        def nearest(start):
            part = memory[start : start + _CHUNK]
            scores = tf.matmul(code, part, transpose_b=True) - 0.5 * tf.reduce_sum(part**2, -1)
            best = tf.math.top_k(scores, min(asked, part.shape[0]))
            return best.values, best.indices + start

        chunks = map(nearest, range(0, self.num_examples, _CHUNK))
        scores, rows = functools.reduce(lambda one, other: _best(one, other, asked), chunks)
        if own is not None:  # it is among the nearest num + 1, or need not be excluded
            scores = tf.where(rows == own[:, None], scores.dtype.min, scores)
            rows = tf.gather(rows, tf.math.top_k(scores, num).indices, batch_dims=1)
        return rows

    def lookup(self, rows) -> tf.Tensor:
        """The codes of rows, [...] -> [..., D]."""
        return tf.gather(tf.convert_to_tensor(self.codes), rows)

    def write(self, rows, codes) -> None:
        """C[rows] <- codes, [M] and [M, D]; rows must differ, or hold the same code."""
        self.codes.value.scatter_update(tf.IndexedSlices(codes, rows))

    def get_config(self):
        return {**super().get_config(), "num_examples": self.num_examples, "size": self.size}


def _best(one, other, num):
    """The `num` best of two lists of (scores, rows)."""
    scores, rows = (tf.concat(pair, -1) for pair in zip(one, other))
    best = tf.math.top_k(scores, min(num, scores.shape[-1]))
    return best.values, tf.gather(rows, best.indices, batch_dims=1)
