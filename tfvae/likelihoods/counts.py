"""Bags of words: how often each word stands in a document.

    log p(x | l) = sum_w x_w log softmax(l)_w

Legend: B batch, V words, N words of a document.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError, count
from tfvae.likelihoods.likelihood import Likelihood, sizes, sum_event
from tfvae.parts import Part, part

tfd = tfp.distributions

__all__ = ["Counts"]


@keras.saving.register_keras_serializable(package="tfvae")
class Counts(Likelihood):
    """Each word drawn from one softmax, independent of the others (the NVDM, Miao et al. 2016, eq. 6).

    It is the probability of the words in their order; that of the counts alone (the multinomial) is larger by
    ln(N! / prod_w x_w!), which no model changes. How long a document is is not modelled: one that is drawn
    has `length` words.

    Args:
        vocabulary_size: V.
        length: words of a document that is drawn.
    """

    def __init__(self, vocabulary_size: int, length: int = 50):
        self.vocabulary_size = count("vocabulary_size", vocabulary_size)
        self.length = count("length", length)

    def parameter_size(self, channels: int) -> int:
        """A logit a word.

        Raises:
            UserError: there are other words.
        """
        if channels != self.vocabulary_size:
            raise UserError(
                f"x must have the {self.vocabulary_size} words of the vocabulary, got {channels}"
            )
        return channels

    def preprocess(self, x) -> tf.Tensor:
        """x."""
        return tf.cast(x, tf.float32)

    def units(self, x) -> tf.Tensor:
        """N, the words of each document."""
        return tf.reduce_sum(tf.cast(x, tf.float32), -1)

    def log_prob(self, parameters, x) -> tf.Tensor:
        """[B] nats; see `Likelihood.log_prob`."""
        logits = tf.nn.log_softmax(tf.cast(parameters, tf.float32))
        return sum_event(logits * tf.cast(x, tf.float32), len(logits.shape) - 1)

    def distribution(self, parameters) -> Any:
        """The multinomial of documents of `length` words, event [V]; its density is of the counts alone."""
        return tfd.Multinomial(float(self.length), logits=tf.cast(parameters, tf.float32))

    def mean(self, parameters) -> tf.Tensor:
        """How often each word is expected."""
        return self.length * tf.nn.softmax(tf.cast(parameters, tf.float32))

    def mode(self, parameters) -> tf.Tensor:
        """The likeliest counts: word after word to the largest p_w / (x_w + 1), from floor(N p_w) on."""
        p = tf.nn.softmax(tf.cast(parameters, tf.float32))
        start = tf.floor(self.length * p * (1.0 - 1e-6))

        def body(x):
            lacking = tf.reduce_sum(x, -1, keepdims=True) < self.length
            best = tf.one_hot(tf.argmax(p / (x + 1.0), -1), self.vocabulary_size)
            return (x + tf.where(lacking, best, 0.0),)

        def goes_on(x):
            return tf.reduce_any(tf.reduce_sum(x, -1) < self.length)

        return tf.while_loop(goes_on, body, (start,))[0]

    def sample(self, parameters, seed) -> tf.Tensor:
        """Documents of `length` words, [..., V]."""
        logits = tf.cast(parameters, tf.float32)
        flat = tf.reshape(logits, [-1, self.vocabulary_size])
        words = tf.random.stateless_categorical(flat, self.length, seed, dtype=tf.int32)
        drawn = tf.math.bincount(
            words,
            minlength=self.vocabulary_size,
            maxlength=self.vocabulary_size,
            axis=-1,
            dtype=tf.float32,
        )
        return tf.reshape(drawn, sizes(logits))

    def check(self, array: np.ndarray) -> None:
        """Refuses what is not whole numbers from 0 on, [N, V], with a word in each document.

        Raises:
            UserError: otherwise.
        """
        array = np.asarray(array)
        if (
            array.dtype.kind not in "uif"
            or array.ndim < 2
            or array.shape[-1] != self.vocabulary_size
        ):
            raise UserError(
                f"x must be counts of words [N, {self.vocabulary_size}], got {array.dtype} "
                f"{list(array.shape)}"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise UserError("x must be counts of words, got nan or inf")
        if array.size and (array.min() < 0 or np.any(array != np.floor(array))):
            raise UserError(
                f"x must be counts of words, whole numbers from 0 on, got {array.min():g} to "
                f"{array.max():g} or fractions of them"
            )
        empty = np.flatnonzero(array.reshape(len(array), -1).sum(1) == 0)
        if len(empty):
            raise UserError(
                f"x: a document must have a word; {len(empty)} rows have none, the first is row {empty[0]}"
            )


@part
class WordCounts(Part):
    """A logit for each word, the same wherever it stands in the document."""

    place, name, kinds = "likelihood", "counts", ("documents",)

    def make(self, context):
        return Counts(context.space.vocabulary_size, context.space.length)
