"""The masked autoencoder: all of D conditionals in one pass.

Legend: B batch, D numbers, P parameters of each, C width of the context, U hidden units.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfvae.configured import Configured

__all__ = ["MADE", "degrees"]


def degrees(size: int, units: Sequence[int], reverse: bool = False) -> list[np.ndarray]:
    """Of the inputs 1 ... D in their order (or the other way round), then of each hidden layer 1 ... D - 1.

    A hidden unit of degree m sees the inputs of degrees up to m. Those of a layer take turns; of a layer
    with fewer units than D - 1 they lie evenly, so that the last inputs are seen too.
    """
    inputs = np.arange(1, size + 1)
    most = max(1, size - 1)
    found = [inputs[::-1] if reverse else inputs]
    for count in units:
        turns = 1 + np.arange(count) % most
        even = np.round(np.linspace(1, most, count)).astype(int)
        found.append(turns if count >= most else even)
    return found


def _masks(held: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of every kernel [inputs, outputs] the degrees (m, n): it keeps where m < n."""
    hidden = [(below, above + 1) for below, above in zip(held, held[1:])]
    return [*hidden, (held[-1], held[0])]


@keras.saving.register_keras_serializable(package="tfvae")
class MADE(Configured, keras.layers.Layer):
    """out_i = f_i(x_1 ... x_{i-1}, c):  h = act(W x + A c + a), ...,  out = V h + C c + b, W and V masked.

    Germain, Gregor, Murray and Larochelle 2015. V, b and C are 0 at first, and so is what comes out.

    Args:
        units: widths of the hidden layers; without any out_i is linear in x.
        parameter_size: P.
        reverse: the order is x_D ... x_1.
        activation: of the hidden layers, a Keras activation's name.
    """

    def __init__(
        self,
        units: Sequence[int],
        parameter_size: int = 2,
        reverse: bool = False,
        activation: str = "relu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = tuple(units)
        self.parameter_size = parameter_size
        self.reverse = reverse
        self.activation = activation
        self._act = keras.activations.get(activation)

    def build(self, x_shape, context_shape=None):
        """Of x [B, D], and of c [B, C] where there is one."""
        size = int(x_shape[-1])
        self._masks = _masks(degrees(size, self.units, self.reverse))
        below, own = self._masks[-1]  # the parameters of a number lie beside each other
        self._masks[-1] = below, np.repeat(own, self.parameter_size)
        self.kernels, self.biases = [], []
        for number, (below, above) in enumerate(self._masks):
            start = "zeros" if number == len(self.units) else "glorot_uniform"
            shape = (len(below), len(above))
            self.kernels.append(self._weight(f"kernel_{number}", shape, start))
            self.biases.append(self._weight(f"bias_{number}", shape[1:], "zeros"))
        self.told = []
        if context_shape is not None:
            width = int(context_shape[-1])
            if self.units:
                self.told.append(self._weight("told", (width, self.units[0]), "glorot_uniform"))
            self.told.append(self._weight("told_last", (width, len(self._masks[-1][1])), "zeros"))
        self.built = True

    def _weight(self, name, shape, initializer):
        return self.add_weight(name=name, shape=shape, initializer=initializer)

    def call(self, x, context=None):
        """[B, D] (and [B, C]) -> [B, D, P]."""
        h, last = x, len(self.units)
        for number, mask in enumerate(self._masks):
            h = self._product(h, self.kernels[number], mask) + self._cast(self.biases[number])
            if context is not None and number in (0, last):
                h += self._product(context, self.told[-1 if number == last else 0])
            if number < last:
                h = self._act(h)
        return tf.reshape(h, [-1, x.shape[-1], self.parameter_size])

    def _product(self, x, kernel, mask=None):
        kernel = self._cast(kernel)
        if mask is not None:  # made of degrees: a graph would hold each as large as its kernel
            below, above = mask
            kernel *= tf.cast(tf.constant(below)[:, None] < tf.constant(above)[None], kernel.dtype)
        return tf.matmul(x, kernel)

    def _cast(self, weight):
        return tf.cast(tf.convert_to_tensor(weight), self.compute_dtype)
