"""Schedules: the published tables, the averages of a cycle, and one clock that no schedule holds."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.schedules import (
    LAST,
    Constant,
    Cosine,
    Cyclical,
    Exponential,
    Linear,
    Piecewise,
    Restarts,
    Scaled,
    Sigmoid,
    TriplingRate,
)


def values(schedule, steps):
    """As training asks: an int64 tensor within a `tf.function`."""
    function = tf.function(schedule.__call__)
    found = [function(tf.constant(int(step), tf.int64)) for step in steps]
    assert all(v.dtype == tf.float32 and v.shape == () for v in found)
    return np.array([float(v) for v in found])


def test_sigmoid_golden():
    steps = [0, 1250, 2500, 5000, 10000]
    golden = [0.001926735, 0.042087728, 0.5, 0.998073265, 0.999999993]
    np.testing.assert_allclose(values(Sigmoid(0.0025, 2500), steps), golden, rtol=2e-6)


GOLDEN_STEPS = [0, 1250, 2500, 3750, 5000, 5001, 7500, 9999, 10000, 12500, 39999]
GOLDEN = {  # the published t counts from 1
    "linear": [0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 0, 0.5, 1],
    "sigmoid": [
        *(0.00247262, 0.04742587, 0.5, 0.95257413, 0.99752738, 1, 1, 1),
        *(0.00247262, 0.5, 1),
    ],
    "cosine": [0, 0.14644661, 0.5, 0.85355339, 1, 1, 1, 1, 0, 0.5, 1],
}


@pytest.mark.parametrize("shape", GOLDEN)
def test_cyclical_golden(shape):
    found = values(Cyclical(40000, 4, 0.5, shape), GOLDEN_STEPS)
    np.testing.assert_allclose(found, GOLDEN[shape], rtol=1e-6, atol=1e-7)


def published(step, steps, cycles, ratio, f):
    """beta_t of the released notebook, t from 1."""
    tau = (step % math.ceil(steps / cycles)) / (steps / cycles)
    return f(tau / ratio) if tau <= ratio else 1.0


SHAPES = {
    "linear": lambda v: v,
    "sigmoid": lambda v: 1 / (1 + math.exp(-(12 * v - 6))),
    "cosine": lambda v: 0.5 - 0.5 * math.cos(math.pi * v),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("steps, cycles, ratio", [(40, 4, 0.5), (103, 4, 0.5), (60, 3, 0.8)])
def test_every_step_of_a_cycle_is_the_published_one(shape, steps, cycles, ratio):
    found = values(Cyclical(steps, cycles, ratio, shape), range(steps))
    wanted = [published(t, steps, cycles, ratio, SHAPES[shape]) for t in range(steps)]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    # beta is at its lowest once in each cycle
    assert (found == found.min()).sum() == cycles


@pytest.mark.parametrize("shape", SHAPES)
def test_the_average_over_time_is_one_less_half_the_ratio(shape):
    for ratio in (0.25, 0.5, 1.0):
        every = Cyclical(4000, 4, ratio, shape)(tf.range(4000, dtype=tf.int64))
        assert float(tf.reduce_mean(every)) == pytest.approx(1 - ratio / 2, abs=4 / 4000)
    if shape == "linear":
        assert values(Cyclical(40), range(40)).mean() == pytest.approx(0.7, rel=1e-6)
        long = Cyclical(40000)(tf.range(40000, dtype=tf.int64))
        assert float(np.mean(long.numpy(), dtype=float)) == pytest.approx(0.74995, abs=2e-6)


def test_limits_of_a_cycle():
    np.testing.assert_array_equal(values(Cyclical(40, 4, ratio=0.0), range(40)), 1.0)
    one = values(Cyclical(40, 1, 0.25), range(40))  # the monotonic baseline
    np.testing.assert_allclose(one, values(Linear(0.0, 1.0, 10), range(40)), rtol=1e-6)
    np.testing.assert_array_equal(values(Cyclical(40), [40, 41, 45, 400]), 1.0)
    raised = values(Cyclical(40, first=0.1), range(40))
    np.testing.assert_allclose(raised, 0.1 + 0.9 * values(Cyclical(40), range(40)), rtol=1e-6)


def test_late_steps_are_whole_numbers_still():
    """Float32 knows no odd integer above 2^24: the place in the cycle is counted in int64."""
    steps, late = 80_000_000, 60_000_001
    schedule = Cyclical(steps, steps // 4)  # cycles of four steps: 0, 1/2, 1, 1
    np.testing.assert_array_equal(values(schedule, range(late - 1, late + 3)), [0, 0.5, 1, 1])


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"shape": "linaer"}, "unknown shape of a cycle 'linaer'; did you mean linear"),
        ({"ratio": 1.5}, "ratio of a cycle must be a number from 0.0 to 1.0, got 1.5"),
        ({"cycles": 0}, "number of cycles must be a number above 0, got 0"),
        ({"steps": 0}, "steps of the cycles must be a number above 0, got 0"),
    ],
)
def test_what_is_no_cycle_is_refused(wrong, said):
    with pytest.raises(UserError, match=said):
        Cyclical(**{"steps": 40, **wrong})


def test_restarts_are_those_of_the_released_learning_rate():
    """lr = 1e-3 (1 + cos(pi ((e - 1) mod 10) / 10)) / 2 at the epochs e = 1 .. 40 of 50 steps."""
    epochs = np.arange(1, 41)
    wanted = 1e-3 * 0.5 * (1 + np.cos(np.pi * ((epochs - 1) % 10) / 10))
    found = values(Restarts(1e-3, 40 * 50, 4), (epochs - 1) * 50)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-9)
    assert (np.diff(values(Restarts(1.0, 40), range(10))) < 0).all()


def test_the_stages_of_an_iwae_are_the_published_ones():
    """Stage i = 1 .. 8 has 3^(i - 1) of 3,280 epochs, at 1e-4 round(10^(1 - (i - 1) / 7), 1)."""
    epochs, wanted = 3280, []
    for stage in range(1, 9):
        wanted += [1e-4 * round(10 ** (1 - (stage - 1) / 7), 1)] * 3 ** (stage - 1)
    found = values(TriplingRate().make(None, 1e-3, epochs), range(epochs))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert values(TriplingRate().make(None, 1.0, 3), [0, 1, 2, 9])[-1] == np.float32(0.1)


def test_ramps_and_stairs():
    np.testing.assert_allclose(
        values(Linear(0.1, 1.0, 10), [0, 5, 10, 99]), [0.1, 0.55, 1, 1], rtol=1e-6
    )
    np.testing.assert_allclose(
        values(Cosine(2.0, 1.0, 10), [0, 5, 10, 99]), [2, 1.5, 1, 1], rtol=1e-6
    )
    np.testing.assert_allclose(
        values(Exponential(1e-3, 0.5), [0, 1, 3]), [1e-3, 5e-4, 1.25e-4], rtol=1e-6
    )
    np.testing.assert_array_equal(
        values(Piecewise((2, 5), (1.0, 2.0, 3.0)), [0, 1, 2, 4, 5, 9]), [1, 1, 2, 2, 3, 3]
    )
    np.testing.assert_array_equal(values(Constant(0.25), [0, 7]), 0.25)
    np.testing.assert_array_equal(
        values(Scaled(0.5, Linear(0.0, 1.0, 4)), [0, 2, 9]), [0, 0.25, 0.5]
    )


@pytest.mark.parametrize(
    ("schedule", "end"),
    [
        (Linear(0.0, 0.7, 10), 0.7),
        (Cosine(1.0, 0.2, 10), 0.2),
        (Sigmoid(0.01, 500.0), 1.0),
        (Cyclical(40, 4, 0.5), 1.0),
        (Piecewise((3, 9), (1.0, 2.0, 3.0)), 3.0),
    ],
)
def test_at_the_last_step_a_schedule_has_what_it_ends_with(schedule, end):
    assert float(schedule(LAST)) == pytest.approx(end, rel=1e-6)
