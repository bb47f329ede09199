"""Weights that are learned: Lagrange multipliers of a constraint on the rate or the distortion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfvae.checks import UserError, built, one_of
from tfvae.objectives.bound_terms import distortion, rate
from tfvae.objectives.learned import LearnedWeight
from tfvae.objectives.parts import BudgetPart
from tfvae.parts import facts, part, setting

__all__ = ["DualVariable"]


class DualVariable(LearnedWeight):
    """The weight w of the term that `watched` names, moved until its mean is at `target`.

        c     <- watched - target
        c_ma  <- ema c_ma + (1 - ema) c               (at first c)
        multiplicative:  w <- w exp(step_size c_ma)   GECO, Rezende and Viola 2018, algorithm 1
        additive:        w <- w + step_size c_ma      gradient ascent on the Lagrangian
        w <- clip(w, bounds)

    With the distortion watched (weight of the distortion) it is GECO: the least rate at a distortion
    of at most the target. With the rate watched (weight of the rate) it is beta, lowered while the
    rate is under its target and raised above.

    Args:
        watched: a name in the logs: `distortion` or `rate`.
        target: nats.
        update: `multiplicative` or `additive`.
        step_size: nu.
        ema: alpha of the moving average.
        start: w before anything is known.
        bounds: (low, high); low must be above 0 for the multiplicative form.
        start_step: until there only the average is kept (early reconstructions are bad, and
            without a warm-up w overshoots).
        largest_change: bound of |change of ln w| (multiplicative) or of w in a step.
    """

    def __init__(
        self,
        watched: str,
        target: float,
        update: str = "multiplicative",
        step_size: float = 1e-3,
        ema: float = 0.99,
        start: float = 1.0,
        bounds: tuple[float, float] = (1e-4, 1e4),
        start_step: int = 0,
        largest_change: float = float("inf"),
    ):
        one_of("update of a dual variable", update, ("multiplicative", "additive"))
        if not bounds[0] <= start <= bounds[1]:
            raise UserError(f"a dual variable must start within its bounds {bounds}, got {start}")
        if update == "multiplicative" and bounds[0] <= 0:
            raise UserError(
                f"bounds of a multiplicative dual variable must be above 0, got {bounds}"
            )
        self.watched, self.target, self.update = watched, target, update
        self.step_size, self.ema, self.start, self.bounds = step_size, ema, start, bounds
        self.start_step, self.largest_change = start_step, largest_change
        self._weight = self._average = None

    def build(self) -> None:
        """Makes the state; under the strategy's scope."""
        if self._weight is None:
            self._weight = tf.Variable(self.start, trainable=False, name="dual_weight")
            self._average = tf.Variable(float("nan"), trainable=False, name="dual_average")

    def __call__(self, step) -> tf.Tensor:
        """w, scalar float32."""
        del step
        return built(self, self._weight).read_value()

    def feed(self, step, logs: Mapping[str, tf.Tensor]) -> None:
        """One update from the logs of a step, reduced over the replicas; outside of them."""
        constraint = logs[one_of("log to watch", self.watched, logs)] - self.target
        weight, kept = built(self, self._weight), built(self, self._average)
        before = kept.read_value()
        moved = self.ema * before + (1.0 - self.ema) * constraint
        average = tf.where(tf.math.is_nan(before), constraint, moved)
        kept.assign(average)
        change = tf.clip_by_value(
            self.step_size * average, -self.largest_change, self.largest_change
        )
        old = weight.read_value()
        new = old * tf.exp(change) if self.update == "multiplicative" else old + change
        new = tf.clip_by_value(new, *self.bounds)
        weight.assign(tf.where(tf.cast(step, tf.int64) >= self.start_step, new, old))

    def state(self) -> dict[str, Any]:
        """For checkpoints."""
        return {"weight": self._weight, "average": self._average}


def _update():
    return setting("multiplicative", "how the weight moves", choices=("multiplicative", "additive"))


def _step_size():
    return setting(
        2e-3,
        "nu of that; too large for the time in which the rate answers, it never settles",
        low=1e-12,
        high=1e6,
    )


def _first():
    return setting(1.0, "the weight at first", low=0.0, high=1e4)


class _Dual(BudgetPart):
    """A weight that is learned, so that something comes to a target."""

    needs = facts("paid_rate")
    closes = ("rate_weight",)
    dual_update: str  # the settings of each of them
    dual_step_size: float
    dual_start: float
    dual_warm_up: int | None

    def variable(self, watched: str, target: float, warm_up: int) -> DualVariable:
        """The weight."""
        low = 0.0 if self.dual_update == "additive" else 1e-4
        return DualVariable(
            watched,
            target,
            self.dual_update,
            self.dual_step_size,
            start=self.dual_start,
            bounds=(low, 1e4),
            start_step=warm_up if self.dual_warm_up is None else self.dual_warm_up,
            largest_change=0.05,
        )


@part
class TargetRate(_Dual):
    """The weight of the rate is learned, so that the rate comes to a target (Alemi et al. 2018)."""

    name = "target_rate"
    target_rate: float = setting(4.0, "nats", low=0.0)
    dual_update: str = _update()
    dual_step_size: float = _step_size()
    dual_start: float = _first()
    dual_warm_up: int = setting(0, "steps before the weight moves", low=0)

    def make(self, context, weight):
        return {"rate": (self.variable("rate", self.target_rate, 0), rate)}


@part
class TargetDistortion(_Dual):
    """The least rate at a distortion (GECO, Rezende and Viola 2018)."""

    name = "target_distortion"
    needs = facts("paid_rate decodes")
    target_distortion: float = setting(100.0, "nats")
    dual_update: str = _update()
    dual_step_size: float = _step_size()
    dual_start: float = _first()
    dual_warm_up: int | None = setting(
        None,
        "steps before the weight moves; none: a twentieth of train_steps, as early reconstructions miss the "
        "target by far",
        low=0,
    )

    def make(self, context, weight):
        usual = context.train_steps // 20
        dual = self.variable("distortion", self.target_distortion, usual)
        return {"distortion": (dual, distortion), "rate": (weight, rate)}
