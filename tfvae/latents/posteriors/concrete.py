"""A category as a code: q(c|x) = Cat(pi(x)), whose draws are relaxed in training (Concrete, Gumbel-softmax).

    y = softmax((log pi(x) + g) / temperature),   g_k ~ Gumbel(0, 1)      in training
    c = one_hot(argmax(log pi(x) + g))                                    to measure

    rate = KL(Cat(pi(x)) || p(c)),   at most ln K under a uniform prior

The model is that of the categories: what is measured (bound, NLL, mutual information) is of one-hot codes and
exact. The relaxation is how a gradient gets through the draw. Jang et al. 2017; Maddison et al. 2017, whose
training pays the densities of the relaxed codes instead.

Legend: B batch, F features, n positions, K categories.
"""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError, count, positive
from tfvae.distributions import OneHot, draw_one_hot
from tfvae.draw import repeated
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posterior import Posterior
from tfvae.latents.posteriors.gaussian import GaussianPosterior
from tfvae.latents.posteriors.side_by_side import SideBySidePosterior
from tfvae.latents.shapes import check_features
from tfvae.parts import ON, facts, part, setting
from tfvae.schedules import Constant, Linear, Schedule

tfd = tfp.distributions

__all__ = ["DRAWS", "ConcretePosterior"]

DRAWS = ("relaxed", "straight_through")


@keras.saving.register_keras_serializable(package="tfvae")
class ConcretePosterior(Posterior):
    """log pi(x) = log softmax(linear(features)).

    Args:
        event_shape: `(K,)`, or `(n, K)` of a category at each position.
        temperature: of the draws in training.
        last_temperature: where it goes on a line; `None`: it stays.
        temperature_steps: on the way.
        straight_through: see `tfvae.distributions.draw_one_hot`.

    Raises:
        UserError: less than two categories; a temperature that is not above 0; a last one without the steps.
    """

    confined_to = "a category"
    refinable = False  # of parameters alone the draws are one-hot, through which no gradient passes
    num_parameters = 1

    def __init__(
        self,
        event_shape,
        temperature: float = 0.67,
        last_temperature: float | None = None,
        temperature_steps: int | None = None,
        straight_through: bool = False,
        **kwargs,
    ):
        super().__init__(event_shape, **kwargs)
        count("the categories of a code", self.event_shape[-1], 2)
        self.temperature = float(positive("temperature", temperature))
        self.last_temperature, self.temperature_steps = last_temperature, temperature_steps
        self.straight_through = straight_through
        self._schedule: Schedule = Constant(self.temperature)
        if last_temperature is not None:
            if temperature_steps is None:
                raise UserError("a last_temperature needs temperature_steps, on the way to it")
            last = float(positive("last_temperature", last_temperature))
            self._schedule = Linear(self.temperature, last, temperature_steps)
        self.logits_head = keras.layers.Dense(self.event_shape[-1], dtype="float32", name="logits")

    @property
    def unit_scale(self) -> float:
        """The spread of one number of a uniform one-hot vector."""
        share = 1.0 / self.event_shape[-1]
        return (share * (1.0 - share)) ** 0.5

    @property
    def unit_widths(self) -> tuple[int, ...]:
        return self.event_shape[-1:]

    def build(self, features_shape):
        check_features(type(self).__name__, self.event_shape, features_shape)
        if not self.logits_head.built:
            self.logits_head.build(features_shape)
        self.built = True

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor]:
        """(logits [B, *event_shape],), float32."""
        return (self.logits_head(tf.cast(features, tf.float32)),)

    def of(self, logits) -> tfd.Distribution:
        """q with these logits, whose draws are one-hot."""
        return self._of(logits, None)

    def _of(self, logits, temperature):
        each = OneHot(logits, temperature)
        return tfd.Independent(each, 1) if len(self.event_shape) > 1 else each

    def distribution(self, features, pass_=None) -> tfd.Distribution:
        temperature = None
        if pass_ is not None and pass_.training:
            temperature = self._schedule(0 if pass_.step is None else pass_.step)
        return self._of(*self.parameters(features, pass_), temperature)

    def parameters_of(self, posterior) -> tuple[tf.Tensor]:
        """What `of` was given, but for a constant of each category."""
        return (self._each(posterior).log_probabilities(),)

    def _each(self, posterior) -> OneHot:
        return posterior.distribution if len(self.event_shape) > 1 else posterior

    def draw(self, posterior, seed) -> tf.Tensor:
        """z [B, *event_shape]; the noise belongs to the example, whatever the number of replicas."""
        return draw_one_hot(self._each(posterior), seed, self.straight_through)

    def propose(self, posterior, num, seed) -> tuple[tf.Tensor, tf.Tensor]:
        each = self._each(posterior)
        many = self._of(repeated(each.log_probabilities(), num), each.temperature)
        z, log_posterior = self.scored(many, seed)
        shape = [num, -1, *self.event_shape]
        return tf.reshape(z, shape), tf.reshape(log_posterior(), shape[:2])

    def code(self, posterior) -> tf.Tensor:
        """The likeliest category, one-hot."""
        return posterior.mode()

    def mean(self, posterior) -> tf.Tensor:
        """pi: its likeliest category may vary where pi hardly does."""
        return tf.exp(self._each(posterior).log_probabilities())

    def between(self, first, last, share) -> tf.Tensor:
        """The one, and from the middle of the way on the other."""
        return tf.where(share < 0.5, first, last)

    def get_config(self):
        return {
            **super().get_config(),
            "temperature": self.temperature,
            "last_temperature": self.last_temperature,
            "temperature_steps": self.temperature_steps,
            "straight_through": self.straight_through,
        }


@part
class Concrete(PosteriorPart):
    """Categories, relaxed in training (Concrete, Gumbel-softmax); the rest of z is N(mu(x), diag sigma^2)."""

    name = "concrete"
    needs = facts("category_prior")
    offers = facts(
        "z density density_of_every_z independent_units categories paid_rate gradient_moves_all"
    )
    withholds = facts("exact_gradient")
    brings = {"prior": "uniform_categories"}
    categories: tuple[int, ...] = setting(
        (10,),
        "how many kinds each category has: the first numbers of z are one-hot vectors of so many",
        low=2,
        high=4096,
        length=(1, 100),
    )
    concrete_temperature: float = setting(0.67, "of the draws in training", low=1e-2, high=100.0)
    concrete_last_temperature: float | None = setting(
        None, "where it goes on a line; none: it stays", low=1e-2, high=100.0
    )
    concrete_temperature_steps: int | None = setting(
        None,
        "until it is there; none: a half of train_steps",
        low=1,
        of={"concrete_last_temperature": ON},
    )
    concrete_draws: str = setting(
        "relaxed",
        "what the decoder sees in training: relaxed, or straight_through (one-hot, with the gradient of the "
        "relaxed one)",
        choices=DRAWS,
    )

    def withheld(self):
        relaxed = self.concrete_draws == "relaxed"
        return self.withholds | facts("draws_like_the_prior" if relaxed else "")

    def gaussian_width(self, shape) -> int:
        """How many numbers of z are left for the Gaussian.

        Raises:
            UserError: z is too narrow for the categories.
        """
        left = shape[-1] - sum(self.categories)
        if left < 0:
            raise UserError(
                f"categories={','.join(map(str, self.categories))} take {sum(self.categories)} numbers of z, "
                f"which has latent_width={shape[-1]}"
            )
        return left

    def make(self, context):
        left, leading = self.gaussian_width(context.shape), context.shape[:-1]
        steps = None
        if self.concrete_last_temperature is not None:
            steps = self.concrete_temperature_steps or max(1, context.train_steps // 2)
        beside: list[Posterior] = [
            ConcretePosterior(
                (*leading, kinds),
                self.concrete_temperature,
                self.concrete_last_temperature,
                steps,
                self.concrete_draws == "straight_through",
            )
            for kinds in self.categories
        ]
        if left:
            beside.append(GaussianPosterior((*leading, left), **context.heads))
        return SideBySidePosterior(beside)
