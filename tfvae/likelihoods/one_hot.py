"""Indices as one-hot vectors: maps of discrete codes.

Legend: B batch, H W map, K codes.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.likelihoods.likelihood import Likelihood, event_rank, sum_event

tfd = tfp.distributions

__all__ = ["OneHot"]


@keras.saving.register_keras_serializable(package="tfvae")
class OneHot(Likelihood):
    """log p(x | l) = sum_hw l_x - logsumexp_k l_k,  x [B, ..., K] one-hot, one "channel" a code."""

    def parameter_size(self, channels: int) -> int:
        """One logit a code."""
        return channels

    def preprocess(self, x) -> tf.Tensor:
        """As it is: indices have no order that a network should see."""
        return tf.cast(x, tf.float32)

    def log_prob_per_position(self, parameters, x) -> tf.Tensor:
        """[B, ...] nats."""
        log_probs = tf.nn.log_softmax(tf.cast(parameters, tf.float32))
        return tf.reduce_sum(log_probs * tf.cast(x, tf.float32), -1)

    def log_prob(self, parameters, x) -> tf.Tensor:
        return sum_event(self.log_prob_per_position(parameters, x), event_rank(parameters) - 1)

    def distribution(self, parameters) -> tfd.Distribution:
        one_hot = tfd.OneHotCategorical(logits=tf.cast(parameters, tf.float32), dtype=tf.float32)
        return tfd.Independent(one_hot, event_rank(parameters) - 1)

    def mean(self, parameters) -> tf.Tensor:
        return tf.nn.softmax(tf.cast(parameters, tf.float32))

    def mode(self, parameters) -> tf.Tensor:
        return self._hot(tf.argmax(parameters, -1), parameters)

    def sample(self, parameters, seed) -> tf.Tensor:
        logits = tf.cast(parameters, tf.float32)
        flat = tf.reshape(logits, [-1, logits.shape[-1]])
        drawn = tf.random.stateless_categorical(flat, 1, seed)
        return self._hot(tf.reshape(drawn, tf.shape(logits)[:-1]), parameters)

    def _hot(self, index, parameters) -> tf.Tensor:
        return tf.one_hot(index, parameters.shape[-1], dtype=tf.float32)

    def check(self, array: np.ndarray) -> None:
        array = np.asarray(array)
        if not (np.isin(array, (0, 1)).all() and (array.sum(-1) == 1).all()):
            raise UserError("x must be one-hot along its last axis, got something else")
