"""Weights that depend on the step: small frozen values, called with the step of the procedure.

    w = schedule(step),   step a scalar integer tensor, w a scalar float32 tensor

There is one clock, the procedure's step counter; a schedule holds no state, so a resumed run needs
nothing from it.
"""

from __future__ import annotations

import dataclasses

import tensorflow as tf

__all__ = ["Constant", "Cosine", "Exponential", "Linear", "Piecewise", "Schedule"]


class Schedule:
    """Abstract: a function of the step."""

    def __call__(self, step) -> tf.Tensor:
        """The value at `step`, scalar float32."""
        raise NotImplementedError(type(self).__name__)


@dataclasses.dataclass(frozen=True)
class Constant(Schedule):
    """w = value."""

    value: float

    def __call__(self, step) -> tf.Tensor:
        del step
        return tf.constant(self.value, tf.float32)


@dataclasses.dataclass(frozen=True)
class Linear(Schedule):
    """w = first + (last - first) * min(1, step / steps)."""

    first: float
    last: float
    steps: int

    def __call__(self, step) -> tf.Tensor:
        done = tf.minimum(tf.cast(step, tf.float32) / float(self.steps), 1.0)
        return self.first + (self.last - self.first) * done


@dataclasses.dataclass(frozen=True)
class Cosine(Schedule):
    """w = last + (first - last) * (1 + cos(pi * min(1, step / steps))) / 2."""

    first: float
    last: float
    steps: int

    def __call__(self, step) -> tf.Tensor:
        done = tf.minimum(tf.cast(step, tf.float32) / float(self.steps), 1.0)
        return self.last + (self.first - self.last) * 0.5 * (1.0 + tf.cos(3.14159265358979 * done))


@dataclasses.dataclass(frozen=True)
class Exponential(Schedule):
    """w = first * factor ** step  (PixelCNN++: 1e-3 * 0.999995 ** step)."""

    first: float
    factor: float

    def __call__(self, step) -> tf.Tensor:
        return self.first * tf.pow(self.factor, tf.cast(step, tf.float32))


@dataclasses.dataclass(frozen=True)
class Piecewise(Schedule):
    """w = values[i] for boundaries[i-1] <= step < boundaries[i]; one value more than boundaries."""

    boundaries: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self):
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"Piecewise needs one value more than boundaries, got {len(self.values)} values "
                f"and {len(self.boundaries)} boundaries"
            )

    def __call__(self, step) -> tf.Tensor:
        passed = tf.cast(step, tf.int64) >= tf.constant(self.boundaries, tf.int64)
        return tf.gather(
            tf.constant(self.values, tf.float32), tf.reduce_sum(tf.cast(passed, tf.int32))
        )
