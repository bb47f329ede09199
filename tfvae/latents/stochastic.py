"""A posterior family and a prior.

Legend: B batch, G latent groups, S samples, D latent width.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf

from tfvae import distributions
from tfvae.checks import UserError
from tfvae.draw import AtDraw, Pass
from tfvae.latents.latent import Inferred, Latent, Proposal
from tfvae.latents.posterior import Posterior
from tfvae.latents.prior import Prior

__all__ = ["StochasticLatent"]

_PARAMETER = "parameter_"


def _kind(unit_widths) -> str:
    if max(unit_widths, default=1) == 1:
        return "real numbers"
    return f"units of {', '.join(map(str, unit_widths))}"


@keras.saving.register_keras_serializable(package="tfvae")
class StochasticLatent(Latent):
    """q(z|x) from `posterior`, p(z) from `prior`:  rate = KL(q(z|x) || p(z)), [B, G] nats.

    In closed form where TFP has one for the two, else log q - log p at the draw
    (`tfvae.distributions.rate`; `at_draw.rate_is_exact` says which).

    Args:
        posterior: a `tfvae.latents.Posterior`: features -> q(z|x).
        prior: a `tfvae.latents.Prior`.

    Raises:
        UserError: one of them is none; the two disagree about the shape of z, or about which of its numbers
            are a category; a prior of codes, or another that has a method `rate`.
    """

    def __init__(self, posterior, prior, **kwargs):
        super().__init__(**kwargs)
        for name, part, kind in (("posterior", posterior, Posterior), ("prior", prior, Prior)):
            if not isinstance(part, kind):
                raise UserError(
                    f"{name} must be a tfvae.latents.{kind.__name__}, got {type(part).__name__}"
                )
        if tuple(posterior.event_shape) != tuple(prior.event_shape):
            raise UserError(
                f"posterior {type(posterior).__name__} makes z of shape {tuple(posterior.event_shape)}, "
                f"prior {type(prior).__name__} expects {tuple(prior.event_shape)}"
            )
        made, expected = (_kind(part.unit_widths) for part in (posterior, prior))
        if made != expected:
            raise UserError(
                f"posterior {type(posterior).__name__} makes z of {made}, prior {type(prior).__name__} "
                f"expects {expected}: a probability and a density cannot be compared"
            )
        if callable(getattr(prior, "rate", None)):
            raise UserError(
                f"prior {type(prior).__name__} has a rate of its own, which nothing would ask: say its "
                "distribution, and what it costs by tfd.RegisterKL"
            )
        self.posterior = posterior
        self.prior = prior

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one z."""
        return tuple(self.posterior.event_shape)

    @property
    def committed_rate(self):
        """The least rate of each channel that the prior allows, [D] nats; `None` if it commits none."""
        return self.prior.committed_rate

    @property
    def bound(self) -> bool:
        """Whether p(z) has a sum."""
        return self.prior.proper

    def neighbours(self):
        return self.prior.neighbours()

    def upkeep(self) -> list:
        return self.posterior.upkeep()

    def posterior_variables(self) -> list:
        return list(self.posterior.trainable_variables)

    def build(self, features_shape):
        if not self.posterior.built:
            self.posterior.build(features_shape)
        if not self.prior.built:
            self.prior.build(None)
        self.built = True

    def infer(self, features, pass_) -> Inferred:
        return self.infer_from(self.distribution(features, pass_), pass_)

    def infer_from(self, posterior, pass_) -> Inferred:
        """As `infer`, with a q of the family that came from elsewhere."""
        z, log_posterior = self.posterior.scored(posterior, pass_.seed)
        prior = self.given(pass_).distribution()
        rate = distributions.rate(posterior, prior, z, log_posterior)
        at_draw = AtDraw(log_posterior, lambda: prior.log_prob(z), rate.is_exact)
        return Inferred(posterior, z, rate.nats, {}, at_draw)

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, ...]:
        """Tensors [B, ...] that say which q of the family is that of each example."""
        return self.posterior.parameters(features, pass_)

    def of(self, *parameters):
        """q of such parameters."""
        return self.posterior.of(*parameters)

    def parameters_of(self, posterior) -> tuple[tf.Tensor, ...]:
        """The parameters of a q of the family, so that `of` gives it back."""
        return self.posterior.parameters_of(posterior)

    def given(self, pass_):
        """The prior of these examples: that of all of them, unless it asks."""
        # u is no batch of examples: its q is that which is measured, whatever is normalised in training
        own = Pass.measuring().but(step=pass_.step)

        def encode(u, label=None):
            return self.distribution(pass_.features_of(u, label), own)

        known = pass_.known._replace(encode=None if pass_.features_of is None else encode)
        return self.prior.given(known)

    def distribution(self, features, pass_=None):
        return self.posterior.distribution(features, pass_)

    def mean_field(self, features, pass_=None):
        return distributions.mean_field(self.distribution(features, pass_))

    def code(self, features, pass_=None) -> tf.Tensor:
        return self.posterior.code(self.distribution(features, pass_))

    def rate(self, draw, pass_) -> tf.Tensor:
        prior = self.given(pass_).distribution()
        return distributions.rate(draw.posterior, prior, draw.z, draw.at_draw.log_posterior).nats

    def log_posterior_held(self, inferred, z) -> tf.Tensor:
        if not self.posterior.has_density:
            raise UserError(
                f"a {type(self.posterior).__name__} is known at its own draws alone, and what is held needs "
                "a density of every z"
            )
        known = self.parameters_of(inferred.posterior)
        return self.of(*(tf.stop_gradient(p) for p in known)).log_prob(z)

    @property
    def posterior_is_known(self) -> bool:
        return self.posterior.has_density

    def log_density(self, features, z, pass_=None) -> tf.Tensor:
        return self.distribution(features, pass_).log_prob(z)

    def log_prior(self, z, pass_) -> tf.Tensor:
        return self.given(pass_).distribution().log_prob(z)

    def proposal(self, features, pass_) -> Proposal:
        return self.proposal_from(self.distribution(features, pass_), pass_)

    def proposal_from(self, posterior, pass_) -> Proposal:
        """As `proposal`, with a q of the family that came from elsewhere."""
        held = None if self.prior.estimated else self.given(pass_).distribution()

        def propose(num, seed):
            z, log_posterior = self.posterior.propose(posterior, num, seed)
            prior = self.given(pass_.but(seed=seed)).distribution() if held is None else held
            return z, prior.log_prob(z) - log_posterior

        return propose

    def kept(self, draw) -> dict[str, tf.Tensor]:
        parameters = ()
        if self.posterior.has_density:
            parameters = self.parameters_of(draw.posterior)
        kept = {
            **{f"{_PARAMETER}{i}": p for i, p in enumerate(parameters)},
            "z": draw.z,
            "mean": self.posterior.mean(draw.posterior) / self.unit_scale,
            "log_posterior": draw.at_draw.log_posterior(),
        }
        if self.bound:
            kept["log_prior"] = draw.at_draw.log_prior()
        return kept

    def log_aggregate(self, reference, points) -> tf.Tensor | None:
        number = sum(name.startswith(_PARAMETER) for name in reference)
        if not number:
            return None
        kept = [tf.convert_to_tensor(reference[f"{_PARAMETER}{i}"]) for i in range(number)]
        posterior = self.of(*kept)
        return distributions.aggregate_log_prob(points["z"], posterior)

    @property
    def unit_scale(self):
        return self.posterior.unit_scale

    @property
    def confined_to(self) -> str:
        return self.posterior.confined_to

    @property
    def free_numbers(self):
        return np.tile(self.posterior.free_numbers, math.prod(self.event_shape[:-1]))

    @property
    def prior_asks_label(self) -> bool:
        return self.prior.asks_label

    @property
    def unit_widths(self) -> tuple[int, ...]:
        return self.posterior.unit_widths * math.prod(self.event_shape[:-1])

    @property
    def refinable(self) -> bool:
        return self.posterior.refinable

    @property
    def positive(self) -> bool:
        return self.posterior.positive

    def between(self, first, last, share) -> tf.Tensor:
        return self.posterior.between(first, last, share)

    def neutral(self, parameters) -> list[tf.Tensor]:
        """Parameters of a q that knows nothing of x."""
        return self.posterior.neutral(parameters)

    def entropy(self, draw) -> tf.Tensor:
        return self.posterior.entropy(draw.posterior, draw.at_draw)

    def with_prior(self, prior) -> StochasticLatent:
        return StochasticLatent(self.posterior, prior)

    def with_posterior(self, posterior) -> StochasticLatent:
        return StochasticLatent(posterior, self.prior)

    def sample(self, num: int, pass_) -> tf.Tensor:
        prior = self.given(pass_).distribution()
        if prior.batch_shape.rank == 0:
            return prior.sample(num, seed=pass_.seed)
        return prior.sample(seed=pass_.seed)  # one of each condition

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
