"""Tokens: the reserved ids, lengths, and the decoder's shift.

A sentence is real tokens, then `</s>`, then padding. `<s>` is no part of it.

Legend: B batch, T time.
"""

from __future__ import annotations

import tensorflow as tf

__all__ = ["END", "PAD", "START", "UNKNOWN", "lengths", "shift_right"]

PAD, START, END, UNKNOWN = 0, 1, 2, 3


def lengths(tokens) -> tf.Tensor:
    """Tokens that are not padding (`</s>` counts): [B, T] -> [B] int32."""
    return tf.math.count_nonzero(tf.not_equal(tokens, PAD), axis=1, dtype=tf.int32)


def shift_right(tokens) -> tf.Tensor:
    """What a decoder reads to predict `tokens`: `<s>`, then all but the last; [B, T] int32."""
    tokens = tf.cast(tokens, tf.int32)
    return tf.pad(tokens[:, :-1], [[0, 0], [1, 0]], constant_values=START)
