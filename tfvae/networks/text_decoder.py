"""The autoregressive text decoder: p(x | z) = prod_t p(x_t | x_<t, z).

Legend: B batch, T time, V vocabulary, E embedding width, Z width of the flattened latents,
F features, L the most tokens of a generated sentence.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from tfvae.checks import UserError, within
from tfvae.networks.decoder import Decoder, in_one_loop, the_last
from tfvae.networks.dropout import dropout, word_dropout
from tfvae.networks.mlp import flat_size
from tfvae.networks.recurrent import uniform
from tfvae.networks.tokens import END, PAD, START, shift_right
from tfvae.randomness import fold

__all__ = ["TextDecoder"]


@keras.saving.register_keras_serializable(package="tfvae")
class TextDecoder(Decoder):
    """logits_t = W network([embedding(x_{t-1}), z])_t, x_{-1} = `<s>`: z comes at every step.

    Bowman et al., "Generating Sentences from a Continuous Space", CoNLL 2016. That z comes at every
    step, and dropout in two places, is from He et al. 2019 (see `LSTMNetwork`).

    Sentences are drawn as tokens [B, L] int32, token t with fold(seed, t), padded after `</s>`; one
    without it by then is cut. `<pad>` and `<s>` are never drawn.

    Args:
        vocabulary_size: V.
        max_length: L; the longest sentence that is generated.
        network: a causal network, `LSTMNetwork`, `DilatedCNN` or `CausalTransformer`: `call(inputs,
            z)` for whole sentences, `begin` and `step` for one that is being generated, with state
            tensors whose first axis is the batch; `output_width`.
        embedding_width: E.
        word_keep: the share of input words that training keeps, see `word_dropout`; 0 is the
            inputless decoder.
        input_dropout: rate of dropout on the embedded inputs (not on z) in training.
        output_dropout: rate of dropout on the features before the softmax in training.
        output_bias: whether the logits have a bias.
        evaluate_word_keep: 1 or 0, the same in evaluation and generation; None: 0 where `word_keep`
            is 0, else 1.
        initial_scale: s for the decoder's own weights ~ U(-s, s); None for Keras's defaults.
        embedding_scale: the same for the embeddings; None takes `initial_scale`.

    Raises:
        UserError: a share or rate out of its range, or a network that cannot make L steps.
    """

    def __init__(
        self,
        vocabulary_size: int,
        max_length: int,
        network: keras.layers.Layer,
        embedding_width: int,
        word_keep: float = 1.0,
        input_dropout: float = 0.0,
        output_dropout: float = 0.0,
        output_bias: bool = False,
        evaluate_word_keep: int | None = None,
        initial_scale: float | None = None,
        embedding_scale: float | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if evaluate_word_keep not in (None, 0, 1):  # evaluation has no noise to drop words with
            raise UserError(f"evaluate_word_keep must be None, 0 or 1, got {evaluate_word_keep}")
        # only a network with learned positions has a longest sentence of its own
        longest = getattr(network, "max_length", max_length)
        if longest < max_length:
            raise UserError(
                f"{type(network).__name__} of max_length {longest} cannot generate the "
                f"{max_length} tokens of a TextDecoder of max_length {max_length}"
            )
        self.vocabulary_size = vocabulary_size
        self.max_length = max_length
        self.network = network
        self.embedding_width = embedding_width
        self.word_keep = within("word_keep", word_keep, 0, 1)
        self.input_dropout = within("input_dropout", input_dropout, 0, 0.99)
        self.output_dropout = within("output_dropout", output_dropout, 0, 0.99)
        self.output_bias = output_bias
        self.evaluate_word_keep = evaluate_word_keep
        self.initial_scale = initial_scale
        self.embedding_scale = embedding_scale
        scale = initial_scale if embedding_scale is None else embedding_scale
        self.embedding = keras.layers.Embedding(
            vocabulary_size, embedding_width, uniform(scale, "uniform"), dtype=self.dtype_policy
        )
        # Parameters of a likelihood are never computed in half precision.
        self.output_layer = keras.layers.Dense(
            vocabulary_size,
            use_bias=output_bias,
            kernel_initializer=uniform(initial_scale, "glorot_uniform"),
            bias_initializer=uniform(initial_scale, "zeros"),
            dtype="float64" if self.compute_dtype == "float64" else "float32",
        )

    @property
    def data_shape(self) -> tuple[None]:
        """Shape of one example: any number of tokens."""
        return (None,)

    @property
    def sees(self) -> str:
        """The tokens of a network that counts them."""
        return the_last(self.network, "tokens")

    @property
    def evaluation_keep(self) -> int:
        """The share of input words that evaluation and generation read, 0 or 1."""
        if self.evaluate_word_keep is None:
            return 0 if self.word_keep == 0 else 1
        return self.evaluate_word_keep

    def build(self, z_shape, x_shape=None):
        """Builds the layers for latents [B, ...] and tokens [B, T]."""
        beside, first = self._widths(z_shape)
        if not self.embedding.built:
            self.embedding.build(x_shape)
        if not self.network.built:
            self.network.build((None, None, self.embedding_width + beside), (None, first))
        if not self.output_layer.built:
            self.output_layer.build((None, None, self.network.output_width))

    def call(self, z, x, seed=None):
        """z [B, ...], tokens x [B, T] -> logits [B, T, V] of x_t given x_<t, float32.

        Args:
            z: the latents.
            x: the targets; the shift to the right is made here.
            seed: [2] int32, the noise of training (word dropout and both dropouts); None:
                evaluation.
        """
        keep, noise = self.evaluation_keep, None
        if seed is not None:
            keep, noise = self.word_keep, fold(seed, 0)
        embedded = self.embedding(word_dropout(shift_right(x), keep, noise))
        return self.from_embeddings(z, embedded, seed)

    def from_embeddings(self, z, embedded, seed=None):
        """The same from the embedded inputs [B, T, E], `<s>` first."""
        inputs, outputs = (None, None) if seed is None else (fold(seed, 1), fold(seed, 2))
        embedded = dropout(embedded, self.input_dropout, inputs)
        along = self._along(z, ops.shape(embedded)[1])
        features = self.network(tf.concat([embedded, along], -1), self._first(z))
        return self.output_layer(dropout(features, self.output_dropout, outputs))

    def begin(self, z):
        """The network's state before the first token."""
        return self.network.begin(self._first(z), self.max_length)

    def step(self, state, z, tokens, t):
        """The tokens [B] before step t -> logits [B, V] of step t, the next state."""
        embedded = self.embedding(word_dropout(tokens, self.evaluation_keep, None))
        inputs = tf.concat([embedded, self._at(z, t)], -1)
        features, state = self.network.step(state, inputs, t)
        return self.output_layer(features), state

    def _draw(self, z, likelihood, seed, greedy, progress):
        tokens = in_one_loop(self, z, likelihood, seed, greedy)
        progress(self.max_length, self.max_length)
        return tokens

    def loop(self, z, likelihood, seed, greedy):
        """All steps in one loop, which ends as soon as every sentence has."""
        batch, length = ops.shape(z)[0], self.max_length
        words = tf.range(self.vocabulary_size)
        drawable = (words != PAD) & (words != START)
        places = tf.range(length)

        def body(t, state, last, ended, tokens):
            logits, state = self.step(state, z, last, t)
            logits = tf.where(drawable, logits, tf.constant(-1e9, logits.dtype))
            drawn = likelihood.mode(logits) if greedy else likelihood.sample(logits, fold(seed, t))
            drawn = tf.where(ended, PAD, drawn)
            tokens = tf.where(places == t, drawn[:, None], tokens)
            return t + 1, state, drawn, ended | (drawn == END), tokens

        start = (
            0,
            self.begin(z),
            tf.fill([batch], START),
            tf.fill([batch], False),
            tf.fill([batch, length], PAD),
        )
        *_, tokens = tf.while_loop(
            lambda t, state, last, ended, tokens: (t < length) & ~tf.reduce_all(ended),
            body,
            start,
            parallel_iterations=1,
        )
        return tokens

    def _widths(self, z_shape) -> tuple[int, int]:
        """Of what comes beside each token, and of what the network's first state is told."""
        return flat_size(z_shape), flat_size(z_shape)

    def _first(self, z):
        """[B, ...] -> [B, Z] in the layer's precision; Z may be 0, which rules -1 out."""
        z = tf.reshape(z, [ops.shape(z)[0], flat_size(z.shape)])
        return tf.cast(z, self.compute_dtype)

    def _along(self, z, length):
        """What comes beside each of so many tokens, [B, T, Z]."""
        z = self._first(z)
        return tf.broadcast_to(z[:, None], [ops.shape(z)[0], length, z.shape[1]])

    def _at(self, z, t):
        """What comes beside token t, [B, Z]."""
        del t
        return self._first(z)
