"""Words of a vocabulary.

    log p(x | l) = sum_{t < length(x)} log softmax(l_t)_{x_t}

Legend: B batch, N sentences, T time, V vocabulary. Tokens: 0 padding, 1 start, 2 end, 3 unknown,
then words (see `tfvae.networks.tokens`).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.likelihoods.likelihood import Likelihood, sizes
from tfvae.networks.tokens import END, PAD, START, lengths
from tfvae.parts import Part, facts, part

tfd = tfp.distributions

__all__ = ["Tokens"]


def _refuse(wrong: np.ndarray, rule: str) -> None:
    rows = np.flatnonzero(wrong.any(1))
    if len(rows):
        raise UserError(f"x: {rule}; {len(rows)} rows are otherwise, the first is row {rows[0]}")


@keras.saving.register_keras_serializable(package="tfvae")
class Tokens(Likelihood):
    """log p(x | l) = sum over the real tokens (the end among them) of log softmax(l_t)_{x_t}.

    The sum is over tokens and the mean, elsewhere, over sentences: a mean over tokens would weight
    the rate by the length (an effective beta of about T).

    Args:
        vocabulary_size: V.
    """

    dtype = tf.int32
    has_channels = False

    def __init__(self, vocabulary_size: int):
        self.vocabulary_size = vocabulary_size

    def parameter_size(self, channels: int = 1) -> int:
        """V logits a token."""
        return channels * self.vocabulary_size

    def preprocess(self, x) -> tf.Tensor:
        """The tokens themselves: networks embed them."""
        return tf.cast(x, tf.int32)

    def log_prob(self, parameters, x) -> tf.Tensor:
        """[B] nats.

        Args:
            parameters: logits [B, T, V].
            x: tokens [B, T], padding behind the end.
        """
        x = tf.cast(x, tf.int32)
        # no one-hot; one pass over the logits, the largest tensor of a text model (under op
        # determinism, which no such kernel offers, TensorFlow takes a log-softmax and a gather)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(x, tf.cast(parameters, tf.float32))
        return -tf.reduce_sum(tf.where(x == PAD, 0.0, loss), -1)

    def distribution(self, parameters) -> Any:
        """Independent categorical tokens, event [T]; padding counts as a word here."""
        return tfd.Independent(tfd.Categorical(logits=tf.cast(parameters, tf.float32)), 1)

    def mean(self, parameters) -> tf.Tensor:
        """A word has no mean: the likeliest one."""
        return self.mode(parameters)

    def mode(self, parameters) -> tf.Tensor:
        """[..., V] -> [...] int32."""
        return tf.argmax(parameters, -1, output_type=tf.int32)

    def sample(self, parameters, seed) -> tf.Tensor:
        """[..., V] -> [...] int32."""
        logits = tf.cast(parameters, tf.float32)
        flat = tf.reshape(logits, [-1, self.vocabulary_size])
        drawn = tf.random.stateless_categorical(flat, 1, seed, dtype=tf.int32)
        return tf.reshape(drawn, sizes(logits)[:-1])

    def units(self, x) -> tf.Tensor:
        """Real tokens of each sentence, the end among them, [B] float32."""
        return tf.cast(lengths(x), tf.float32)

    def trim(self, x: np.ndarray) -> np.ndarray:
        """Cut after the longest sentence of the batch."""
        return x[:, : max(1, int((x != PAD).sum(1).max(initial=0)))]

    def check(self, array: np.ndarray) -> None:
        """Refuses what is not a sentence: words, `</s>` or not, then nothing but padding.

        Raises:
            UserError: not [N, T] integers from 0 to V - 1; `<s>` anywhere (the decoder puts it in
                front by itself); a word after padding or after `</s>`.
        """
        array = np.asarray(array)
        if array.dtype.kind not in "ui":
            raise UserError(f"x must be tokens (integers), got {array.dtype}")
        if array.ndim != 2:
            raise UserError(f"x must be tokens [N, T], got shape {list(array.shape)}")
        if array.size and not (array.min() >= 0 and array.max() < self.vocabulary_size):
            raise UserError(
                f"x must be tokens from 0 to {self.vocabulary_size - 1}, "
                f"got {array.min()} to {array.max()}"
            )
        _refuse(array == START, f"<s> ({START}) is no part of a sentence, the decoder adds it")
        real, before = array[:, 1:] != PAD, array[:, :-1]
        _refuse(real & (before == PAD), f"padding ({PAD}) must stand behind the sentence only")
        _refuse(real & (before == END), f"nothing but padding ({PAD}) may follow </s> ({END})")


@part
class Words(Part):
    """A logit for each word."""

    place, name, kinds = "likelihood", "tokens", ("text",)
    needs = facts("vocabulary")

    def make(self, context):
        return Tokens(context.space.vocabulary_size)
