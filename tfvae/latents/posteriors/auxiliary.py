"""A posterior with a form of its own: a Gaussian whose parameters are drawn first.

    a ~ q(a|x),   z ~ q(z|a, x),   q(z|x) = int q(z|a, x) q(a|x) da

Legend: B batch, F features, n positions, D latent width, A width of the auxiliary variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from tfvae.checks import count
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posterior import DrawnPosterior
from tfvae.latents.posteriors.gaussian import GaussianPosterior
from tfvae.latents.shapes import check_features
from tfvae.parts import facts, part, setting
from tfvae.randomness import fold

__all__ = ["AuxiliaryGaussian", "AuxiliaryPosterior"]

_OF_A = 0xA0C  # the noise of a, apart from that of z


class AuxiliaryGaussian(NamedTuple):
    """Of each example: mean and log-variance of a, [B, ..., A]; what is told of x, [B, ..., F]."""

    mean: tf.Tensor
    log_variance: tf.Tensor
    features: tf.Tensor


@keras.saving.register_keras_serializable(package="tfvae")
class AuxiliaryPosterior(DrawnPosterior):
    """q(a|x), q(z|a, x) and r(a|x, z), each a diagonal Gaussian of a network.

    What stands for log q(z|x) at a draw is

        log q(a|x) + log q(z|a, x) - log r(a|x, z)

    (Maaloe, Sonderby, Sonderby and Winther 2016, eq. 2 to 4, where r is p(a|x, z); Ranganath, Tran and Blei
    2016). The mean of exp of minus that over q(a|x, z) is 1 / q(z|x), so importance weights are right; the
    bound lies below log p(x) by KL(q(z|x) || p(z|x)) + E KL(q(a|x, z) || r(a|x, z)). The rate is a draw's, in
    one group. Between two positions of a sequence nothing passes.

    Args:
        event_shape: `(D,)` or `(n, D)`, as of the features.
        width: A.
        units: of the hidden layers of q(z|a, x) and of r; none makes both linear.
        activation: of these.

    Raises:
        UserError: a width that is none.
    """

    def __init__(
        self,
        event_shape,
        width: int = 32,
        units: Sequence[int] = (64,),
        activation: str = "relu",
        **kwargs,
    ):
        super().__init__(event_shape, **kwargs)
        self.width = count("width of an auxiliary variable", width)
        self.units, self.activation = tuple(units), activation
        shape = (*self.event_shape[:-1], self.width)
        self.auxiliary = GaussianPosterior(shape, name="auxiliary")
        self.given = GaussianPosterior(self.event_shape, name="given")
        self.reverse = GaussianPosterior(shape, name="reverse")
        self.given_layers, self.reverse_layers = self._hidden("given"), self._hidden("reverse")

    def _hidden(self, name):
        return [
            keras.layers.Dense(u, self.activation, dtype="float32", name=f"{name}_{i}")
            for i, u in enumerate(self.units)
        ]

    def build(self, features_shape):
        check_features(type(self).__name__, self.event_shape, features_shape)
        *rows, features = features_shape
        if not self.auxiliary.built:
            self.auxiliary.build(features_shape)
        for head, layers, beside in (
            (self.given, self.given_layers, self.width),
            (self.reverse, self.reverse_layers, self.event_shape[-1]),
        ):
            size = features + beside
            for layer in layers:
                if not layer.built:
                    layer.build((*rows, size))
                size = layer.units
            if not head.built:
                head.build((*rows, size))
        self.built = True

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """(mean of a, log-variance of a, features), float32."""
        return *self.auxiliary.parameters(features, pass_), tf.cast(features, tf.float32)

    def of(self, mean, log_variance, features) -> AuxiliaryGaussian:
        return AuxiliaryGaussian(mean, log_variance, features)

    def parameters_of(self, posterior) -> tuple[tf.Tensor, ...]:
        return tuple(posterior)

    def scored(self, posterior, seed):
        of_a = self.auxiliary.of(posterior.mean, posterior.log_variance)
        a = self.auxiliary.draw(of_a, fold(seed, _OF_A))
        of_z = self._of(self.given, self.given_layers, posterior.features, a)
        z = self.given.draw(of_z, seed)

        def log_posterior():
            back = self._of(self.reverse, self.reverse_layers, posterior.features, z)
            return of_a.log_prob(a) + of_z.log_prob(z) - back.log_prob(a)

        return z, log_posterior

    def code(self, posterior) -> tf.Tensor:
        """E[z|a, x] at the mean of a, [B, *event_shape]."""
        return self._of(self.given, self.given_layers, posterior.features, posterior.mean).mean()

    def _of(self, head, layers, features, beside):
        """The Gaussian of `head`, of x and of what stands beside it."""
        hidden = tf.concat([features, beside], -1)
        for layer in layers:
            hidden = layer(hidden)
        return head.distribution(hidden)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "units": self.units,
            "activation": self.activation,
        }


@part
class Auxiliary(PosteriorPart):
    """A Gaussian given an auxiliary draw, of which q(z|x) is the mixture (Maaloe et al. 2016)."""

    name = "auxiliary"
    offers = facts("z density paid_rate gradient_moves_all")
    auxiliary_width: int = setting(32, "numbers of the auxiliary variable", low=1, high=4096)
    auxiliary_units: tuple[int, ...] = setting(
        (64,), "of the hidden layers of q(z|a, x) and r(a|x, z)", low=1, high=8192, length=(1, 8)
    )

    def make(self, context):
        return AuxiliaryPosterior(context.shape, self.auxiliary_width, self.auxiliary_units)
