"""Dropout of numbers and of words, without state: the mask is a function of its seed.

Masks are drawn for the global batch (see `tfvae.randomness`), so N replicas drop what one device
drops, as long as their rows are padded to one length T.

Legend: B batch, T time.
"""

from __future__ import annotations

import tensorflow as tf
from keras import ops

from tfvae.checks import UserError
from tfvae.networks.tokens import PAD, START, UNKNOWN
from tfvae.randomness import batch_uniform

__all__ = ["dropout", "word_dropout"]


def dropout(x, rate: float, seed):
    """y = m x / (1 - rate), m ~ Bernoulli(1 - rate) for every number; E[y] = x.

    Args:
        x: [B, ...], a floating type.
        rate: a Python float in [0, 1), the share of zeros.
        seed: [2] int32; None: y = x.
    """
    if seed is None or rate == 0:
        return x
    kept = batch_uniform(ops.shape(x), seed) >= rate
    return tf.where(kept, x / tf.cast(1 - rate, x.dtype), tf.zeros_like(x))


def word_dropout(tokens, keep: float, seed):
    """Replaces each token but `<s>` and `<pad>` by `<unk>` with probability 1 - keep.

    Bowman, Vilnis, Vinyals, Dai, Jozefowicz and Bengio, "Generating Sentences from a Continuous
    Space", CoNLL 2016, section 3. For a decoder's inputs only, never for its targets.

    Args:
        tokens: [B, T] int32, or [B].
        keep: a Python float in [0, 1]; 0 replaces all of them (the inputless decoder), 1 none.
        seed: [2] int32; not looked at where keep is 0 or 1.

    Raises:
        UserError: a keep in between without a seed.
    """
    if keep == 1:
        return tokens
    replaced = (tokens != PAD) & (tokens != START)
    if keep != 0:
        if seed is None:
            raise UserError(f"word dropout with keep {keep} wants a seed, got None")
        replaced &= batch_uniform(ops.shape(tokens), seed) >= keep
    return tf.where(replaced, tf.constant(UNKNOWN, tokens.dtype), tokens)
