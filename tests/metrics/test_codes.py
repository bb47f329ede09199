"""Nearest neighbours and the linear probe on codes whose accuracy is known."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from tfvae.checks import UserError
from tfvae.metrics import linear_probe_accuracy, nearest_neighbour_accuracy, two_sample_accuracy


def clusters(count, seed, noise):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    centres = 4.0 * np.eye(3, 5) + 1000.0  # far from the origin
    return (centres[labels] + noise * rng.normal(size=(count, 5))).astype(np.float32), labels


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("chunk", [7, 1000])
def test_neighbours_equal_an_independent_search(k, chunk):
    train, labels = clusters(90, 0, 2.5)
    test, wanted = clusters(40, 1, 2.5)
    oracle = KNeighborsClassifier(k, algorithm="brute").fit(train.astype(np.float64), labels)
    votes = np.sort(oracle.predict_proba(test.astype(np.float64)), 1)
    clear = votes[:, -1] > votes[:, -2]  # ties are settled differently
    found = nearest_neighbour_accuracy(train, labels, test[clear], wanted[clear], k, chunk)
    expected = oracle.score(test[clear].astype(np.float64), wanted[clear])
    assert 0.5 < expected < 1.0
    assert found == expected


def test_a_tie_goes_to_the_nearer_and_names_may_be_labels():
    train = np.array([[0.0], [1.0], [2.0], [2.1]])
    names = np.array(["b", "b", "a", "a"])
    assert nearest_neighbour_accuracy(train, names, [[0.9], [1.6]], ["b", "a"], k=4) == 1.0


def test_codes_that_know_and_codes_that_do_not():
    train, labels = clusters(120, 0, 0.1)
    test, wanted = clusters(60, 1, 0.1)
    for accuracy in (nearest_neighbour_accuracy, linear_probe_accuracy):
        assert accuracy(train, labels, test, wanted) == 1.0
        assert accuracy(train * 1e-3, labels, test * 1e-3, wanted) == 1.0  # any unit
        grid = accuracy(train.reshape(-1, 5, 1), labels, test.reshape(-1, 5, 1), wanted)
        assert grid == 1.0
    dead = linear_probe_accuracy(np.zeros_like(train), labels, np.zeros_like(test), wanted)
    assert dead == np.mean(wanted == np.bincount(labels).argmax())


def test_the_probe_is_linear():
    rng = np.random.default_rng(3)
    codes = rng.normal(size=(400, 2))
    labels = (codes[:, 0] * codes[:, 1] > 0).astype(int)  # exclusive or
    split = codes[:200], labels[:200], codes[200:], labels[200:]
    assert linear_probe_accuracy(*split) < 0.65
    assert nearest_neighbour_accuracy(*split) > 0.9


def test_refusals():
    codes, labels = np.zeros((4, 2)), np.zeros(4)
    with pytest.raises(UserError, match="train_labels"):
        nearest_neighbour_accuracy(codes, labels[:3], codes, labels)
    with pytest.raises(UserError, match="k must be"):
        nearest_neighbour_accuracy(codes, labels, codes, labels, k=5)
    with pytest.raises(UserError, match="2 classes"):
        linear_probe_accuracy(codes, labels, codes, labels)


def test_two_samples_are_told_apart_as_far_as_they_are_apart():
    """Two Gaussians of equal spread: the nearest neighbour errs by twice the Bayes risk at most."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 2000, 1))
    assert two_sample_accuracy(one, other) == pytest.approx(0.5, abs=0.03)
    assert two_sample_accuracy(one, other + 9) == 1.0
    assert two_sample_accuracy(one, one + 1e-9) < 0.05  # a copy
    # 1-NN at N -> infinity: 1 - 2 E[p (1 - p)], p the posterior of the first (Cover and Hart 1967)
    z = np.linspace(-9, 11, 20001)
    densities = np.exp(-0.5 * np.stack([z, z - 2]) ** 2) / np.sqrt(2 * np.pi)
    p = densities[0] / densities.sum(0)
    risk = np.sum(p * (1 - p) * densities.sum(0)) * (z[1] - z[0])
    assert two_sample_accuracy(one, other + 2) == pytest.approx(1 - risk, abs=0.03)
    # where all distances are equal nobody can tell
    assert two_sample_accuracy(np.zeros((500, 2)), np.zeros((500, 2))) == pytest.approx(
        0.5, abs=0.1
    )
    with pytest.raises(UserError, match="as many"):
        two_sample_accuracy(one, other[:5])
