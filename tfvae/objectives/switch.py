"""A weight that becomes another one when something happens."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfvae.schedules import Constant, Schedule

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
        self._since.assign(step)

    def __call__(self, step) -> tf.Tensor:
        """w, scalar float32."""
        since, step = self._since.read_value(), tf.cast(step, tf.int64)
        return tf.where(since < 0, self.before(step), self.after(tf.maximum(step - since, 0)))

    def state(self) -> dict[str, Any]:
        """For checkpoints."""
        return {"since": self._since}


def _schedule(weight) -> Schedule:
    return weight if isinstance(weight, Schedule) else Constant(float(weight))
