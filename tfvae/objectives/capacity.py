"""The capacity form of the beta-VAE: the rate is pulled to a target that grows.

Legend: B batch.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.draw import Draw
from tfvae.objectives.parts import BudgetPart
from tfvae.parts import facts, part, setting
from tfvae.replicas import batch_mean
from tfvae.schedules import LAST, Linear, Schedule

__all__ = ["Capacity"]


class Capacity:
    """|mean_b rate_b - C(step)|, nats; Burgess et al. 2018, eq. 8 (gamma is the term's weight).

    Args:
        target: C, a `Schedule` in nats.
    """

    reads_step = True

    def __init__(self, target: Schedule):
        self.target = target

    def __call__(self, draw: Draw, step) -> tf.Tensor:
        """[B], whose mean over the global batch is the term."""
        rate = tf.reduce_sum(draw.rate, -1)
        target = self.target(step)
        return tf.sign(batch_mean(rate) - target) * (rate - target)

    def of_means(self, measured) -> float:
        """As above, of measured data, with the last C."""
        return abs(measured["rate"] - float(self.target(LAST)))


@part
class RateCapacity(BudgetPart):
    """|rate - C(step)|, C rising linearly from 0 (Burgess et al. 2018)."""

    name = "capacity"
    needs = facts("paid_rate")
    closes = ("rate_weight",)
    capacity: float = setting(25.0, "C in nats", low=0.0)
    capacity_weight: float = setting(10.0, "gamma", low=1e-6)
    capacity_steps: int | None = setting(
        None, "until C is reached; none: a half of train_steps", low=1
    )

    def make(self, context, weight):
        steps = self.capacity_steps or max(1, context.train_steps // 2)
        term = Capacity(Linear(0.0, self.capacity, steps))
        return {"capacity": (self.capacity_weight, term)}
