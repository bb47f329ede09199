"""A causal network over time with a receptive field that one can choose.

Legend: B batch, T time, E width of the inputs, Z width of the latents, F = filters, I inner
filters, k kernel size, d dilation.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import ops

from tfvae.configured import Configured
from tfvae.networks.mlp import build_chain
from tfvae.networks.taps import causal_taps

__all__ = ["DilatedBlock", "DilatedCNN"]


@keras.saving.register_keras_serializable(package="tfvae")
class DilatedBlock(Configured, keras.layers.Layer):
    """u = relu(W_1 x),  v_t = relu(sum_i K_i u_{t - (k-1-i) d}),  y = relu(x + W_2 v).

    The convolution is one product with the k taps side by side, so that a whole sentence and one
    step of a generated one use the same operation. There is no batch normalisation: its statistics
    would mix padding and later tokens into every step, and one step alone could not repeat them.

    Args:
        inner_filters: I.
        dilation: d.
        kernel_size: k.
    """

    def __init__(self, inner_filters: int, dilation: int, kernel_size: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.inner_filters = inner_filters
        self.dilation = dilation
        self.kernel_size = kernel_size
        self.enter = keras.layers.Dense(inner_filters, "relu", dtype=self.dtype_policy)
        self.convolve = keras.layers.Dense(inner_filters, "relu", dtype=self.dtype_policy)

    @property
    def past(self) -> int:
        """Earlier steps that the block looks back to, (k - 1) d."""
        return (self.kernel_size - 1) * self.dilation

    def build(self, input_shape):
        """Builds the products for [B, T, F]."""
        self.leave = keras.layers.Dense(input_shape[-1], dtype=self.dtype_policy)
        build_chain([self.enter], input_shape)
        build_chain(
            [self.convolve, self.leave], (None, None, self.kernel_size * self.inner_filters)
        )

    def call(self, x):
        """[B, T, F] -> [B, T, F]."""
        return self._output(x, causal_taps(self.enter(x), self.kernel_size, self.dilation))

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def begin(self, batch):
        """The last (k - 1) d inner activations before the first step, zeros [B, (k-1) d, I]."""
        return tf.zeros([batch, self.past, self.inner_filters], self.compute_dtype)

    def step(self, cache, x):
        """cache, x [B, F] -> y [B, F], cache."""
        x = x[:, None]
        window = tf.concat([cache, self.enter(x)], 1)
        taps = window[:, :: self.dilation]
        taps = tf.reshape(taps, [-1, 1, self.kernel_size * self.inner_filters])
        return self._output(x, taps)[:, 0], window[:, 1:]

    def _output(self, x, taps):
        return tf.nn.relu(x + self.leave(self.convolve(taps)))


@keras.saving.register_keras_serializable(package="tfvae")
class DilatedCNN(Configured, keras.layers.Layer):
    """features = block_n(... block_1(W inputs + b)), `DilatedBlock`s of the given dilations.

    Feature t sees the inputs t - R + 1 ... t, R = `receptive_field`. z comes with the inputs alone.
    Yang, Hu, Salakhutdinov and Berg-Kirkpatrick, "Improved Variational Autoencoders for Text
    Modeling using Dilated Convolutions", ICML 2017, section 3.3: SCNN (1, 2, 4), MCNN
    (1, 2, 4, 8, 16), LCNN and VLCNN twice and three times the latter.

    Args:
        filters: F.
        inner_filters: I.
        dilations: one for each block.
        kernel_size: k.
    """

    def __init__(
        self,
        filters: int = 1024,
        inner_filters: int = 512,
        dilations: Sequence[int] = (1, 2, 4),
        kernel_size: int = 3,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.inner_filters = inner_filters
        self.dilations = tuple(dilations)
        self.kernel_size = kernel_size
        self.enter = keras.layers.Dense(filters, dtype=self.dtype_policy)
        self.blocks = [
            DilatedBlock(inner_filters, dilation, kernel_size, dtype=self.dtype_policy)
            for dilation in self.dilations
        ]

    @property
    def output_width(self) -> int:
        """F."""
        return self.filters

    @property
    def receptive_field(self) -> int:
        """R = 1 + (k - 1) sum_i d_i, in steps, this one included."""
        return 1 + (self.kernel_size - 1) * sum(self.dilations)

    def build(self, inputs_shape, z_shape):
        """Builds the blocks for inputs [B, T, E]."""
        del z_shape
        build_chain([self.enter, *self.blocks], inputs_shape)

    def call(self, inputs, z):
        """[B, T, E] -> [B, T, F]; z [B, Z] is not looked at."""
        x = self.enter(inputs)
        for block in self.blocks:
            x = block(x)
        return x

    def begin(self, z, length: int):
        """The blocks' caches before the first step."""
        del length
        return tuple(block.begin(ops.shape(z)[0]) for block in self.blocks)

    def step(self, state, inputs, t):
        """inputs [B, E] of step t -> features [B, F], the next state."""
        del t
        x, caches = self.enter(inputs), []
        for block, cache in zip(self.blocks, state):
            x, cache = block.step(cache, x)
            caches.append(cache)
        return x, tuple(caches)
