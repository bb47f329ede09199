"""WaveNet: a causal network over the samples of a waveform, told of frames, and the decoder around it.

Legend: B batch, T samples, n frames (T / n samples each), C width of a frame's condition, E width of
the inputs, F filters, S skip filters, P parameters a sample, k kernel size, d dilation; z [B,n,D] or
[B,D].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf
from keras import ops

from tfvae.checks import UserError
from tfvae.networks.masked import gate
from tfvae.networks.mlp import build_chain
from tfvae.networks.taps import causal_taps
from tfvae.randomness import fold

__all__ = ["WaveNet", "WaveNetBlock", "WaveNetDecoder"]

_COSINES = 16


@keras.saving.register_keras_serializable(package="tfvae")
class WaveNetBlock(keras.layers.Layer):
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
        out = self.leave(gate(mixed))
        return x + out[..., : self.filters], out[..., self.filters :]

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "skip_filters": self.skip_filters,
            "dilation": self.dilation,
            "kernel_size": self.kernel_size,
        }


@keras.saving.register_keras_serializable(package="tfvae")
class WaveNet(keras.layers.Layer):
    """features = relu(W relu(sum_l s_l)), s_l the skip outputs of `WaveNetBlock`s over W_0 x.

    Feature t sees the inputs t - R + 1 ... t, R = `receptive_field`: 1,024 for the ten dilations
    1, 2, 4 ... 512 and k = 2, 128 ms at 8 kHz.

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
        """Builds the blocks for inputs [B, T, E] and a condition [B, n, C] (or none)."""
        shape = build_chain([self.enter], inputs_shape)
        for block in self.blocks:
            if not block.built:
                block.build(shape, condition_shape)
        build_chain([self.leave], (None, None, self.skip_filters))

    def call(self, inputs, condition=None):
        """[B, T, E], [B, n, C] with n a divisor of T -> [B, T, S]."""
        x, skips = self.enter(inputs), []
        for block in self.blocks:
            x, skip = block(x, condition)
            skips.append(skip)
        return self.leave(tf.nn.relu(tf.add_n(skips)))

    def begin(self, batch, condition=None):
        """(the blocks' V c at each frame, [n, B, 2F] each, or nothing; the blocks' rings)."""
        told = () if condition is None else tuple(block.tell(condition) for block in self.blocks)
        told = tuple(tf.transpose(frames, [1, 0, 2]) for frames in told)
        return told, tuple(block.begin(batch) for block in self.blocks)

    def step(self, state, inputs, t, frame):
        """inputs [B, E] of step t, which lies in `frame` -> features [B, S], the next state."""
        told, rings = state
        x, skips, new = self.enter(inputs), [], []
        for i, (block, ring) in enumerate(zip(self.blocks, rings)):
            x, skip, ring = block.step(ring, x, told[i][frame] if told else None, t)
            skips.append(skip)
            new.append(ring)
        return self.leave(tf.nn.relu(tf.add_n(skips))), (told, tuple(new))

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "skip_filters": self.skip_filters,
            "dilations": self.dilations,
            "kernel_size": self.kernel_size,
        }


@keras.saving.register_keras_serializable(package="tfvae")
class WaveNetDecoder(keras.layers.Layer):
    """p(x | z) = prod_t p(x_t | x_<t, z):  parameters_t = W network(f(x_{t-1}), c)_t + b.

        f(x) = [x, cos(pi (x + 1) / 2), cos(2 pi (x + 1) / 2), ..., cos(16 pi (x + 1) / 2)]

    c = relu(K_2 * relu(K_1 * z)), convolutions over the frames to both sides (the whole of z is known
    before the first sample), repeated over the samples of a frame. One vector z is first cut into
    frames, W z + b. van den Oord, Vinyals and Kavukcuoglu 2017, section 4.3; the sample before the
    first is silence.

    Args:
        length: T.
        network: a `WaveNet`.
        parameter_size: P, the likelihood's.
        frames: n of the condition; a divisor of T.
        condition_filters: C.

    Raises:
        UserError: the frames do not divide the length.
    """

    def __init__(
        self,
        length: int,
        network: keras.layers.Layer,
        parameter_size: int,
        frames: int,
        condition_filters: int = 64,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if length % frames:
            raise UserError(f"frames must divide the length {length}, got {frames}")
        self.length = length
        self.network = network
        self.parameter_size = parameter_size
        self.frames = frames
        self.condition_filters = condition_filters
        policy = {"dtype": self.dtype_policy}
        self.cut = keras.layers.Dense(frames * condition_filters, **policy)
        self.mix = [
            keras.layers.Conv1D(condition_filters, 3, padding="same", activation="relu", **policy)
            for _ in range(2)
        ]
        # Parameters of a likelihood are never computed in half precision.
        self.output_layer = keras.layers.Dense(
            parameter_size, dtype="float64" if self.compute_dtype == "float64" else "float32"
        )

    @property
    def data_shape(self) -> tuple[int]:
        """(T,)."""
        return (self.length,)

    def build(self, z_shape, x_shape=None):
        """Builds the layers for latents [B, D] (D = 0: none) or [B, n, D], and waveforms [B, T].

        Raises:
            UserError: a latent of other frames, a waveform of another length.
        """
        if x_shape is not None and x_shape[1] != self.length:
            raise UserError(f"x must be waveforms of {self.length} samples, got {x_shape[1]}")
        if len(z_shape) == 3 and z_shape[1] != self.frames:
            raise UserError(f"z must have {self.frames} frames, got {z_shape[1]}")
        condition = None
        if z_shape[-1]:
            if len(z_shape) == 2:
                build_chain([self.cut], z_shape)
                z_shape = (None, self.frames, self.condition_filters)
            build_chain(self.mix, z_shape)
            condition = (None, self.frames, self.condition_filters)
        if not self.network.built:
            self.network.build((None, None, 1 + _COSINES), condition)
        if not self.output_layer.built:
            self.output_layer.build((None, None, self.network.output_width))

    def call(self, z, x, seed=None):
        """z, x [B, T] in [-1, 1] -> parameters [B, T, P] of x_t given x_<t; there is no noise to seed."""
        del seed
        before = tf.pad(x[:, :-1], [[0, 0], [1, 0]])
        return self.output_layer(self.network(self._seen(before), self._condition(z)))

    def _seen(self, x):
        """f: the smooth part of what a one-hot sample would tell, [...] -> [..., 17]."""
        x = tf.cast(x, self.output_layer.compute_dtype)[..., None]
        waves = tf.range(1, _COSINES + 1, dtype=x.dtype)
        seen = tf.concat([x, tf.cos(math.pi / 2.0 * waves * (x + 1.0))], -1)
        return tf.cast(seen, self.compute_dtype)

    def _condition(self, z):
        """[B, n, C]; None for a z without numbers."""
        if z.shape[-1] == 0:
            return None
        c = tf.cast(z, self.compute_dtype)
        if z.shape.rank == 2:
            c = tf.reshape(self.cut(c), [-1, self.frames, self.condition_filters])
        for layer in self.mix:
            c = layer(c)
        return c

    def begin(self, z):
        """The network's state before the first sample."""
        return self.network.begin(ops.shape(z)[0], self._condition(z))

    def step(self, state, before, t):
        """The preprocessed sample [B] before step t -> parameters [B, P] of step t, the next state."""
        frame = t // (self.length // self.frames)
        features, state = self.network.step(state, self._seen(before), t, frame)
        return self.output_layer(features), state

    def generate(
        self,
        z,
        likelihood,
        seed,
        greedy: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ):
        """Draws x ~ p(x | z), sample after sample, each with the work of one sample.

        Args:
            z: the latents, [B, ...].
            likelihood: what draws a sample from its parameters.
            seed: [2] int32; sample t is drawn with fold(seed, t).
            greedy: take each sample's mode, given the modes before it.
            progress: called with (T, T) at the end; only outside of a `tf.function`.

        Returns:
            Waveforms in raw units [B, T] float32.
        """
        z = tf.convert_to_tensor(z)
        if not self.built:
            self.build(z.shape)
        if not tf.executing_eagerly():
            return _generate(self, likelihood, z, seed, greedy)
        drawn = _compiled_generate(self, likelihood, z, seed, greedy)
        if progress is not None:
            progress(self.length, self.length)
        return drawn

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "length": self.length,
            "network": keras.saving.serialize_keras_object(self.network),
            "parameter_size": self.parameter_size,
            "frames": self.frames,
            "condition_filters": self.condition_filters,
        }

    @classmethod
    def from_config(cls, config):
        """The layer of a `get_config`."""
        network = keras.saving.deserialize_keras_object(config["network"])
        return cls(**{**config, "network": network})


def _generate(decoder, likelihood, z, seed, greedy):
    """All samples in one loop."""
    batch, length = ops.shape(z)[0], decoder.length

    def body(t, state, before, drawn):
        parameters, state = decoder.step(state, before, t)
        raw = (
            likelihood.mode(parameters) if greedy else likelihood.sample(parameters, fold(seed, t))
        )
        raw = tf.cast(raw, tf.float32)
        return t + 1, state, tf.cast(likelihood.preprocess(raw), tf.float32), drawn.write(t, raw)

    drawn = tf.TensorArray(tf.float32, length, element_shape=[z.shape[0]])
    start = (0, decoder.begin(z), tf.zeros([batch]), drawn)
    *_, drawn = tf.while_loop(lambda t, *_: t < length, body, start, parallel_iterations=1)
    return tf.transpose(drawn.stack())


# One compiled loop serves all decoders; a module's function keeps only weak references to them,
# where an attribute would travel into every export.
_compiled_generate = tf.function(_generate, autograph=False)
