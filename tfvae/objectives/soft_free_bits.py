"""Soft free bits: the weight of the rate falls while the rate is below a floor, and rises above it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfvae.checks import UserError, built, within
from tfvae.objectives.bound_terms import rate
from tfvae.objectives.learned import LearnedWeight
from tfvae.objectives.parts import BudgetPart
from tfvae.parts import facts, part, setting

__all__ = ["SoftFreeBits"]

_LEAST = 1e-4  # from which it is back at 1 after 97 steps


class SoftFreeBits(LearnedWeight):
    """The weight gamma of the rate, moved after each step by the rate of its batch.

        rate > (1 + tolerance) floor:   gamma <- min(1, (1 + change) gamma)
        rate < floor:                   gamma <- (1 - change) gamma, at least 1e-4

    Chen et al. 2017 (Variational Lossy Autoencoder), appendix C, with 10 % and a tolerance of 5 % (3 % to
    30 % all helped). Unlike the floor of `free_bits`, which is flat below and free above, this one is
    paid for smoothly. gamma begins at 1; that it has a least value is ours.

    Args:
        floor: lambda, nats of the whole rate.
        tolerance: tau.
        change: of gamma in a step, below 1.

    Raises:
        UserError: one of them out of its range.
    """

    def __init__(self, floor: float, tolerance: float = 0.05, change: float = 0.1):
        self.floor = within("floor of soft free bits", floor, 0.0, float("inf"))
        self.tolerance = within("tolerance of soft free bits", tolerance, 0.0, float("inf"))
        if not 0 < change < 1:
            raise UserError(f"change of soft free bits must lie between 0 and 1, got {change}")
        self.change = change
        self._weight = None

    def build(self) -> None:
        if self._weight is None:
            self._weight = tf.Variable(1.0, trainable=False, name="soft_free_bits_weight")

    def __call__(self, step) -> tf.Tensor:
        del step
        return built(self, self._weight).read_value()

    def feed(self, step, logs: Mapping[str, tf.Tensor]) -> None:
        del step
        weight = built(self, self._weight)
        nats, old = logs["rate"], weight.read_value()
        higher = tf.minimum(1.0, (1.0 + self.change) * old)
        lower = tf.maximum(_LEAST, (1.0 - self.change) * old)
        above = nats > (1.0 + self.tolerance) * self.floor
        weight.assign(tf.where(above, higher, tf.where(nats < self.floor, lower, old)))

    def state(self) -> dict[str, Any]:
        return {"weight": self._weight}


@part
class SoftFreeBitsBudget(BudgetPart):
    """The rate's weight falls while the rate is below a floor, and rises to 1 above it (Chen et al. 2017)."""

    name = "soft_free_bits"
    needs = facts("paid_rate rate_of_the_code")
    closes = ("rate_weight",)
    free_rate: float = setting(4.0, "lambda in nats, of the whole rate", low=1e-6)
    free_rate_tolerance: float = setting(
        0.05, "tau: the weight rises above (1 + tau) lambda", low=0.0, high=10.0
    )
    free_rate_change: float = setting(0.1, "of the weight in a step", low=1e-6, high=0.99)

    def make(self, context, weight):
        made = SoftFreeBits(self.free_rate, self.free_rate_tolerance, self.free_rate_change)
        return {"rate": (made, rate)}
