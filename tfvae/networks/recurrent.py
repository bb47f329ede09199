"""A recurrent causal network over time.

Legend: B batch, T time, E width of the inputs, Z width of the flattened latents, F = units.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from tfvae.checks import one_of
from tfvae.configured import Configured

__all__ = ["LSTMNetwork", "lstm", "uniform"]


def uniform(scale: float | None, otherwise: str):
    """A new initialiser: U(-scale, scale), or Keras's `otherwise` where scale is None.

    One for each weight: an initialiser without a seed returns the same values every time.
    """
    if scale is None:
        return keras.initializers.get(otherwise)
    return keras.initializers.RandomUniform(-scale, scale)


def _sum_of_two(scale: float):
    """u + u', both ~ U(-scale, scale)."""
    first, second = uniform(scale, "zeros"), uniform(scale, "zeros")
    return lambda shape, dtype=None: first(shape, dtype) + second(shape, dtype)


def lstm(units: int, scale: float | None, use_cudnn, policy) -> keras.layers.LSTM:
    """The LSTM of the text models: all states, and no forget bias of one (as in PyTorch).

    The released codes have PyTorch's two biases, which add up; the one here starts as their sum.
    """
    if policy.compute_dtype == "bfloat16":
        use_cudnn = False  # it has no such kernel, and Keras does not ask
    return keras.layers.LSTM(
        units,
        return_sequences=True,
        unit_forget_bias=False,
        kernel_initializer=uniform(scale, "glorot_uniform"),
        recurrent_initializer=uniform(scale, "orthogonal"),
        bias_initializer="zeros" if scale is None else _sum_of_two(scale),
        use_cudnn=use_cudnn,
        dtype=policy,
    )


@keras.saving.register_keras_serializable(package="tfvae")
class LSTMNetwork(Configured, keras.layers.Layer):
    """h_t, c_t = LSTM(inputs_t, h_{t-1}, c_{t-1}); the features are h_t. The first state:

        "tanh"    c = W z,  h = tanh(c)     He et al. 2019
        "linear"  h = W z + b,  c = 0       Kim et al. 2018
        "zero"    h = c = 0                 a language model

    He, Spokoyny, Neubig and Berg-Kirkpatrick, "Lagging Inference Networks and Posterior Collapse in
    Variational Autoencoders", ICLR 2019; Kim, Wiseman, Miller, Sontag and Rush, "Semi-Amortized
    Variational Autoencoders", ICML 2018 (both as released). An empty z means "zero".

    Args:
        units: F.
        initial_state: "tanh", "linear" or "zero".
        initial_scale: s for all weights ~ U(-s, s) (the LSTM's bias: a sum of two such numbers);
            None for Keras's defaults.
        use_cudnn: "auto" takes cuDNN's fused kernel on a GPU. It has no second derivative: a
            procedure that differentiates twice (SA-VAE) wants False.
    """

    def __init__(
        self,
        units: int,
        initial_state: str = "tanh",
        initial_scale: float | None = None,
        use_cudnn: bool | str = "auto",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.initial_state = one_of("initial_state", initial_state, ("tanh", "linear", "zero"))
        self.initial_scale = initial_scale
        self.use_cudnn = use_cudnn
        self.lstm = lstm(units, initial_scale, use_cudnn, self.dtype_policy)
        self.first = None

    @property
    def output_width(self) -> int:
        """F."""
        return self.units

    def build(self, inputs_shape, z_shape):
        """Builds the weights for inputs [B, T, E] and latents [B, Z]."""
        if not self.lstm.built:
            self.lstm.build(inputs_shape)
        if self.initial_state != "zero" and z_shape[-1] and self.first is None:
            self.first = keras.layers.Dense(
                self.units,
                use_bias=self.initial_state == "linear",
                kernel_initializer=uniform(self.initial_scale, "glorot_uniform"),
                bias_initializer=uniform(self.initial_scale, "zeros"),
                dtype=self.dtype_policy,
            )
            self.first.build(z_shape)

    def call(self, inputs, z):
        """[B, T, E], [B, Z] -> [B, T, F]."""
        return self.lstm(inputs, initial_state=list(self._first_state(z)))

    def begin(self, z, length: int):
        """The state before the first step: (h, c), each [B, F]."""
        del length
        return self._first_state(z)

    def step(self, state, inputs, t):
        """inputs [B, E] of step t -> features [B, F], the next state."""
        del t
        h, (h, c) = self.lstm.cell(inputs, list(state))
        return h, (h, c)

    def _first_state(self, z):
        zeros = tf.zeros([ops.shape(z)[0], self.units], self.compute_dtype)
        if self.first is None:
            return zeros, zeros
        projected = self.first(z)
        if self.initial_state == "linear":
            return projected, zeros
        return tf.tanh(projected), projected
