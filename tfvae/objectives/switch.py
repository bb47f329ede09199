"""A weight that becomes another one when something happens."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfvae.checks import built
from tfvae.objectives.bound_terms import rate
from tfvae.objectives.parts import RemedyPart
from tfvae.parts import facts, part, setting
from tfvae.schedules import Constant, Schedule, ramp, weighted

__all__ = ["Switch"]


class Switch:
    """w(step) = before(step) until it is turned on at step s, then after(step - s).

    For remedies that are switched on while a model learns: annealing that begins anew is
    `Switch(1.0, Linear(0.0, 1.0, steps))` on the rate; free bits are a `Switch(1.0, 0.0)` on the rate
    and a `Switch(0.0, 1.0)` on the rate with its floor. The step s is in checkpoints.

    Args:
        before: a number or a `Schedule`.
        after: the same; its clock begins when the switch is turned.
        name: what is said to have been turned on.
    """

    def __init__(self, before, after, name: str = "switch"):
        self.name = name
        self.before, self.after = _schedule(before), _schedule(after)
        self._since = None

    def build(self) -> None:
        """Makes the state; under the strategy's scope."""
        if self._since is None:
            self._since = tf.Variable(-1, trainable=False, dtype=tf.int64, name="switched_on")

    @property
    def on(self) -> bool:
        """Whether it was turned."""
        return self._since is not None and int(self._since.numpy()) >= 0

    def turn_on(self, step: int) -> None:
        """From this step on it is the other weight; a second time begins that anew."""
        built(self, self._since).assign(step)

    def __call__(self, step) -> tf.Tensor:
        """w, scalar float32."""
        since, step = built(self, self._since).read_value(), tf.cast(step, tf.int64)
        return tf.where(since < 0, self.before(step), self.after(tf.maximum(step - since, 0)))

    def state(self) -> dict[str, Any]:
        """For checkpoints."""
        return {"since": self._since}


def _schedule(weight) -> Schedule:
    return weight if isinstance(weight, Schedule) else Constant(float(weight))


@part
class Say(RemedyPart):
    """Say so."""

    name = "say"


@part
class BeginAnnealing(RemedyPart):
    """Say so, and begin annealing anew."""

    name = "annealing"
    needs = facts("rate_weight prior_without_rows unrefined")
    annealing_start: float = setting(0.0, "the weight where it starts to rise", low=0.0)
    annealing_steps: int | None = setting(None, "of the ramp; none: a fifth of train_steps", low=1)

    def weight(self, weight, context):
        shape = ramp(self.annealing_start, self.annealing_steps, context.train_steps)
        beta = context.point["rate_weight"].beta
        return Switch(weight, weighted(beta, shape), "annealing")


@part
class SwitchFreeBits(RemedyPart):
    """Say so, and switch free bits on; before, the whole rate is paid."""

    name = "free_bits"
    needs = facts("floor rate_weight prior_without_rows unrefined")

    def terms(self, terms, context):
        weight, floor = terms["free_bits"]
        beta = context.point["rate_weight"].beta
        return {
            "rate": (Switch(weight, 0.0, "free bits"), rate),
            "free_bits": (Switch(0.0, beta, "free bits"), floor),
        }
