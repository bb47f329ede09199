"""A causal Transformer over time, with a cache of keys and values.

Legend: B batch, T time, E width of the inputs, Z width of the latents, F = width, N heads,
S = F / N width of a head, L the most steps.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from tfvae.checks import UserError
from tfvae.configured import Configured
from tfvae.networks.mlp import build_chain

__all__ = ["CausalBlock", "CausalTransformer"]


@keras.saving.register_keras_serializable(package="tfvae")
class CausalBlock(Configured, keras.layers.Layer):
    """a = x + W attention(LN(x)),  y = a + W_2 gelu(W_1 LN(a)), attention over the steps <= t.

        attention_t = sum_{s <= t} softmax_s(q_t . k_s / sqrt(S)) v_s

    Normalisation comes first in both halves (pre-LN): Xiong et al., "On Layer Normalization in the
    Transformer Architecture", ICML 2020.

    Args:
        num_heads: N, a divisor of F.
    """

    def __init__(self, num_heads: int, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads

    def build(self, input_shape):
        """Builds the layers for [B, T, F]."""
        width = input_shape[-1]
        if width % self.num_heads:
            raise UserError(f"num_heads must divide the width {width}, got {self.num_heads}")
        self.head_width = width // self.num_heads

        def dense(units, activation=None):
            return keras.layers.Dense(units, activation, dtype=self.dtype_policy)

        def normalise():
            return keras.layers.LayerNormalization(epsilon=1e-5, dtype=self.dtype_policy)

        self.normalise_attention, self.normalise_mlp = normalise(), normalise()
        self.queries_keys_values = dense(3 * width)
        self.leave = dense(width)
        self.mlp_in, self.mlp_out = dense(4 * width, "gelu"), dense(width)
        build_chain([self.normalise_attention, self.queries_keys_values], input_shape)
        build_chain([self.leave], input_shape)
        build_chain([self.normalise_mlp, self.mlp_in, self.mlp_out], input_shape)

    def call(self, x):
        """[B, T, F] -> [B, T, F]."""
        steps = tf.range(ops.shape(x)[1])
        queries, keys, values = self._heads(x)
        x = x + self._attend(queries, keys, values, steps[:, None] >= steps)
        return x + self._mlp(x)

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def begin(self, batch, length: int):
        """Keys and values before the first step, each [B, L, N, S]."""
        zeros = tf.zeros([batch, length, self.num_heads, self.head_width], self.compute_dtype)
        return zeros, zeros

    def step(self, cache, x, t):
        """cache, x [B, F] of step t -> y [B, F], cache."""
        x = x[:, None]
        queries, *new = self._heads(x)
        steps = tf.range(cache[0].shape[1])
        here = tf.equal(steps, t)[:, None, None]
        keys, values = (tf.where(here, added, old) for added, old in zip(new, cache))
        x = x + self._attend(queries, keys, values, (steps <= t)[None])
        return (x + self._mlp(x))[:, 0], (keys, values)

    def _heads(self, x):
        """[B, T, F] -> queries, keys, values, each [B, T, N, S]."""
        joined = self.queries_keys_values(self.normalise_attention(x))
        shape = [-1, ops.shape(x)[1], self.num_heads, self.head_width]
        return tuple(tf.reshape(part, shape) for part in tf.split(joined, 3, -1))

    def _attend(self, queries, keys, values, visible):
        """`visible` [queries, keys] -> [B, queries, F]."""
        scores = tf.einsum("bqns,bkns->bnqk", queries, keys) * self.head_width**-0.5
        if scores.dtype.size < 4:
            scores = tf.cast(scores, tf.float32)  # a softmax in half precision loses small weights
        scores = tf.where(visible, scores, scores.dtype.min)
        weights = tf.cast(tf.nn.softmax(scores), values.dtype)
        mixed = tf.einsum("bnqk,bkns->bqns", weights, values)
        return self.leave(tf.reshape(mixed, [-1, ops.shape(mixed)[1], self.leave.units]))

    def _mlp(self, x):
        return self.mlp_out(self.mlp_in(self.normalise_mlp(x)))


@keras.saving.register_keras_serializable(package="tfvae")
class CausalTransformer(Configured, keras.layers.Layer):
    """features_t = LN(block_n(... block_1(W inputs_t + b + position_t))), `CausalBlock`s.

    Radford et al., "Language Models are Unsupervised Multitask Learners", 2019 (GPT-2). z comes
    with the inputs alone.

    Args:
        width: F.
        num_layers: blocks.
        num_heads: N, a divisor of F.
        max_length: L, the learned positions.
    """

    def __init__(self, width: int, num_layers: int, num_heads: int, max_length: int, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.max_length = max_length
        self.enter = keras.layers.Dense(width, dtype=self.dtype_policy)
        self.blocks = [CausalBlock(num_heads, dtype=self.dtype_policy) for _ in range(num_layers)]
        self.normalise = keras.layers.LayerNormalization(epsilon=1e-5, dtype=self.dtype_policy)

    @property
    def output_width(self) -> int:
        """F."""
        return self.width

    def build(self, inputs_shape, z_shape):
        """Builds the blocks for inputs [B, T, E]."""
        del z_shape
        self.positions = self.add_weight(
            name="positions",
            shape=(self.max_length, self.width),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )
        build_chain([self.enter, *self.blocks, self.normalise], inputs_shape)

    def call(self, inputs, z):
        """[B, T, E] -> [B, T, F]; z [B, Z] is not looked at.

        Raises:
            UserError: T above `max_length`, where T is known beforehand.
        """
        length = ops.shape(inputs)[1]
        if isinstance(length, int):
            self._check(length)
        x = self.enter(inputs) + self._positions()[:length]
        for block in self.blocks:
            x = block(x)
        return self.normalise(x)

    def begin(self, z, length: int):
        """The blocks' caches before the first step."""
        self._check(length)
        return tuple(block.begin(ops.shape(z)[0], length) for block in self.blocks)

    def step(self, state, inputs, t):
        """inputs [B, E] of step t -> features [B, F], the next state."""
        x, caches = self.enter(inputs) + self._positions()[t], []
        for block, cache in zip(self.blocks, state):
            x, cache = block.step(cache, x, t)
            caches.append(cache)
        return self.normalise(x), tuple(caches)

    def _positions(self):
        # `step` runs outside of Keras's autocasting.
        return tf.cast(tf.convert_to_tensor(self.positions), self.compute_dtype)

    def _check(self, length):
        if length > self.max_length:
            raise UserError(
                f"a transformer of max_length {self.max_length} cannot read {length} tokens"
            )
