"""An autoregressive density over the numbers of z: dilated causal convolutions along the positions.

Legend: B batch, n positions, D channels.
"""

from __future__ import annotations

import dataclasses

import keras
import tensorflow as tf

from tfvae.latents.priors.learned import JointPart, LearnedPart, components, layers, width
from tfvae.latents.priors.sequential import SequentialPrior, shifted
from tfvae.parts import facts, part

__all__ = ["AutoregressivePrior", "DilatedPast"]


@keras.saving.register_keras_serializable(package="tfvae")
class AutoregressivePrior(SequentialPrior):
    """Features of z_<t by dilated convolutions of width 2 with residual connections.

    Razavi et al., ICLR 2019, section 2.3 (the auxiliary prior).

    Args:
        base: the prior of the first stage, see `LearnedPrior`.
        filters: width of the causal network.
        num_layers: its depth; dilations 1, 2, 4, ... (it sees 2^num_layers positions).
        num_components: M.
    """

    def __init__(
        self, base, filters: int = 64, num_layers: int = 6, num_components: int = 5, **kwargs
    ):
        super().__init__(base, num_components, **kwargs)
        self.filters = filters
        self.num_layers = num_layers
        self.first = keras.layers.Dense(filters, dtype="float32", name="first")
        self.convolutions = [
            keras.layers.Conv1D(
                2 * filters,
                2,
                padding="causal",
                dilation_rate=2**i,
                dtype="float32",
                name=f"causal_{i}",
            )
            for i in range(num_layers)
        ]
        self.projections = [
            keras.layers.Dense(
                filters, kernel_initializer="zeros", dtype="float32", name=f"out_{i}"
            )
            for i in range(num_layers)
        ]

    def build_network(self, shape):
        inner = (*shape[:2], self.filters)
        self.first.build((*shape[:2], shape[2] + 1))
        for layer in (*self.convolutions, *self.projections):
            layer.build(inner)
        return inner

    def features(self, z):
        hidden = self.first(shifted(z))
        for convolution, projection in zip(self.convolutions, self.projections):
            values, gates = tf.split(convolution(tf.nn.elu(hidden)), 2, -1)
            hidden += projection(tf.tanh(values) * tf.sigmoid(gates))
        return tf.nn.elu(hidden)

    def get_config(self):
        own = {"filters": self.filters, "num_layers": self.num_layers}
        return {**super().get_config(), **own}


@dataclasses.dataclass(frozen=True)
class DilatedPast(LearnedPart):
    """See `Autoregressive`."""

    prior_filters: int = width()
    prior_layers: int = layers()
    prior_components: int = components()

    def over(self, context, base):
        del context
        sizes = self.prior_filters, self.prior_layers, self.prior_components
        return AutoregressivePrior(base, *sizes)


@part
class Autoregressive(DilatedPast, JointPart):
    """Each position given those before it, by dilated convolutions (Razavi et al. 2019)."""

    name = "autoregressive"
    needs = facts("density")
