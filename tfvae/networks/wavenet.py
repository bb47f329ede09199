"""WaveNet: a causal network over the samples of a waveform, told of frames.

Legend: B batch, T samples, n frames (T / n samples each), C width of a frame's condition, E width of
the inputs, F filters, S skip filters, k kernel size, d dilation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfvae.checks import UserError
from tfvae.configured import Configured
from tfvae.networks.masked import gate
from tfvae.networks.mlp import build_chain
from tfvae.networks.taps import causal_taps

__all__ = ["WaveNet", "WaveNetBlock"]


@keras.saving.register_keras_serializable(package="tfvae")
class WaveNetBlock(Configured, keras.layers.Layer):
    """g_t = tanh(a_t) sigmoid(b_t),  (a, b)_t = sum_i K_i x_{t-(k-1-i)d} + V c_t;  y = x + R g,  s = S g.

    van den Oord et al., "WaveNet: A Generative Model for Raw Audio", 2016, sections 2.3 to 2.5. c is
    constant over a frame, so that V c is made once a frame and not once a sample.

    Args:
        filters: F.
        skip_filters: S.
        dilation: d.
        kernel_size: k.
    """

    def __init__(
        self, filters: int, skip_filters: int, dilation: int, kernel_size: int = 2, **kwargs
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.skip_filters = skip_filters
        self.dilation = dilation
        self.kernel_size = kernel_size
        self.convolve = keras.layers.Dense(2 * filters, dtype=self.dtype_policy)
        self.tell = keras.layers.Dense(2 * filters, use_bias=False, dtype=self.dtype_policy)
        self.leave = keras.layers.Dense(filters + skip_filters, dtype=self.dtype_policy)

    @property
    def past(self) -> int:
        """Earlier steps that the block looks back to, (k - 1) d."""
        return (self.kernel_size - 1) * self.dilation

    def build(self, input_shape, condition_shape=None):
        """Builds the products for [B, T, F] and a condition [B, n, C] (or none)."""
        del input_shape
        build_chain([self.convolve], (None, None, self.kernel_size * self.filters))
        build_chain([self.leave], (None, None, self.filters))
        if condition_shape is not None:
            build_chain([self.tell], condition_shape)

    def call(self, x, condition=None):
        """[B, T, F], [B, n, C] -> y [B, T, F], s [B, T, S]."""
        mixed = self.convolve(causal_taps(x, self.kernel_size, self.dilation))
        if condition is not None:
            batch, length, frames = ops.shape(x)[0], ops.shape(x)[1], ops.shape(condition)[1]
            shape = [batch, frames, length // frames, 2 * self.filters]
            told = tf.reshape(mixed, shape) + self.tell(condition)[:, :, None]
            mixed = tf.reshape(told, [batch, length, 2 * self.filters])
        return self._output(x, mixed)

    def begin(self, batch):
        """The last (k - 1) d inputs before the first step, zeros; a ring, time first: [past, B, F]."""
        return tf.zeros([self.past, batch, self.filters], self.compute_dtype)

    def step(self, ring, x, told, t):
        """ring, x [B, F], V c [B, 2F] (or none) of step t -> y [B, F], s [B, S], ring.

        The oldest row is read and then overwritten: O(1) a step, however large the dilation.
        """
        places = [(t + i * self.dilation) % self.past for i in range(self.kernel_size - 1)]
        mixed = self.convolve(tf.concat([*(ring[place] for place in places), x], -1))
        with tf.control_dependencies([mixed]):  # once it is read, it is written to in its place
            ring = tf.tensor_scatter_nd_update(ring, [[t % self.past]], x[None])
        return *self._output(x, mixed if told is None else mixed + told), ring

    def _output(self, x, mixed):
        out, skip = tf.split(self.leave(gate(mixed)), [self.filters, self.skip_filters], -1)
        return x + out, skip


@keras.saving.register_keras_serializable(package="tfvae")
class WaveNet(Configured, keras.layers.Layer):
    """features = relu(W relu(sum_l s_l)), s_l the skip outputs of `WaveNetBlock`s over W_0 x + U c.

    Feature t sees the inputs t - R + 1 ... t, R = `receptive_field`: 1,024 for the ten dilations
    1, 2, 4 ... 512 and k = 2, 128 ms at 8 kHz.

    U is the learned upsampling of van den Oord et al. 2016, section 2.5, a transposed convolution: each
    frame of T / n samples has a row of U for each of its samples. Without it a sample does not know
    where in its frame it lies, and the frame cannot say when something happens in it.

    Args:
        filters: F.
        skip_filters: S.
        dilations: one for each block.
        kernel_size: k, at least 2.

    Raises:
        UserError: no dilation, or a kernel without a past.
    """

    def __init__(
        self,
        filters: int = 32,
        skip_filters: int = 64,
        dilations: Sequence[int] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
        kernel_size: int = 2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kernel_size < 2 or not dilations:
            raise UserError(
                "a WaveNet needs dilations and a kernel_size of at least 2, got "
                f"{tuple(dilations)} and {kernel_size}"
            )
        self.filters = filters
        self.skip_filters = skip_filters
        self.dilations = tuple(dilations)
        self.kernel_size = kernel_size
        self.enter = keras.layers.Dense(filters, dtype=self.dtype_policy)
        self.upsample: Any = None  # its width follows from the frames
        self.blocks = [
            WaveNetBlock(filters, skip_filters, dilation, kernel_size, dtype=self.dtype_policy)
            for dilation in self.dilations
        ]
        self.leave = keras.layers.Dense(skip_filters, "relu", dtype=self.dtype_policy)

    @property
    def output_width(self) -> int:
        """S."""
        return self.skip_filters

    @property
    def receptive_field(self) -> int:
        """R = 1 + (k - 1) sum_l d_l, in samples, this one included."""
        return 1 + (self.kernel_size - 1) * sum(self.dilations)

    def build(self, inputs_shape, condition_shape=None):
        """Builds the blocks for inputs [B, T, E] and a condition [B, n, C] (or none).

        Raises:
            UserError: a condition whose n is unknown or no divisor of T.
        """
        shape = build_chain([self.enter], inputs_shape)
        if condition_shape is not None:
            length, frames = inputs_shape[1], condition_shape[1]
            if not length or not frames or length % frames:
                raise UserError(
                    f"a told WaveNet needs frames that divide its samples, got {frames} and {length}"
                )
            width = length // frames * self.filters
            if self.upsample is None:
                self.upsample = keras.layers.Dense(width, use_bias=False, dtype=self.dtype_policy)
            build_chain([self.upsample], condition_shape)
        for block in self.blocks:
            if not block.built:
                block.build(shape, condition_shape)
        build_chain([self.leave], (None, None, self.skip_filters))

    def call(self, inputs, condition=None):
        """[B, T, E], [B, n, C] with n a divisor of T -> [B, T, S]."""
        x, skips = self.enter(inputs), []
        if condition is not None:
            x += tf.reshape(self.upsample(condition), tf.shape(x))
        for block in self.blocks:
            x, skip = block(x, condition)
            skips.append(skip)
        return self.leave(tf.nn.relu(tf.add_n(skips)))

    def begin(self, batch, condition=None):
        """(U c and the blocks' V c at each frame, frames first, or nothing; the blocks' rings)."""
        told = ()
        if condition is not None:
            told = (self.upsample, *(block.tell for block in self.blocks))
            told = tuple(tf.transpose(tell(condition), [1, 0, 2]) for tell in told)
        return told, tuple(block.begin(batch) for block in self.blocks)

    def step(self, state, inputs, t, frame):
        """inputs [B, E] of step t, which lies in `frame` -> features [B, S], the next state."""
        told, rings = state
        x, skips, new = self.enter(inputs), [], []
        block_told = [None] * len(rings)
        if told:
            samples, *block_told = (rows[frame] for rows in told)
            samples = tf.reshape(samples, [tf.shape(x)[0], -1, self.filters])
            x += samples[:, t % tf.shape(samples)[1]]
        for block, ring, here in zip(self.blocks, rings, block_told):
            x, skip, ring = block.step(ring, x, here, t)
            skips.append(skip)
            new.append(ring)
        return self.leave(tf.nn.relu(tf.add_n(skips))), (told, tuple(new))
