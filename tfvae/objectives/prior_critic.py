"""The adversarial match of q(z) with p(z): a critic tells codes from draws of the prior.

Legend: B batch of this replica, M global batch, D latent numbers.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.draw import Draw
from tfvae.objectives.aggregate import all_rows, flat_rows
from tfvae.objectives.critic import (
    Critic,
    CriticPart,
    critic_layers,
    critic_learning_rate,
    critic_steps,
    critic_units,
)
from tfvae.objectives.parts import Added
from tfvae.parts import facts, part, setting
from tfvae.randomness import fold, seed_of

__all__ = ["OffsetCritic", "PriorCritic", "PriorCriticLoss"]


class OffsetCritic:
    """D(z) = critic(z) + log p(z): what is left for the critic to learn is -log q(z).

    At the best critic D = log p(z) - log q(z), of which the first half is known. Codes where neither
    sample has ever been are pulled to the prior even so. The published trick is for N(0, s^2 I), there
    -|z|^2 / (2 s^2) (Tolstikhin et al. 2018, as released); here for every prior that has a density of z
    alone. A learned prior is moved by it too.

    Args:
        critic: with one output.
    """

    def __init__(self, critic: Critic):
        self.critic = critic

    def build(self, model) -> None:
        """Makes the critic's weights, and takes the model's prior."""
        self.critic.build(model)
        self._latent = model.latent

    @property
    def trainable_variables(self) -> list:
        """The critic's weights."""
        return self.critic.trainable_variables

    def __call__(self, z) -> tf.Tensor:
        """[B, ...] -> [B, 1]."""
        shaped = tf.reshape(z, [-1, *self._latent.event_shape])
        return self.critic(z) + self._latent.given().distribution().log_prob(shaped)[:, None]


class PriorCritic:
    """The penalty of the adversarial autoencoder and of the WAE-GAN: the critic is held still.

        softplus(-D(z)),  D the logit of "z came from the prior"

    Makhzani et al. 2015; Tolstikhin et al. 2018, in its non-saturating form.

    Args:
        critic: with one output.
    """

    def __init__(self, critic: Critic | OffsetCritic):
        self.critic = critic

    def build(self, model) -> None:
        """Makes the critic's weights for the model's z."""
        self.critic.build(model)

    def __call__(self, draw: Draw) -> tf.Tensor:
        """[B] nats."""
        return tf.nn.softplus(-self.critic(draw.z)[:, 0])


class PriorCriticLoss:
    """What its critic minimises: mean softplus(-D(z_p)) + mean softplus(D(z)).

    At the best critic it is 2 ln 2 - 2 JS(q(z), p(z)).

    Args:
        critic: that of a `PriorCritic`, with its offset if it has one.
        seed: of the draws z_p from the prior, with the step.
    """

    reads_step = True

    def __init__(self, critic: Critic | OffsetCritic, seed: int = 0):
        self.critic = critic
        self.seed = fold(seed_of(seed), 0x3A)

    def build(self, model) -> None:
        """Makes the critic's weights, and takes the model's prior."""
        self.critic.build(model)
        self._prior = model.latent

    @property
    def trainable_variables(self) -> list:
        """The critic's weights."""
        return self.critic.trainable_variables

    def __call__(self, draw: Draw, step) -> tf.Tensor:
        """Scalar, of the whole global batch; no gradient reaches z or the prior."""
        z = tf.stop_gradient(all_rows(draw.z))
        prior = self._prior.sample(tf.shape(z)[0], fold(self.seed, step))
        real = self.critic(tf.stop_gradient(flat_rows(prior)))
        return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(
            tf.nn.softplus(self.critic(z))
        )


_BETAS = (0.5, 0.999)  # Tolstikhin et al. 2018, as released


@part
class Adversary(CriticPart):
    """softplus(-D(z)): a critic tells codes from draws of the prior (WAE-GAN, AAE)."""

    name = "adversary"
    needs = facts("z one_prior")
    adversary_weight: float = setting(10.0, "of the term", low=1e-12)
    adversary_offset: bool = setting(
        False, "log p(z) is added to D(z): its critic learns -log q(z) alone"
    )
    critic_layers: int = critic_layers()
    critic_units: int = critic_units()
    critic_learning_rate: float = critic_learning_rate()
    critic_steps: int = critic_steps()

    def needed(self):
        return self.needs | facts("continuous_prior" if self.adversary_offset else "")

    def make(self, context):
        critic = self.critic(1)
        if self.adversary_offset:
            critic = OffsetCritic(critic)
        term = self.adversary_weight, PriorCritic(critic)
        loss = PriorCriticLoss(critic, context.seed)
        return Added({"adversary": term}, [self.game("prior_critic", critic, loss, _BETAS)])
