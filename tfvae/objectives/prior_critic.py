"""The adversarial match of q(z) with p(z): a critic tells codes from draws of the prior.

Legend: B batch of this replica, M global batch, D latent numbers.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfvae.draw import Draw
from tfvae.objectives.critic import whole
from tfvae.objectives.critic_part import CriticPart
from tfvae.objectives.game import LOGISTIC, Game
from tfvae.objectives.parts import Added
from tfvae.parts import facts, part, setting
from tfvae.randomness import fold, seed_of

__all__ = ["OffsetCritic", "PriorCritic", "PriorCriticLoss", "PriorPlayer"]

_REAL, _CODES = 1, 2  # whose noise, of a critic that draws


class OffsetCritic:
    """D(z) = critic(z) + log p(z): what is left for the critic to learn is -log q(z).

    At the best critic D = log p(z) - log q(z), of which the first half is known. Codes where neither
    sample has ever been are pulled to the prior even so. The published trick is for N(0, s^2 I), there
    -|z|^2 / (2 s^2) (Tolstikhin et al. 2018, as released); here for every prior that has a density of z
    alone. A learned prior is moved by it too.

    Args:
        critic: with one output.
    """

    def __init__(self, critic: Any):
        self.critic, self.inputs = critic, critic.inputs

    def build(self, model) -> None:
        """Makes the critic's weights, and takes the model's prior."""
        self.critic.build(model)
        self._model = model

    @property
    def trainable_variables(self) -> list:
        """The critic's weights."""
        return self.critic.trainable_variables

    @property
    def needs_label(self) -> bool:
        """Whether it reads labels."""
        return self.critic.needs_label

    @property
    def num_labels(self) -> int | None:
        """Of the critic."""
        return self.critic.num_labels

    @property
    def after(self) -> tuple:
        """Of the critic."""
        return self.critic.after

    @property
    def information(self):
        """Of the critic, where it is a `Bottleneck`."""
        return self.critic.information

    def __call__(self, draw: Draw, seed=None) -> tf.Tensor:
        """[B, 1]."""
        shaped = tf.reshape(draw.z, [-1, *self._model.latent.event_shape])
        return self.critic(draw, seed) + self._model.log_prior(shaped)[:, None]


class PriorCritic:
    """The penalty of the adversarial autoencoder and of the WAE-GAN: the critic is held still.

        softplus(-D(z)),  D the logit of "z came from the prior"

    Makhzani et al. 2015; Tolstikhin et al. 2018, in its non-saturating form.

    Args:
        critic: with one output.
        game: that of its loss.
    """

    def __init__(self, critic: Any, game: Game = LOGISTIC):
        self.critic, self.game = critic, game

    def build(self, model) -> None:
        """Makes the critic's weights for the model's draws."""
        self.critic.build(model)

    def __call__(self, draw: Draw) -> tf.Tensor:
        """[B] nats."""
        return self.game.encoder(self.critic(draw)[:, 0])


class PriorCriticLoss:
    """What its critic minimises: mean softplus(-D(z_p)) + mean softplus(D(z)).

    At the best critic it is 2 ln 2 - 2 JS(q(z), p(z)).

    Args:
        critic: that of a `PriorCritic`, with its offset if it has one.
        seed: of the draws z_p from the prior, with the step.
        game: `WASSERSTEIN` for mean D(z) - mean D(z_p) instead.
    """

    reads_step = True

    def __init__(self, critic: Any, seed: int = 0, game: Game = LOGISTIC):
        self.critic, self.game = critic, game
        self.seed = fold(seed_of(seed), 0x3A)

    def build(self, model) -> None:
        """Makes the critic's weights, and takes the model's prior."""
        self.critic.build(model)
        self._model = model

    @property
    def trainable_variables(self) -> list:
        """The critic's weights."""
        return self.critic.trainable_variables

    @property
    def after(self) -> tuple:
        """Of the critic."""
        return self.critic.after

    def sides(self, draw: Draw, step) -> tuple[Draw, Draw]:
        """Draws of the prior beside the codes, of the whole global batch; no gradient reaches either."""
        codes = whole(draw, self.critic)
        prior = self._model.sample_codes(tf.shape(codes.z)[0], fold(self.seed, step))
        return codes._replace(z=tf.stop_gradient(prior)), codes

    def __call__(self, draw: Draw, step) -> tf.Tensor:
        """Scalar, of the whole global batch; no gradient reaches z or the prior."""
        real, codes = self.sides(draw, step)
        real = self.critic(real, fold(self.seed, step, _REAL))
        codes = self.critic(codes, fold(self.seed, step, _CODES))
        return tf.reduce_mean(self.game.of_real(real)) + tf.reduce_mean(self.game.of_codes(codes))


class PriorPlayer:
    """What a prior that learns minimises: its draws shall pass for codes; the critic is held still.

        softplus(D(z_p)),  z_p = g(noise)    or D(z_p) of `WASSERSTEIN`

    For a `Player` whose variables are the prior's (ARAE, Zhao et al. 2018). Its draws must have a
    gradient.

    Args:
        critic: that of a `PriorCritic`.
        seed: of the draws, with the step.
        game: that of the critic's loss.
    """

    reads_step = True

    def __init__(self, critic: Any, seed: int = 0, game: Game = LOGISTIC):
        self.critic, self.game = critic, game
        self.seed = fold(seed_of(seed), 0x3B)

    def build(self, model) -> None:
        """Makes the critic's weights, and takes the model's prior."""
        self.critic.build(model)
        self._model = model

    def __call__(self, draw: Draw, step) -> tf.Tensor:
        """Scalar, of the whole global batch; no gradient reaches the codes."""
        codes = whole(draw, self.critic)
        prior = self._model.sample_codes(tf.shape(codes.z)[0], fold(self.seed, step))
        return tf.reduce_mean(self.game.prior(self.critic(codes._replace(z=prior))))


_BETAS = (0.5, 0.999)  # Tolstikhin et al. 2018, as released


@part
class Adversary(CriticPart):
    """softplus(-D(z)): a critic tells codes from draws of the prior (WAE-GAN, AAE)."""

    name = "adversary"
    needs = facts("z one_prior draws_like_the_prior labels_always_known unrefined")
    adversary_weight: float = setting(10.0, "of the term", low=1e-12)
    adversary_offset: bool = setting(
        False, "log p(z) is added to D(z): its critic learns -log q(z) alone"
    )

    def needed(self):
        return self.needs | facts("continuous_prior" if self.adversary_offset else "")

    def make(self, context):
        critic: Any = self.critic(1)
        if self.adversary_offset:
            critic = OffsetCritic(critic)
        term = self.adversary_weight, PriorCritic(critic)
        loss = PriorCriticLoss(critic, context.seed)
        return Added({"adversary": term}, [self.opponent("prior_critic", critic, loss, _BETAS)])
