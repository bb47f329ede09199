"""Information dropout within an encoder: layers whose noise grows where x tells nothing that is asked for.

    z = f(h) exp(alpha(h) n),   n ~ N(0, 1),   alpha(h) = 0.001 + alpha_max sigmoid(h V + c)
    f = ReLU or softplus of h W + b;   outside of training z = f(h)

Achille and Soatto 2018. `tfvae.latents.InformationDropoutPosterior` is the same layer as the model's code.

Legend: B batch, F features; `...` the places of a map, or none.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from tfvae.checks import UserError, one_of, positive
from tfvae.configured import Configured
from tfvae.multiplicative import (
    ACTIVATIONS,
    log_normal_cost,
    log_scale_of,
    log_uniform_cost,
    multiplied,
    noise_of,
    size_of,
)
from tfvae.networks.mlp import build_chain

__all__ = ["CHARGED", "InformationDropout", "NoisyEncoder"]

CHARGED = ("alive", "all")
"""Which numbers of a ReLU may pay."""

COST = "noise_cost"
"""What the costs are called in `Draw.aux`, `<layer>/noise_cost`."""


@keras.saving.register_keras_serializable(package="tfvae")
class InformationDropout(Configured, keras.layers.Layer):
    """z = f(h) exp(alpha(h) n), and what it costs an example.

    With ReLU the cost is ln((0.001 + alpha_max) / alpha) of each number that is above 0, 0 at the most noise:
    that of a log-uniform p(z), up to a constant. With softplus it is KL(N(ln f, alpha^2) || N(mu, sigma^2)),
    the divergence to a log-normal whose mu and ln sigma are learned, two numbers for the whole layer.

    Args:
        units: numbers of z, at each place of a map.
        max_noise: alpha_max. Without such a bound the cost of a ReLU has no least value.
        activation: of f, `relu` or `softplus`.
        charged: of a ReLU: `alive`, or `all`, so that the noise of numbers at 0 grows, too, as released.

    Raises:
        UserError: another activation; a bound that is not above 0; a softplus, which is never at 0, and
            `all`.
    """

    def __init__(
        self,
        units: int,
        max_noise: float = 0.7,
        activation: str = "relu",
        charged: str = "alive",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.max_noise = float(positive("max_noise of information dropout", max_noise))
        self.activation = one_of("activation of information dropout", activation, ACTIVATIONS)
        self.charged = one_of("charged of information dropout", charged, CHARGED)
        if charged == "all" and activation != "relu":
            raise UserError("charged='all' is of numbers at 0, and a softplus has none")
        self.size_head, self.noise_head = (
            keras.layers.Dense(units, dtype=self.dtype_policy, name=name)
            for name in ("size", "noise")
        )

    def build(self, input_shape):
        """Builds the layer for h [B, ..., F]."""
        for head in (self.size_head, self.noise_head):
            if not head.built:
                head.build(input_shape)
        if self.activation == "softplus" and not self.built:
            self.loc, self.log_scale = (
                self.add_weight(name=n, initializer="zeros", dtype="float32", autocast=False)
                for n in ("loc", "log_scale")
            )
        self.built = True

    def compute_output_shape(self, input_shape):
        """[B, ..., units]."""
        return (*input_shape[:-1], self.units)

    def size_and_noise(self, h) -> tuple[tf.Tensor, tf.Tensor]:
        """f(h) and alpha(h), [B, ..., units] each, float32 under every precision."""
        raw, noise = (tf.cast(head(h), tf.float32) for head in (self.size_head, self.noise_head))
        return size_of(raw, self.activation), noise_of(noise, self.max_noise)

    def with_cost(self, h, seed=None) -> tuple[tf.Tensor, tf.Tensor]:
        """z, and its cost, summed over all numbers and places of an example: [B] nats, float32.

        Args:
            h: [B, ..., F].
            seed: [2] int32 of the noise; `None`: none.
        """
        size, noise = self.size_and_noise(h)
        if self.activation == "relu":
            paying = size if self.charged == "alive" else tf.ones_like(size)
            cost = log_uniform_cost(paying, noise, log_scale_of(self.max_noise))
        else:
            cost = log_normal_cost(size, noise, *map(tf.convert_to_tensor, self.prior()))
        z = size if seed is None else multiplied(size, noise, seed)
        z = tf.saturate_cast(z, self.compute_dtype)  # a float16 has no room for a far draw
        return z, tf.reduce_sum(cost, list(range(1, cost.shape.rank)))

    def prior(self) -> list:
        """The learned mu and ln sigma under a softplus; nothing under a ReLU."""
        return [self.loc, self.log_scale] if self.activation == "softplus" else []

    def call(self, h, seed=None):
        """z, as `with_cost` has it."""
        return self.with_cost(h, seed)[0]


@keras.saving.register_keras_serializable(package="tfvae")
class NoisyEncoder(Configured, keras.layers.Layer):
    """Layers one after the other, some of them `InformationDropout`, each of these with noise of its own.

    The noise is on in training alone, and is a function of the pass' seed. A model puts what the layers cost
    into the draw, where `tfvae.objectives.noise_cost` finds it.

    Args:
        layers: of the encoder, x -> features. See `NoisyEncoder.of` for those of an encoder that there is.

    Raises:
        UserError: none of them makes noise.
    """

    takes_pass = True

    def __init__(self, layers: Sequence[keras.layers.Layer], **kwargs):
        super().__init__(**kwargs)
        self.layers = list(layers)
        if not any(isinstance(layer, InformationDropout) for layer in self.layers):
            raise UserError("a NoisyEncoder needs an InformationDropout among its layers, got none")

    @classmethod
    def of(cls, encoder, *options, **kwargs) -> NoisyEncoder:
        """The layers of a new encoder, and an `InformationDropout` as wide after each hidden one.

        Args:
            encoder: not built yet; it has `hidden()`, as `MLPEncoder` and `ResNetEncoder` do.
            *options, **kwargs: of each `InformationDropout`, after its units.

        Raises:
            UserError: it does not say its layers, or has no hidden one.
        """
        if not hasattr(encoder, "hidden"):
            raise UserError(
                f"a {type(encoder).__name__} does not say after which of its layers noise could stand"
            )
        layers, dtype = [], encoder.dtype_policy
        for layer, width in encoder.hidden():
            layers.append(layer)
            if width is not None:
                layers.append(InformationDropout(width, *options, **{"dtype": dtype, **kwargs}))
        return cls(layers, dtype=dtype)

    def build(self, input_shape):
        """Builds the layers for x [B, ...]."""
        build_chain(self.layers, input_shape)
        self.built = True

    def with_costs(self, x, pass_=None):
        """(features, {name of a cost: [B] nats}).

        Args:
            x: [B, ...].
            pass_: `tfvae.draw.Pass`; the noise is on if it says that it is of training.
        """
        noise = pass_.noise if pass_ is not None and pass_.training else lambda number: None
        costs = {}
        for number, layer in enumerate(self.layers):
            if isinstance(layer, InformationDropout):
                x, costs[f"layer_{number}/{COST}"] = layer.with_cost(x, noise(number))
            else:
                x = layer(x)
        return x, costs

    def call(self, x, pass_=None):
        """The features."""
        return self.with_costs(x, pass_)[0]
