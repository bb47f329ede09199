"""The decoder of waveforms around a WaveNet: p(x | z) = prod_t p(x_t | x_<t, z).

Legend: B batch, T samples, n frames (T / n samples each), C width of a frame's condition, P parameters
a sample; z [B,n,D] or [B,D].
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf
from keras import ops

from tfvae.checks import UserError
from tfvae.networks.decoder import Decoder, in_one_loop, the_last
from tfvae.networks.mlp import build_chain
from tfvae.randomness import fold

__all__ = ["WaveNetDecoder"]

_COSINES = 16


@keras.saving.register_keras_serializable(package="tfvae")
class WaveNetDecoder(Decoder):
    """p(x | z) = prod_t p(x_t | x_<t, z):  parameters_t = W network(f(x_{t-1}), c)_t + b.

        f(x) = [x, cos(pi (x + 1) / 2), cos(2 pi (x + 1) / 2), ..., cos(16 pi (x + 1) / 2)]

    c = relu(K_2 * relu(K_1 * z)), convolutions over the frames to both sides (the whole of z is known
    before the first sample); the network spreads it over the samples of a frame. One vector z is first
    cut into frames, W z + b. van den Oord, Vinyals and Kavukcuoglu 2017, section 4.3; the sample before
    the first is silence.

    Waveforms are drawn sample after sample, each with the work of one sample and fold(seed, t).

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
    def sees(self) -> str:
        """The samples of a network that counts them."""
        return the_last(self.network, "samples")

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
            self.network.build((None, self.length, 1 + _COSINES), condition)
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

    def _draw(self, z, likelihood, seed, greedy, progress):
        drawn = in_one_loop(self, z, likelihood, seed, greedy)
        progress(self.length, self.length)
        return drawn

    def loop(self, z, likelihood, seed, greedy):
        """All samples in one loop."""
        batch, length = ops.shape(z)[0], self.length

        def body(t, state, before, drawn):
            parameters, state = self.step(state, before, t)
            raw = (
                likelihood.mode(parameters)
                if greedy
                else likelihood.sample(parameters, fold(seed, t))
            )
            raw = tf.cast(raw, tf.float32)
            return (
                t + 1,
                state,
                tf.cast(likelihood.preprocess(raw), tf.float32),
                drawn.write(t, raw),
            )

        drawn = tf.TensorArray(tf.float32, length, element_shape=[z.shape[0]])
        start = (0, self.begin(z), tf.zeros([batch]), drawn)
        *_, drawn = tf.while_loop(lambda t, *_: t < length, body, start, parallel_iterations=1)
        return tf.transpose(drawn.stack())
