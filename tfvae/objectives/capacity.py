"""The capacity form of the beta-VAE: the rate is pulled to a target that grows.

Legend: B batch.
"""

from __future__ import annotations

import math

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
        of: the name of a part of the rate, which is measured as `rate_of_<of>`, too; all of it if not given.
        groups: of the rate, which are that part.
    """

    reads_step = True

    def __init__(self, target: Schedule, of: str = "", groups: slice = slice(None)):
        self.target, self.groups = target, groups
        self._measured = f"rate_of_{of}" if of else "rate"

    def _rate(self, draw: Draw) -> tf.Tensor:
        return tf.reduce_sum(draw.rate[:, self.groups], -1)

    def __call__(self, draw: Draw, step) -> tf.Tensor:
        """[B], whose mean over the global batch is the term."""
        rate, target = self._rate(draw), self.target(step)
        return tf.sign(batch_mean(rate) - target) * (rate - target)

    def measured(self, draw: Draw) -> dict[str, tf.Tensor]:
        """For `evaluate`: the part of the rate, [B] nats."""
        return {} if self._measured == "rate" else {self._measured: self._rate(draw)}

    def of_means(self, measured) -> float:
        """As above, of measured data, with the last C."""
        return abs(measured[self._measured] - float(self.target(LAST)))


def _steps():
    return setting(None, "until C is reached; none: a half of train_steps", low=1)


def _rising(capacity: float, steps: int | None, context, most: float = math.inf) -> Linear:
    """From 0 to `capacity` in so many steps; it stops at `most`."""
    steps = steps or max(1, context.train_steps // 2)
    if capacity <= most:
        return Linear(0.0, capacity, steps)
    return Linear(0.0, most, max(1, round(steps * most / capacity)))


@part
class RateCapacity(BudgetPart):
    """|rate - C(step)|, C rising linearly from 0 (Burgess et al. 2018)."""

    name = "capacity"
    needs = facts("paid_rate")
    closes = ("rate_weight",)
    capacity: float = setting(25.0, "C in nats", low=0.0)
    capacity_weight: float = setting(10.0, "gamma", low=1e-6)
    capacity_steps: int | None = _steps()

    def make(self, context, weight):
        term = Capacity(_rising(self.capacity, self.capacity_steps, context))
        return {"capacity": (self.capacity_weight, term)}


@part
class JointCapacity(BudgetPart):
    """A capacity of the categories and one of the other numbers (JointVAE; Dupont 2018)."""

    name = "joint_capacity"
    needs = facts("paid_rate categories rate_of_the_code")
    closes = ("rate_weight",)
    category_capacity: float = setting(
        5.0,
        "C of the categories in nats, at most the sum of ln K of them (at all positions)",
        low=0.0,
    )
    continuous_capacity: float = setting(5.0, "C of the other numbers", low=0.0)
    capacity_weight: float = setting(30.0, "gamma of both", low=1e-6)
    capacity_steps: int | None = _steps()

    def make(self, context, weight):
        categories = context.point["posterior"].categories
        shape = context.point["code"].shape(context)
        most = math.prod(shape[:-1]) * sum(map(math.log, categories))
        capacities = {"categories": (self.category_capacity, most, slice(len(categories)))}
        if context.point["posterior"].gaussian_width(shape):
            rest = slice(len(categories), None)
            capacities["numbers"] = (self.continuous_capacity, math.inf, rest)
        return {
            f"capacity_of_{of}": (
                self.capacity_weight,
                # as released: it rises as if it went on, and stops at what a category can hold
                Capacity(_rising(capacity, self.capacity_steps, context, most), of, groups),
            )
            for of, (capacity, most, groups) in capacities.items()
        }
