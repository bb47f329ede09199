"""Encoders of sentences: tokens -> features, and padding changes nothing.

Padding stands on the right, so a recurrent state at a real token never sees it; what remains is to
leave the states at padding out of the summary.

Legend: B batch, T time, L length of a sentence, V vocabulary, E embedding width, F features,
n positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from tfvae.checks import UserError, one_of
from tfvae.configured import Configured
from tfvae.networks.mlp import build_chain
from tfvae.networks.recurrent import lstm, uniform
from tfvae.networks.tokens import lengths

__all__ = ["AntiCausalTextEncoder", "FlatTextEncoder", "PooledTextEncoder", "TextEncoder", "pool"]

SUMMARIES = ("last", "max", "mean", "abs_max")


def pool(states, length, summary: str):
    """One vector of the states at real tokens, h_1 ... h_L.

        "last"     h_L
        "max"      max_t h_t
        "mean"     (1 / L) sum_t h_t
        "abs_max"  the h_t of the greatest |h_t|, sign kept, for each feature by itself

    Args:
        states: [B, T, F].
        length: [B] int32, L; a sentence of length 0 gets zeros.
        summary: one of the four.

    Returns:
        [B, F].
    """
    real = tf.sequence_mask(length, tf.shape(states)[1])[..., None]
    some = (length > 0)[:, None]

    def extreme(reduce, worst):
        found = reduce(tf.where(real, states, worst), axis=1)
        return tf.where(some, found, tf.zeros_like(found))

    if summary == "last":
        last = tf.gather(states, tf.maximum(length - 1, 0), batch_dims=1)
        return tf.where(some, last, tf.zeros_like(last))
    if summary == "mean":
        total = tf.reduce_sum(tf.where(real, states, tf.zeros_like(states)), 1)
        return total / tf.cast(tf.maximum(length, 1), states.dtype)[:, None]
    greatest = extreme(tf.reduce_max, states.dtype.min)
    if summary == "max":
        return greatest
    least = extreme(tf.reduce_min, states.dtype.max)
    return tf.where(greatest >= -least, greatest, least)


class _RecurrentEncoder(Configured, keras.layers.Layer):
    """embedding -> LSTM; what becomes of the states is the subclass's matter."""

    def __init__(
        self,
        vocabulary_size: int,
        embedding_width: int,
        units: int,
        initial_scale: float | None = None,
        embedding_scale: float | None = None,
        use_cudnn: bool | str = "auto",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.embedding_width = embedding_width
        self.units = units
        self.initial_scale = initial_scale
        self.embedding_scale = embedding_scale
        self.use_cudnn = use_cudnn
        scale = initial_scale if embedding_scale is None else embedding_scale
        self.embedding = keras.layers.Embedding(
            vocabulary_size, embedding_width, uniform(scale, "uniform"), dtype=self.dtype_policy
        )
        self.lstm = lstm(units, initial_scale, use_cudnn, self.dtype_policy)

    def build(self, input_shape):
        """Builds the layers for tokens [B, T]."""
        if not self.embedding.built:
            self.embedding.build(input_shape)
        if not self.lstm.built:
            self.lstm.build((*input_shape, self.embedding_width))

    def call(self, x):
        """Tokens [B, T] -> features."""
        return self.from_embeddings(self.embedding(x), lengths(x))


@keras.saving.register_keras_serializable(package="tfvae")
class TextEncoder(_RecurrentEncoder):
    """h_t = LSTM(embedding(x_t), h_{t-1});  features = summary of h_1 ... h_L, [B, units].

    "last" is the encoder of He et al. 2019 and most text VAEs; pooling over time disperses the
    features: Long, Cao and Cheung, "Preventing Posterior Collapse in Sequence VAEs with Pooling",
    2020 (arXiv 1911.03976).

    Args:
        vocabulary_size: V.
        embedding_width: E.
        units: F.
        summary: "last", "max", "mean" or "abs_max", see `pool`.
        initial_scale: s for all weights ~ U(-s, s); None for Keras's defaults.
        embedding_scale: the same for the embeddings; None takes `initial_scale`.
        use_cudnn: see `LSTMNetwork`.
    """

    def __init__(self, vocabulary_size, embedding_width, units, summary: str = "last", **kwargs):
        super().__init__(vocabulary_size, embedding_width, units, **kwargs)
        self.summary = one_of("summary", summary, SUMMARIES)

    def from_embeddings(self, embedded, length):
        """[B, T, E], lengths [B] -> [B, F]."""
        return pool(self.lstm(embedded), length, self.summary)


@keras.saving.register_keras_serializable(package="tfvae")
class AntiCausalTextEncoder(_RecurrentEncoder):
    """s_t = LSTM(embedding(x_t), s_{t+1}), from right to left; features_i = s at floor(i L / n).

    Position i knows nothing before its token: the decoder knows the past already, so the code has
    only to carry what is still to come. Razavi, van den Oord, Poole and Vinyals, "Preventing
    Posterior Collapse with delta-VAEs", ICLR 2019, section 2.3. L is the length of the sentence
    itself: one shorter than n has some states twice, one of length 0 gets zeros. With `max_length` it
    is the same for all, features_i = s at ceil(i L / n), the first token that a
    `PositionalTextDecoder` tells z_i; positions behind the end of a sentence get zeros.

    Args:
        vocabulary_size: V.
        embedding_width: E.
        units: F.
        positions: n.
        max_length: L of all sentences, or `None` for the length of each.
        initial_scale: s for all weights ~ U(-s, s); None for Keras's defaults.
        embedding_scale: the same for the embeddings; None takes `initial_scale`.
        use_cudnn: see `LSTMNetwork`.
    """

    def __init__(
        self,
        vocabulary_size,
        embedding_width,
        units,
        positions: int,
        max_length: int | None = None,
        **kwargs,
    ):
        super().__init__(vocabulary_size, embedding_width, units, **kwargs)
        self.positions, self.max_length = positions, max_length

    def from_embeddings(self, embedded, length):
        """[B, T, E], lengths [B] -> [B, n, F]."""
        # Only the real part is turned round: padding must stay what the LSTM reads last.
        states = self.lstm(tf.reverse_sequence(embedded, length, seq_axis=1))
        states = tf.reverse_sequence(states, length, seq_axis=1)
        order = tf.range(self.positions)
        if self.max_length is None:
            places = order * length[:, None] // self.positions
        else:
            places = -(-order * self.max_length // self.positions) + 0 * length[:, None]
        there = places < length[:, None]
        states = tf.gather(states, tf.where(there, places, 0), batch_dims=1)
        return tf.where(there[..., None], states, tf.zeros_like(states))


def _relu(widths, policy):
    return [keras.layers.Dense(width, "relu", dtype=policy) for width in widths]


@keras.saving.register_keras_serializable(package="tfvae")
class FlatTextEncoder(Configured, keras.layers.Layer):
    """h_0 = the one-hots of all T tokens side by side, h_i = relu(h_{i-1} W_i + b_i).

    For a toy vocabulary and sentences of one length; padding counts as a token here.

    Args:
        vocabulary_size: V.
        length: T.
        widths: of the layers; the last is F.
    """

    def __init__(
        self, vocabulary_size: int, length: int, widths: Sequence[int] = (128, 128), **kwargs
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.length = length
        self.widths = tuple(widths)
        self.chain = _relu(self.widths, self.dtype_policy)

    def build(self, input_shape):
        """Builds the layers for tokens [B, T].

        Raises:
            UserError: T is known and not `length`.
        """
        self._check(input_shape)
        build_chain(self.chain, (None, self.length * self.vocabulary_size))

    def call(self, x):
        """Tokens [B, T] -> [B, F].

        Raises:
            UserError: T is known and not `length`.
        """
        self._check(x.shape)
        x = tf.ensure_shape(x, [None, self.length])
        h = tf.one_hot(x, self.vocabulary_size, dtype=self.compute_dtype)
        h = tf.reshape(h, [-1, self.length * self.vocabulary_size])
        for layer in self.chain:
            h = layer(h)
        return h

    def _check(self, shape):
        if shape[1] not in (None, self.length):
            raise UserError(
                f"this encoder is for sentences of length {self.length}, got length {shape[1]}"
            )


@keras.saving.register_keras_serializable(package="tfvae")
class PooledTextEncoder(Configured, keras.layers.Layer):
    """c_t = relu(K_0 x_{t-1} + K_1 x_t), m = mean_t relu(W c_t), then relu layers; x one-hot.

    The first token has a zero before it, so that L tokens give L steps and a sentence of one word
    has features too. For a toy vocabulary.

    Args:
        vocabulary_size: V.
        filters: of both convolutions (width 2, then width 1).
        widths: of the layers after the mean; the last is F.
    """

    def __init__(
        self,
        vocabulary_size: int,
        filters: int = 64,
        widths: Sequence[int] = (128, 128),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.filters = filters
        self.widths = tuple(widths)
        self.pair = keras.layers.Conv1D(
            filters, 2, padding="causal", activation="relu", dtype=self.dtype_policy
        )
        (self.mix,) = _relu([filters], self.dtype_policy)
        self.chain = _relu(self.widths, self.dtype_policy)

    def build(self, input_shape):
        """Builds the layers for tokens [B, T]."""
        if not self.pair.built:
            self.pair.build((*input_shape, self.vocabulary_size))
        build_chain([self.mix], (*input_shape, self.filters))
        build_chain(self.chain, (None, self.filters))

    def call(self, x):
        """Tokens [B, T] -> [B, F]."""
        one_hot = tf.one_hot(x, self.vocabulary_size, dtype=self.compute_dtype)
        h = pool(self.mix(self.pair(one_hot)), lengths(x), "mean")
        for layer in self.chain:
            h = layer(h)
        return h
