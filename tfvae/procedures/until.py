"""Joint training that is over as soon as the objective is low enough."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfvae import inference, objectives
from tfvae.parts import facts, part, setting
from tfvae.procedures.joint import Joint
from tfvae.procedures.parts import StagePart
from tfvae.procedures.partwise import encoder_variables
from tfvae.procedures.stage import Stage
from tfvae.procedures.update import Update
from tfvae.schedules import Constant

__all__ = ["Until"]


class Until(Joint):
    """As `Joint`, until a step's objective is below a level: that of the WAE's pretraining is 0.1.

    Args:
        below: the level, in the units of the objective.
        **joint: the arguments of `Joint`.
    """

    def __init__(self, below: float, **joint):
        super().__init__(**joint)
        self.below = below
        self._reached = tf.Variable(False, trainable=False, name="level_reached")

    def build(self, model, strategy, run_eagerly=False):
        joint = super().build(model, strategy, run_eagerly)

        def cycle(iterator):
            logs = joint(iterator)
            self._reached.assign(float(logs["objective"]) < self.below)
            return logs

        return cycle

    @property
    def over(self) -> bool:
        return bool(self._reached.numpy()) or super().over

    def state(self) -> dict[str, Any]:
        return {**super().state(), "level_reached": self._reached}


_CLOSE = 0.1  # where WAE's pretraining ends, as released
_ADAM_RATE = 1e-3  # where the run's is that of another rule


@part
class Moments(StagePart):
    """First the encoder alone: mean and covariance of its codes come to those of the prior (WAE)."""

    name = "moments"
    needs = facts("density one_prior labels_always_known")
    owns = frozenset({"where the encoder starts"})
    moment_steps: int = setting(
        200, "at most (WAE as released: 200); it ends at a distance below 0.1", low=1
    )
    moment_points: int = setting(
        1000,
        "examples of a batch of that, in whole batches of the run (WAE as released: 1000 of MNIST, 256 of "
        "CelebA)",
        low=2,
        high=1_000_000,
    )

    def make(self, context, model):
        chosen = context.point["optimizer"]
        update = Update(
            objectives.Objective({"moments": objectives.MomentDistance(context.seed)}),
            keras.optimizers.Adam(beta_1=getattr(chosen, "adam_beta1", 0.9)),
            variables=encoder_variables,
            clip_norm=chosen.clip_norm,
            inference=inference.encoder_only,
            jit_compile=context.jit_compile,
        )
        rate = Constant(context.learning_rate if chosen.name == "adam" else _ADAM_RATE)
        procedure = Until(_CLOSE, update=update, learning_rate=rate, seed=context.seed)
        points = min(self.moment_points, context.num_examples)
        batch_size = max(1, points // context.batch_size) * context.batch_size
        return Stage("moments", model, procedure, self.moment_steps, batch_size=batch_size)
