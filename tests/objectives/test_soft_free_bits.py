"""The weight of soft free bits: the published path, its bounds, and where the rate ends."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.objectives import LearnedWeight, Objective, SoftFreeBits, distortion, rate


def path(rates, **options):
    """gamma after each rate; the floor is 2 nats."""
    weight = SoftFreeBits(2.0, **options)
    weight.build()
    found = []
    for step, nats in enumerate(rates):
        weight.feed(tf.constant(step, tf.int64), {"rate": tf.constant(float(nats))})
        found.append(float(weight(step)))
    return np.array(found)


def test_the_published_path():
    """Between lambda and 1.05 lambda it stays."""
    found = path([0.5, 0.5, 1.9, 2.05, 2.3])
    np.testing.assert_allclose(found, [0.9, 0.81, 0.729, 0.729, 0.8019], rtol=1e-6)


def test_it_is_never_above_1_and_comes_back_from_its_least_value():
    assert np.all(path([9.0] * 3) == 1.0)
    low = path([0.0] * 200 + [9.0] * 97)
    assert low[199] == np.float32(1e-4) and low[-2] < 1.0 == low[-1]
    np.testing.assert_array_equal(path([0.5, float("nan")]), path([0.5, 2.0]))


def test_tolerance_and_change_are_its_own():
    np.testing.assert_allclose(path([1.0, 2.3, 2.7], tolerance=0.3)[1:], [0.9, 0.99], rtol=1e-6)
    np.testing.assert_allclose(path([1.0, 2.3], change=0.5), [0.5, 0.75], rtol=1e-6)


def test_a_rate_that_answers_ends_between_the_floor_and_its_tolerance():
    """rate = 1 / gamma, slowly: the rate of an optimum that moves with its weight."""
    weight, nats = SoftFreeBits(2.0), 0.1
    weight.build()
    seen = []
    for step in range(300):
        nats += 0.2 * (1.0 / float(weight(step)) - nats)
        weight.feed(step, {"rate": tf.constant(nats)})
        seen.append(nats)
    assert 1.7 < np.mean(seen[100:]) < 2.4 and np.ptp(seen[100:]) < 1.5


def test_it_is_a_weight_of_the_objective_with_a_state():
    weight = SoftFreeBits(3.0)
    objective = Objective({"distortion": distortion, "rate": (weight, rate)})
    objective.build(None)
    held = objective.state()
    objective.build(None)
    assert set(held) == {"rate_weight"} and weight.state()["weight"] is held["rate_weight"]
    objective.feed(tf.constant(0), {"rate": tf.constant(1.0)})
    assert float(held["rate_weight"]) == pytest.approx(0.9)
    # judged at weight 1, and never said to be on its way
    assert objective.judge({"distortion": 5.0, "rate": 2.0}) == 7.0 and objective.settled(0)


class Last(LearnedWeight):
    """The rate of the step before."""

    nats = tf.constant(0.0)

    def build(self):
        pass

    def __call__(self, step):
        return self.nats

    def feed(self, step, logs):
        self.nats = logs["rate"]

    def state(self):
        return {"nats": self.nats}


def test_a_learned_weight_of_one_s_own_is_fed_and_kept():
    objective = Objective({"distortion": distortion, "rate": (Last(), rate)})
    objective.feed(tf.constant(0), {"rate": tf.constant(3.0)})
    assert float(objective.state()["rate_nats"]) == 3.0
    assert float(objective.terms["rate"][0](1)) == 3.0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"floor": -1.0}, "floor of soft free bits must be .*, got -1"),
        ({"floor": 1.0, "tolerance": -0.1}, "tolerance of soft free bits must be .*, got -0.1"),
        ({"floor": 1.0, "change": 1.0}, "must lie between 0 and 1, got 1.0"),
    ],
)
def test_refusals(wrong, said):
    with pytest.raises(UserError, match=said):
        SoftFreeBits(**wrong)
