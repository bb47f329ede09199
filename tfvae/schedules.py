"""Weights that depend on the step: small frozen values, called with the step of the procedure.

    w = schedule(step),   step a scalar integer tensor, w a scalar float32 tensor

There is one clock, the procedure's step counter; a schedule holds no state, so a resumed run needs
nothing from it.
"""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from tfvae.checks import UserError, finite, one_of, positive, within
from tfvae.parts import Part, facts, part, setting

__all__ = [
    "LAST",
    "Constant",
    "Cosine",
    "Cyclical",
    "Exponential",
    "Linear",
    "Piecewise",
    "Restarts",
    "Scaled",
    "Schedule",
    "Sigmoid",
]

LAST = 2**31 - 1  # a step after which no schedule changes any more
_PI = 3.14159265358979


class Schedule:
    """Abstract: a function of the step."""

    def __call__(self, step) -> tf.Tensor:
        """The value at `step`, scalar float32."""
        raise NotImplementedError(type(self).__name__)


@dataclasses.dataclass(frozen=True)
class Constant(Schedule):
    """w = value."""

    value: float

    def __post_init__(self):
        finite("a constant weight", self.value)

    def __call__(self, step) -> tf.Tensor:
        del step
        return tf.constant(self.value, tf.float32)


@dataclasses.dataclass(frozen=True)
class Linear(Schedule):
    """w = first + (last - first) * min(1, step / steps)."""

    first: float
    last: float
    steps: int

    def __post_init__(self):
        finite("first weight", self.first)
        finite("last weight", self.last)
        positive("steps of a schedule", self.steps)

    def __call__(self, step) -> tf.Tensor:
        done = tf.minimum(tf.cast(step, tf.float32) / float(self.steps), 1.0)
        return self.first + (self.last - self.first) * done


@dataclasses.dataclass(frozen=True)
class Cosine(Schedule):
    """w = last + (first - last) * (1 + cos(pi * min(1, step / steps))) / 2."""

    first: float
    last: float
    steps: int

    def __post_init__(self):
        finite("first weight", self.first)
        finite("last weight", self.last)
        positive("steps of a schedule", self.steps)

    def __call__(self, step) -> tf.Tensor:
        done = tf.minimum(tf.cast(step, tf.float32) / float(self.steps), 1.0)
        return self.last + (self.first - self.last) * 0.5 * (1.0 + tf.cos(_PI * done))


@dataclasses.dataclass(frozen=True)
class Sigmoid(Schedule):
    """w = 1 / (1 + exp(-slope * (step - midpoint)))  (Bowman et al. 2016, section 3)."""

    slope: float
    midpoint: float

    def __post_init__(self):
        finite("slope of a sigmoid", self.slope)
        finite("midpoint of a sigmoid", self.midpoint)

    def __call__(self, step) -> tf.Tensor:
        return tf.sigmoid(self.slope * (tf.cast(step, tf.float32) - self.midpoint))


def _place_in_cycle(step, steps: int, cycles: int) -> tf.Tensor:
    """(step mod ceil(T / M)) / (T / M), scalar float32: where a step lies in its cycle."""
    length = -(-steps // cycles)  # as published: whole steps, while tau is of the true length
    within = tf.cast(step, tf.int64) % length
    return tf.cast(tf.cast(within, tf.float64) / (steps / cycles), tf.float32)


@dataclasses.dataclass(frozen=True)
class Cyclical(Schedule):
    """w = f(tau / ratio) if tau <= ratio else 1, tau the place in one of `cycles` equal cycles.

    f(v) = v (linear), sigmoid(12 v - 6) (sigmoid), (1 - cos(pi v)) / 2 (cosine); raised to start at
    `first`: first + (1 - first) f. Fu et al. 2019, eq. 6 to 8; their t counts from 1, steps here
    from 0. After `steps` the weight stays 1: a run must not end within a ramp.
    """

    steps: int
    cycles: int = 4
    ratio: float = 0.5
    shape: str = "linear"
    first: float = 0.0

    _SHAPES = ("linear", "sigmoid", "cosine")

    def __post_init__(self):
        one_of("shape of a cycle", self.shape, self._SHAPES)
        finite("first weight of a cycle", self.first)
        within("ratio of a cycle", self.ratio, 0.0, 1.0)
        positive("steps of the cycles", self.steps)
        positive("number of cycles", self.cycles)

    def __call__(self, step) -> tf.Tensor:
        place = _place_in_cycle(step, self.steps, self.cycles)
        if self.ratio == 0:
            return tf.ones_like(place)
        v = place / self.ratio
        risen = {
            "linear": lambda: v,
            "sigmoid": lambda: tf.sigmoid(12.0 * v - 6.0),
            "cosine": lambda: 0.5 - 0.5 * tf.cos(_PI * v),
        }[self.shape]()
        over = tf.logical_or(place > self.ratio, tf.cast(step, tf.int64) >= self.steps)
        return tf.where(over, 1.0, self.first + (1.0 - self.first) * risen)


@dataclasses.dataclass(frozen=True)
class Restarts(Schedule):
    """w = first * (1 + cos(pi tau)) / 2, tau the place in the cycle: down to 0 and up again.

    The learning rate of the released code of Fu et al. 2019, which goes with the cycles of beta.
    """

    first: float
    steps: int
    cycles: int = 4

    def __post_init__(self):
        finite("first value of a cycle", self.first)
        positive("steps of the cycles", self.steps)
        positive("number of cycles", self.cycles)

    def __call__(self, step) -> tf.Tensor:
        return (
            self.first * 0.5 * (1.0 + tf.cos(_PI * _place_in_cycle(step, self.steps, self.cycles)))
        )


@dataclasses.dataclass(frozen=True)
class Scaled(Schedule):
    """w = factor * schedule(step)."""

    factor: float
    schedule: Schedule

    def __post_init__(self):
        finite("factor of a schedule", self.factor)

    def __call__(self, step) -> tf.Tensor:
        return self.factor * self.schedule(step)


@dataclasses.dataclass(frozen=True)
class Exponential(Schedule):
    """w = first * factor ** step  (PixelCNN++: 1e-3 * 0.999995 ** step)."""

    first: float
    factor: float

    def __post_init__(self):
        finite("first value", self.first)
        finite("factor of a step", self.factor)

    def __call__(self, step) -> tf.Tensor:
        return self.first * tf.pow(self.factor, tf.cast(step, tf.float32))


@dataclasses.dataclass(frozen=True)
class Piecewise(Schedule):
    """w = values[i] for boundaries[i-1] <= step < boundaries[i]; one value more than boundaries."""

    boundaries: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self):
        if len(self.values) != len(self.boundaries) + 1:
            raise UserError(
                f"Piecewise needs one value more than boundaries, got {len(self.values)} values "
                f"and {len(self.boundaries)} boundaries"
            )

    def __call__(self, step) -> tf.Tensor:
        passed = tf.cast(step, tf.int64) >= tf.constant(self.boundaries, tf.int64)
        return tf.gather(
            tf.constant(self.values, tf.float32), tf.reduce_sum(tf.cast(passed, tf.int32))
        )


# ------------------------------------------------------------------ parts: the weight of the rate


class _RateWeight(Part):
    """`make` gives the schedule of the weight."""

    place = "rate_weight"
    offers = facts("rate_weight")


def weighted(beta: float, shape: Schedule) -> Schedule:
    """beta times the shape."""
    if beta == 1.0:
        return shape
    return Constant(beta) if isinstance(shape, Constant) else Scaled(beta, shape)


def _beta():
    return setting(1.0, "weight of the rate, once it is annealed", low=0.0)


def _start():
    return setting(0.0, "the weight where it starts to rise (He et al.: 0.1)", low=0.0)


def _ramp():
    return setting(None, "of the ramp; none: a fifth of train_steps", low=1)


def ramp(start: float, steps: int | None, train_steps: int) -> Linear:
    """From start to 1, in a fifth of the training where nobody says in how many steps."""
    return Linear(start, 1.0, steps or max(1, train_steps // 5))


@part
class ConstantWeight(_RateWeight):
    """beta."""

    name = "constant"
    beta: float = setting(1.0, "weight of the rate", low=0.0)

    def make(self, context):
        return Constant(self.beta)


@part
class LinearWeight(_RateWeight):
    """Rises to beta on a line, and stays there (Bowman et al. 2016, as most released codes)."""

    name = "linear"
    beta: float = _beta()
    annealing_start: float = _start()
    annealing_steps: int | None = _ramp()

    def make(self, context):
        shape = ramp(self.annealing_start, self.annealing_steps, context.train_steps)
        return weighted(self.beta, shape)


@part
class SigmoidWeight(_RateWeight):
    """beta sigmoid(k (step - midpoint)) (Bowman et al. 2016)."""

    name = "sigmoid"
    beta: float = _beta()
    annealing_slope: float | None = setting(
        None, "k of sigmoid(k (step - midpoint)); none: 6 / midpoint", low=1e-12
    )
    annealing_midpoint: float | None = setting(
        None, "in steps; none: a tenth of train_steps", low=0.0
    )

    def make(self, context):
        middle, slope = self.annealing_midpoint, self.annealing_slope
        if middle is None:
            middle = max(1.0, context.train_steps / 10)
        if slope is None and middle == 0:
            raise UserError(
                "annealing_midpoint=0 leaves no slope of its own (6 / midpoint): say annealing_slope=..."
            )
        return weighted(self.beta, Sigmoid(6.0 / middle if slope is None else slope, middle))


@part
class CyclicalWeight(_RateWeight):
    """Rises to beta again and again (Fu et al. 2019)."""

    name = "cyclical"
    beta: float = _beta()
    annealing_start: float = _start()
    cycles: int = setting(4, "M", low=1)
    cycle_ratio: float = setting(0.5, "R: the part of a cycle that rises", low=0.0, high=1.0)
    cycle_shape: str = setting(
        "linear", "how a cycle rises", choices=("linear", "sigmoid", "cosine")
    )

    def make(self, context):
        shape = Cyclical(
            context.train_steps,
            self.cycles,
            self.cycle_ratio,
            self.cycle_shape,
            self.annealing_start,
        )
        return weighted(self.beta, shape)


# ------------------------------------------------------------------ parts: the learning rate


class _Rate(Part):
    """`make(context, rate, steps)` gives its schedule for that many steps from that rate on."""

    place = "learning_rate_schedule"


@part
class ConstantRate(_Rate):
    """The same at every step."""

    name = "constant"

    def make(self, context, rate, steps):
        return Constant(rate)


@part
class DroppingRate(_Rate):
    """A fifth for the last 30 % of the steps."""

    name = "drop"

    def make(self, context, rate, steps):
        return Piecewise((max(1, int(0.7 * steps)),), (rate, rate / 5))


@part
class CosineRate(_Rate):
    """A half wave down to 0."""

    name = "cosine"

    def make(self, context, rate, steps):
        return Cosine(rate, 0.0, steps)


@part
class ExponentialRate(_Rate):
    """Times a number below 1 a step."""

    name = "exponential"
    learning_rate_decay: float = setting(0.999995, "of a step", low=0.9, high=1.0)

    def make(self, context, rate, steps):
        return Exponential(rate, self.learning_rate_decay)


@part
class RestartingRate(_Rate):
    """A cosine again and again."""

    name = "restarts"
    learning_rate_cycles: int = setting(4, "how often", low=1)

    def make(self, context, rate, steps):
        return Restarts(rate, steps, self.learning_rate_cycles)


@part
class TriplingRate(_Rate):
    """Eight stages, each three times as long as the one before, down to a tenth (Burda et al. 2016)."""

    name = "tripling"

    def make(self, context, rate, steps):
        ends = (round(steps * (3**i - 1) / (3**8 - 1)) for i in range(1, 8))
        falls = (round(10 ** (1 - i / 7), 1) / 10 for i in range(8))
        return Piecewise(tuple(ends), tuple(rate * fall for fall in falls))
