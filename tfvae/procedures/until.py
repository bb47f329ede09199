"""Joint training that is over as soon as the objective is low enough."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfvae.procedures.joint import Joint

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
