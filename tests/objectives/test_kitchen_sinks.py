"""MMD by random kitchen sinks: golden values, the kernel it stands for, NumPy, groups, replicas."""

import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tests.objectives.test_divergences import CODES
from tfvae.checks import UserError
from tfvae.draw import Draw
from tfvae.objectives import KitchenSinks, between_groups, random_features

W = np.array([[0.2, -1.0, 0.5], [1.3, 0.4, -0.7]], np.float32)
B = np.array([0.1, 2.0, 4.5], np.float32)
GROUP = np.array([0, 0, 1, 1], np.int32)


def draw(z=CODES, label=GROUP, x=None):
    parts = None, tf.convert_to_tensor(z, tf.float32), tf.zeros([4, 1]), tf.zeros(4), {}
    return Draw(x, None, *parts, None if label is None else tf.constant(label, tf.int32))


def of(label, number):
    return tf.one_hot(label, number)


def test_golden_of_the_squared_distance_and_its_symmetry():
    features = random_features(CODES, W, B, 1.0)
    found = float(between_groups(features, of(GROUP, 2)))
    assert found == pytest.approx(3.31887438, rel=1e-6)
    assert found**0.5 == pytest.approx(1.82177781, rel=1e-6)
    assert float(between_groups(features, of(1 - GROUP, 2))) == pytest.approx(found, rel=1e-6)


def test_many_features_are_the_kernel():
    """exp(-|d|^2 / gamma), no other: 4 standard errors of 20 steps of 20,000 features."""
    steps = range(20)
    points = np.array([[0.0, 0.0], [0.7, -0.4]], np.float32)
    term = KitchenSinks(2, gamma=2.0, num_features=20_000)
    found = [float(term(draw(points, [0, 1]), s)) for s in steps]  # 2 - 2 k(d)
    k = 1.0 - np.array(found) / 2.0
    assert abs(k.mean() - np.exp(-0.65 / 2.0)) < 4 * k.std() / 20**0.5
    assert k.std() / 20**0.5 < 2e-3  # exp(-gamma |d|^2) would be 0.2725
    term = KitchenSinks(2, gamma=1.0, num_features=20_000)
    whole = np.array([float(term(draw(), s)) for s in steps])
    assert abs(whole.mean() - 1.29359134) < 4 * whole.std() / 20**0.5 and whole.std() < 0.05


def test_three_groups_by_numpy_and_what_is_not_known_does_not_count():
    rng = np.random.default_rng(0)
    z, label = rng.normal(size=(9, 2)).astype(np.float32), np.array([0, 1, 2, -1, 0, 1, 1, -1, 2])
    psi = np.sqrt(2 / 3) * np.cos(np.sqrt(2 / 3.0) * z.astype(np.float64) @ W + B)
    mean = psi[label >= 0].mean(0)
    by_hand = sum(((psi[label == k].mean(0) - mean) ** 2).sum() for k in range(3))
    groups = of(label, 3)  # zeros where it is -1
    found = between_groups(random_features(z, W, B, 3.0), groups)
    assert float(found) == pytest.approx(by_hand, rel=1e-5)
    term = KitchenSinks(3)
    known = draw(z[label >= 0], label[label >= 0])
    assert float(term(draw(z, label), 4)) == pytest.approx(float(term(known, 4)), rel=1e-5)
    assert float(term(known, 4)) != pytest.approx(float(term(known, 5)), rel=1e-3)


@pytest.mark.parametrize("number", [2, 3])
def test_a_batch_of_one_group_costs_nothing_and_equal_groups_neither(number):
    z = tf.Variable(CODES)
    term = KitchenSinks(number)
    with tf.GradientTape() as tape:
        value = term(draw(z, [1, 1, 1, 1]), 0)
    assert float(value) == pytest.approx(0.0, abs=1e-10)
    assert np.isfinite(tape.gradient(value, z)).all()
    twice = np.repeat(CODES[:2], 2, 0)
    assert float(term(draw(twice, [0, 1, 0, 1]), 0)) == pytest.approx(0.0, abs=1e-8)


def test_a_column_of_x_says_the_group():
    x = np.concatenate([np.full([4, 1], 0.3), np.eye(2)[GROUP], np.full([4, 2], 7.0)], 1)
    term, by_label = KitchenSinks(2, column=1), KitchenSinks(2)
    assert not term.needs_label and by_label.needs_label
    assert float(term(draw(label=None, x=tf.constant(x)), 2)) == float(by_label(draw(), 2))


def test_descent_moves_the_groups_together():
    z = tf.Variable(np.where(GROUP[:, None] == 0, -1.0, 1.0) + 0.1 * CODES, dtype=tf.float32)
    term = KitchenSinks(2)
    begin = abs(float(tf.reduce_mean(z[:2]) - tf.reduce_mean(z[2:])))
    for step in range(60):
        with tf.GradientTape() as tape:
            value = term(draw(z), step)
        z.assign_sub(0.5 * tape.gradient(value, z))
    assert abs(float(tf.reduce_mean(z[:2]) - tf.reduce_mean(z[2:]))) < 0.2 * begin


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: KitchenSinks(1), "num_groups of kitchen sinks must be .*2"),
        (lambda: KitchenSinks(2, gamma=0.0), "gamma of kitchen sinks"),
        (lambda: KitchenSinks(2, column=0).build(models.plain()), "x has the shape"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(make, said):
    with pytest.raises(UserError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
