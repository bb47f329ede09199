"""A mixture of Gaussians as the prior.

Legend: B batch, n positions, D channels, M mixture components.
"""

from __future__ import annotations

import dataclasses

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.latents.priors.learned import JointPart, LearnedPart, LearnedPrior, components
from tfvae.parts import facts, part

tfd = tfp.distributions

__all__ = ["MixtureOfGaussians", "MixturePrior"]

_STRETCH = 4.0  # bound of |ln(scale / scale of the base)|


@keras.saving.register_keras_serializable(package="tfvae")
class MixturePrior(LearnedPrior):
    """p(z) = sum_m w_m prod_j N(z_j; mu_j + f_mj, (s_j exp(g_mj))^2),  w, f and g learned.

    mu_j and s_j are the conditional of `base`: 0 and 1 of N(0, I), whose mixture is one of Gaussians with
    diagonal covariances; of an AR(1) prior mu_j looks at what is before j, and the mixture is one of such
    chains. It begins near the base. The sum is taken as log sum_m exp.

    Args:
        base: see `LearnedPrior`.
        num_components: M.
    """

    def __init__(self, base, num_components: int = 10, **kwargs):
        super().__init__(base, **kwargs)
        self.num_components = num_components

    def build(self, input_shape=None):
        del input_shape
        if not self.base.built:
            self.base.build(None)
        if not self.built:
            # float32 under every precision policy
            options = {"dtype": "float32", "autocast": False}
            shape = (self.num_components, *self.sequence)
            self.logits = self.add_weight(
                name="logits", shape=shape[:1], initializer="zeros", **options
            )
            # components must not start equal, or they would stay so
            start = keras.initializers.RandomNormal(stddev=0.1, seed=1)
            self.shift = self.add_weight(name="shift", shape=shape, initializer=start, **options)
            self.stretch = self.add_weight(
                name="stretch", shape=shape, initializer="zeros", **options
            )
        self.built = True

    def mixture(self) -> tfd.Distribution:
        """Of (z - mu) / s: batch shape [], event shape [n, D]."""
        logits, shift, stretch = map(tf.convert_to_tensor, (self.logits, self.shift, self.stretch))
        scale = tf.exp(_STRETCH * tf.tanh(stretch / _STRETCH))
        return tfd.MixtureSameFamily(
            tfd.Categorical(logits=logits), tfd.Independent(tfd.Normal(shift, scale), 2)
        )

    def log_prob(self, z) -> tf.Tensor:
        z, log_det = self.without_base(z)
        return self.mixture().log_prob(z) + log_det

    def sample(self, num: int, seed) -> tf.Tensor:
        """`num` draws, [num, *event_shape]."""
        return self.with_base(self.mixture().sample(num, seed=seed))

    def get_config(self):
        return {**super().get_config(), "num_components": self.num_components}


@dataclasses.dataclass(frozen=True)
class MixtureOfGaussians(LearnedPart):
    """See `Mixture`."""

    prior_components: int = components(10)

    def over(self, context, base):
        del context
        return MixturePrior(base, self.prior_components)


@part
class Mixture(MixtureOfGaussians, JointPart):
    """A mixture of Gaussians with diagonal covariances, learned with the model."""

    name = "mixture"
    needs = facts("density")
