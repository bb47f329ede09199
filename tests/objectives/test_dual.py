"""Learned weights: the published path, its invariances, and the constraint at the end."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import linear_gaussian
from tfvae.checks import UserError
from tfvae.objectives import DualVariable, Objective, distortion, rate
from tfvae.procedures import Joint, Update
from tfvae.schedules import Piecewise


def path(values, **options):
    """(weight, moving average) after each value of the distortion; the target is 0 if not given."""
    dual = DualVariable("distortion", **{"target": 0.0, "step_size": 0.1, **options})
    dual.build()
    found = []
    for step, value in enumerate(values):
        dual.feed(tf.constant(step, tf.int64), {"distortion": tf.constant(float(value))})
        found.append([float(dual(step)), float(dual.state()["average"])])
    return np.array(found).T


def test_geco_golden():
    weights, averages = path([2, 1, -0.5])
    np.testing.assert_allclose(averages, [2, 1.99, 1.9651], rtol=1e-6)
    np.testing.assert_allclose(weights, [1.221403, 1.490334, 1.813956], rtol=1e-6)


def test_only_the_product_of_constraint_and_step_size_counts():
    values = np.random.default_rng(0).normal(size=30)
    np.testing.assert_allclose(path(values)[0], path(values * 40, step_size=0.1 / 40)[0], rtol=1e-5)
    np.testing.assert_allclose(path(values)[0], path(values + 7, target=7.0)[0], rtol=1e-4)


def test_the_additive_form_is_gradient_ascent():
    values = np.random.default_rng(1).normal(size=20)
    wanted = 1.0 + 0.1 * np.cumsum(values)
    found = path(values, update="additive", ema=0.0, bounds=(-9.0, 9.0))[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_the_price_of_a_critic_s_bottleneck_golden():
    """beta <- max(0, beta + 1e-5 (rate - 0.1)) from 0.1; Peng et al. 2019."""
    shared = {
        "update": "additive",
        "ema": 0.0,
        "step_size": 1e-5,
        "start": 0.1,
        "bounds": (0.0, 1e4),
    }
    found = path([0.3 - 0.1, 0.05 - 0.1, 0.2 - 0.1], **shared)[0]
    np.testing.assert_allclose(found, [0.10000200, 0.10000150, 0.10000250], rtol=0, atol=2e-8)


def test_bounds_steps_and_warm_up():
    low = path([-1e3] * 5, bounds=(0.01, 2.0))[0]
    assert low[-1] == np.float32(0.01) and (low > 0).all()
    assert path([1e3] * 5, bounds=(0.01, 2.0))[0][-1] == 2.0
    assert path([-1e3] * 5, update="additive", bounds=(0.0, 2.0))[0][-1] == 0.0
    capped = path([1e3, 1e3, -1e6], largest_change=0.05, ema=0.0)[0]
    np.testing.assert_allclose(np.log(capped), [0.05, 0.1, 0.05], rtol=1e-5)
    # the average is kept before the weight moves
    late, averages = path([2, 1, -0.5], start_step=2)
    np.testing.assert_allclose(late, [1, 1, np.exp(0.1 * 1.9651)], rtol=1e-6)
    assert averages[1] == pytest.approx(1.99)


def test_it_is_a_weight_of_the_objective_and_moves_after_the_step():
    dual = DualVariable("distortion", 1.0, step_size=0.1)
    objective = Objective({"distortion": (dual, distortion), "rate": rate})
    objective.build(None)
    before = dual.state()["weight"]
    objective.build(None)
    assert dual.state()["weight"] is before  # a second build keeps what was learned
    assert set(objective.state()) == {"distortion_weight", "distortion_average"}
    objective.feed(tf.constant(0), {"distortion": tf.constant(3.0)})
    assert float(dual(0)) == pytest.approx(np.exp(0.2))


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"start": 0.0, "bounds": (0.5, 1.0)}, r"must start within its bounds \(0.5, 1.0\), got 0"),
        ({"bounds": (0.0, 2.0)}, r"multiplicative dual variable must be above 0, got \(0.0, 2.0\)"),
        ({"update": "multiply"}, "did you mean multiplicative"),
    ],
)
def test_refusals(wrong, said):
    with pytest.raises(UserError, match=said):
        DualVariable("rate", 1.0, **wrong)


def test_a_log_that_is_not_there_is_named():
    dual = DualVariable("distorsion", 1.0)
    dual.build()
    with pytest.raises(UserError, match="'distorsion'; did you mean distortion"):
        dual.feed(0, {"distortion": tf.constant(0.0), "rate": tf.constant(0.0)})


# x ~ N(0, diag(4, 1, 0.25)) and s2 = 1/2: distortion = E|x - x^|^2 + constant. At E|x - x^|^2 = 1.25
# the water level is 1/2, the multiplier 1 and the rate ln 4: the methods page, 0.5
EIGENVALUES, RATE, MULTIPLIER = (4.0, 1.0, 0.25), 1.386294, 1.0
CONSTANT = 1.5 * np.log(np.pi)
SLOW = {"step_size": 0.02, "ema": 0.9, "start_step": 200}


def _learned(terms, dual, steps=600):
    # with the distortion of an untrained model the multiplier would first overshoot: 200 steps wait
    model = linear_gaussian.model(3, 3, 0.5)
    x = linear_gaussian.data(EIGENVALUES)
    schedule = Piecewise((steps * 6 // 10, steps * 8 // 10), (3e-2, 1e-2, 2e-3))
    procedure = Joint(Update(Objective(terms), keras.optimizers.Adam()), learning_rate=schedule)
    model.compile(procedure=procedure)
    data = tf.data.Dataset.from_tensors(x).repeat()
    model.fit(data, steps_per_epoch=steps, verbose=0, shuffle=False)
    draws = [model.draw(x, seed) for seed in range(20)]
    square = np.mean([float(tf.reduce_mean(d.distortion)) for d in draws]) - CONSTANT
    paid = float(tf.reduce_mean(tf.reduce_sum(draws[0].rate, -1)))
    return square, paid, float(dual(0))


def test_geco_ends_at_the_least_rate_of_its_constraint():
    dual = DualVariable("distortion", 1.25 + CONSTANT, **SLOW, start=3.0)
    square, paid, weight = _learned({"distortion": (dual, distortion), "rate": rate}, dual)
    assert square == pytest.approx(1.25, rel=0.03)
    assert paid == pytest.approx(RATE, rel=0.03)
    assert weight == pytest.approx(MULTIPLIER, rel=0.03)


def test_a_rate_that_is_watched_comes_to_its_target():
    """The rate ln 4 asks for beta 1 at s2 = 1/2, where the distortion is that of the same level."""
    dual = DualVariable("rate", RATE, **SLOW, start=0.3)
    square, paid, weight = _learned({"distortion": distortion, "rate": (dual, rate)}, dual)
    assert paid == pytest.approx(RATE, rel=0.03)
    assert square == pytest.approx(1.25, rel=0.03)
    assert weight == pytest.approx(1.0, rel=0.05)
