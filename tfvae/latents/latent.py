"""The latent axis: what the code is, and what it costs.

Legend: B batch, G latent groups, n positions, D latent width.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfvae.checks import UserError

__all__ = ["Inferred", "Latent", "NoLatent", "StochasticLatent"]


class Inferred(NamedTuple):
    """posterior (tfd or None); z [B, ...]; rate [B, G] nats; aux {name: tensor}."""

    posterior: Any
    z: tf.Tensor
    rate: tf.Tensor
    aux: dict[str, tf.Tensor]


class Latent(keras.layers.Layer):
    """Abstract: features -> a posterior, one draw from it, and its rate.

    A quantiser is a `Latent` whose rate is log K per code; a continuous latent is a posterior family
    and a prior (`StochasticLatent`).
    """

    bound = True
    """Whether distortion + rate is at least -log p(x) in expectation."""

    num_remembered: int | None = None
    """How many training examples it remembers, if any."""

    def infer(self, features, seed, condition=None) -> Inferred:
        """One draw for each example, with its rate by group.

        Args:
            features: of the encoder.
            seed: [2] int32.
            condition: what is known besides x, [B, C], for a prior that asks; features already hold it.
        """
        raise NotImplementedError(type(self).__name__)

    def code(self, features) -> tf.Tensor:
        """The deterministic code of each example (the posterior mean), [B, ...]."""
        raise NotImplementedError(type(self).__name__)

    def sample(self, num: int, seed, condition=None) -> tf.Tensor:
        """`num` draws from the prior (given the condition, [num, C]), [num, ...]."""
        raise NotImplementedError(type(self).__name__)


@keras.saving.register_keras_serializable(package="tfvae")
class StochasticLatent(Latent):
    """q(z|x) from `posterior`, p(z) from `prior`:  rate = KL(q(z|x) || p(z)), [B, G] nats.

    Args:
        posterior: a layer of `tfvae.latents.posteriors`: features -> distribution.
        prior: a layer of `tfvae.latents.priors`.

    Raises:
        UserError: the two disagree about the shape of z.
    """

    def __init__(self, posterior, prior, **kwargs):
        super().__init__(**kwargs)
        if tuple(posterior.event_shape) != tuple(prior.event_shape):
            raise UserError(
                f"posterior {type(posterior).__name__} makes z of shape {tuple(posterior.event_shape)}, "
                f"prior {type(prior).__name__} expects {tuple(prior.event_shape)}"
            )
        self.posterior = posterior
        self.prior = prior

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one z."""
        return tuple(self.posterior.event_shape)

    def build(self, features_shape):
        if not self.posterior.built:
            self.posterior.build(features_shape)
        if not self.prior.built:
            self.prior.build(None)
        self.built = True

    def infer(self, features, seed, condition=None) -> Inferred:
        return self.infer_from(self.posterior.distribution(features), seed, condition)

    def infer_from(self, posterior, seed, condition=None) -> Inferred:
        """As `infer`, with a posterior of the family that came from elsewhere."""
        z = self.posterior.draw(posterior, seed)
        return Inferred(posterior, z, self.given(condition).rate(posterior, z), {})

    def given(self, condition=None):
        """The prior of these examples: that of all of them, unless it asks for the condition."""
        return self.prior.given(condition) if hasattr(self.prior, "given") else self.prior

    def code(self, features) -> tf.Tensor:
        return self.posterior.distribution(features).mean()

    def rate(self, inferred, condition=None) -> tf.Tensor:
        """The rate of a draw that was made already, [B, G] nats."""
        return self.given(condition).rate(inferred.posterior, inferred.z)

    def with_prior(self, prior) -> StochasticLatent:
        """The same posterior under another prior."""
        return StochasticLatent(self.posterior, prior)

    def sample(self, num: int, seed, condition=None) -> tf.Tensor:
        prior = self.given(condition).distribution()
        if prior.batch_shape.rank == 0:
            return prior.sample(num, seed=seed)
        return prior.sample(seed=seed)  # one of each condition

    def get_config(self):
        return {
            **super().get_config(),
            "posterior": keras.saving.serialize_keras_object(self.posterior),
            "prior": keras.saving.serialize_keras_object(self.prior),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for part in ("posterior", "prior"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        return cls(**config)


@keras.saving.register_keras_serializable(package="tfvae")
class NoLatent(Latent):
    """No code at all: z has width 0 and the rate has no groups, so -ELBO is the exact NLL."""

    event_shape = (0,)

    def build(self, features_shape):
        del features_shape
        self.built = True

    def infer(self, features, seed, condition=None) -> Inferred:
        del seed, condition
        empty = tf.zeros([tf.shape(features)[0], 0], tf.float32)
        return Inferred(None, empty, empty, {})

    def code(self, features) -> tf.Tensor:
        return tf.zeros([tf.shape(features)[0], 0], tf.float32)

    def sample(self, num: int, seed, condition=None) -> tf.Tensor:
        del seed, condition
        return tf.zeros([num, 0], tf.float32)
