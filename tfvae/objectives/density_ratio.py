"""Total correlation by a critic that tells codes from codes whose numbers were dealt anew.

    TC ~= mean [ l_0(z) - l_1(z) ],  l the two logits: class 0 for z ~ q(z), class 1 for prod_d q(z_d)

Legend: B batch of this replica, M global batch, D latent numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfvae.draw import Draw
from tfvae.objectives.aggregate import flat_rows
from tfvae.objectives.critic import whole
from tfvae.objectives.critic_part import CriticPart
from tfvae.objectives.parts import Added
from tfvae.parts import facts, part, setting
from tfvae.randomness import fold, seed_of

__all__ = ["DensityRatio", "DensityRatioLoss", "permute_dimensions"]

_OWN, _DEALT = 1, 2  # whose noise, of a critic that draws


def permute_dimensions(z: tf.Tensor, seed, unit_widths: Sequence[int] | None = None) -> tf.Tensor:
    """Each of the D numbers permuted over the examples by itself, [M, D]; Kim and Mnih 2018.

    Args:
        unit_widths: of numbers that stay together, as those of one category; each alone if not given.
    """
    count, width = tf.unstack(tf.shape(z))
    units = width if unit_widths is None else len(unit_widths)
    order = tf.argsort(tf.random.stateless_uniform([units, count], seed), axis=-1)
    if unit_widths is not None:
        order = tf.repeat(order, list(unit_widths), 0)
    return tf.transpose(tf.gather(tf.transpose(z), order, batch_dims=1))


class DensityRatio:
    """The penalty of the FactorVAE, Kim and Mnih 2018: the critic is held still.

    Args:
        critic: with two outputs.
    """

    def __init__(self, critic: Any):
        self.critic = critic

    def build(self, model) -> None:
        """Makes the critic's weights for the model's draws."""
        self.critic.build(model)

    def __call__(self, draw: Draw) -> tf.Tensor:
        """l_0(z) - l_1(z), [B] nats."""
        logits = self.critic(draw)
        return logits[:, 0] - logits[:, 1]


class DensityRatioLoss:
    """What its critic minimises: the cross-entropy of the two classes, Kim and Mnih 2018.

        -1/2 mean log softmax(l(z))_0 - 1/2 mean log softmax(l(permuted z))_1

    Args:
        critic: that of a `DensityRatio`.
        seed: of the permutations, with the step.
    """

    reads_step = True

    def __init__(self, critic: Any, seed: int = 0):
        self.critic = critic
        self.seed = fold(seed_of(seed), 0xFAC)
        self._unit_widths: tuple[int, ...] | None = None

    def build(self, model) -> None:
        """Makes the critic's weights for the model's draws, and looks which numbers stay together."""
        self.critic.build(model)
        self._unit_widths = model.latent.unit_widths

    @property
    def trainable_variables(self) -> list:
        """The critic's weights."""
        return self.critic.trainable_variables

    @property
    def after(self) -> tuple:
        """Of the critic."""
        return self.critic.after

    def sides(self, draw: Draw, step) -> tuple[Draw, Draw]:
        """The codes, and codes dealt anew, of the whole global batch; no gradient reaches them."""
        own = whole(draw, self.critic)
        seed = fold(self.seed, step)
        return own, own._replace(z=permute_dimensions(flat_rows(own.z), seed, self._unit_widths))

    def __call__(self, draw: Draw, step) -> tf.Tensor:
        """Scalar, of the whole global batch; no gradient reaches z."""
        own, dealt = self.sides(draw, step)
        own = tf.nn.log_softmax(self.critic(own, fold(self.seed, step, _OWN)))[:, 0]
        dealt = tf.nn.log_softmax(self.critic(dealt, fold(self.seed, step, _DEALT)))[:, 1]
        return -0.5 * tf.reduce_mean(own) - 0.5 * tf.reduce_mean(dealt)


_BETAS = (0.5, 0.9)  # Kim and Mnih 2018: a short memory of the gradient, as the game changes


@part
class Ratio(CriticPart):
    """The total correlation, by a critic that tells codes from codes of shuffled numbers (FactorVAE)."""

    name = "density_ratio"
    needs = facts("z labels_always_known unrefined")
    ratio_weight: float = setting(10.0, "of the term", low=1e-12)

    def make(self, context):
        critic = self.critic(2)
        term = self.ratio_weight, DensityRatio(critic)
        loss = DensityRatioLoss(critic, context.seed)
        return Added({"density_ratio": term}, [self.opponent("ratio_critic", critic, loss, _BETAS)])
