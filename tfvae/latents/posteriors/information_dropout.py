"""Information dropout: the code is the encoder's last activation, times noise whose size depends on x.

    z = f(x) e,   e = exp(alpha(x) n),   n ~ N(0, 1)
    alpha(x) = 0.001 + alpha_max sigmoid(g(x)),   f = softplus or ReLU of linear(features)

Achille and Soatto 2018. It stands on any encoder; to measure and to encode the noise is off.

Legend: B batch, F features.
"""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import one_of, positive
from tfvae.distributions import Multiplied
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posterior import Posterior
from tfvae.latents.shapes import check_features
from tfvae.multiplicative import ACTIVATIONS, LEAST_NOISE, multiplied, noise_of, size_of
from tfvae.parts import facts, part, setting

tfd = tfp.distributions

__all__ = ["InformationDropoutPosterior"]


@keras.saving.register_keras_serializable(package="tfvae")
class InformationDropoutPosterior(Posterior):
    """q(z|x) = law of f(x) exp(alpha(x) n), each number by itself (`tfvae.distributions.Multiplied`).

    With softplus, f is at least 1e-4 as released, and goes with a `LogNormalPrior`; with ReLU, f may be 0,
    which is what the `LogUniformPrior` has its mass point for.

    Args:
        event_shape: of one z.
        max_noise: alpha_max. Without such a bound the cost under the log-uniform prior has no least value.
        activation: of f.

    Raises:
        UserError: another activation; a bound that is not above 0.
    """

    confined_to = "of positive numbers"

    def __init__(self, event_shape, max_noise: float = 0.7, activation: str = "softplus", **kwargs):
        super().__init__(event_shape, **kwargs)
        self.max_noise = float(positive("max_noise of a posterior", max_noise))
        self.activation = one_of("activation of a posterior", activation, ACTIVATIONS)
        width = self.event_shape[-1]
        self.size_head, self.noise_head = (
            keras.layers.Dense(width, dtype="float32", name=name) for name in ("size", "noise")
        )

    @property
    def positive(self) -> bool:
        """A ReLU may be 0."""
        return self.activation == "softplus"

    def build(self, features_shape):
        check_features(type(self).__name__, self.event_shape, features_shape)
        for head in (self.size_head, self.noise_head):
            if not head.built:
                head.build(features_shape)
        self.built = True

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, tf.Tensor]:
        """(what f is the activation of, g), each [B, *event_shape], float32."""
        features = tf.cast(features, tf.float32)
        return self.size_head(features), self.noise_head(features)

    def of(self, raw, noise) -> tfd.Distribution:
        """q with these parameters."""
        each = Multiplied(size_of(raw, self.activation), noise_of(noise, self.max_noise))
        return tfd.Independent(each, len(self.event_shape))

    def parameters_of(self, posterior) -> tuple[tf.Tensor, tf.Tensor]:
        """Some parameters of it: a ReLU has forgotten what was below 0."""
        each = posterior.distribution
        share = tf.clip_by_value((each.noise - LEAST_NOISE) / self.max_noise, 1e-6, 1.0 - 1e-6)
        raw = each.size if self.activation == "relu" else tfp.math.softplus_inverse(each.size)
        return raw, tf.math.log(share) - tf.math.log1p(-share)

    def draw(self, posterior, seed) -> tf.Tensor:
        """z [B, *event_shape]; the noise belongs to the example, whatever the number of replicas."""
        return multiplied(posterior.distribution.size, posterior.distribution.noise, seed)

    def code(self, posterior) -> tf.Tensor:
        """f(x): the noise is off."""
        return posterior.distribution.size

    def get_config(self):
        return {
            **super().get_config(),
            "max_noise": self.max_noise,
            "activation": self.activation,
        }


@part
class InformationDropout(PosteriorPart):
    """f(x) times log-normal noise whose size depends on x (information dropout)."""

    name = "information_dropout"
    offers = facts("z density density_of_every_z multiplied paid_rate gradient_moves_all")
    max_noise: float = setting(0.7, "alpha_max", low=1e-3, high=10.0)
    code_activation: str = setting(
        "softplus",
        "of f: softplus, under prior=log_normal; relu, under prior=log_uniform (a cost, and no density)",
        choices=ACTIVATIONS,
    )

    def needed(self):
        return self.needs | facts("log_uniform" if self.code_activation == "relu" else "log_normal")

    def make(self, context):
        return InformationDropoutPosterior(context.shape, self.max_noise, self.code_activation)
