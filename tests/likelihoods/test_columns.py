"""Columns of a table: against SciPy and NumPy, TFP, its own samples, and what a wrong table is."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from tfvae.checks import UserError
from tfvae.likelihoods import Columns
from tfvae.randomness import seed_of

GROUPS = (1, 3, 1, 2)  # a number, three kinds, a number, two kinds
RNG = np.random.default_rng(0)
PARAMETERS = RNG.normal(size=(5, 9)).astype(np.float32)  # 7 columns, 2 log-variances
X = np.zeros((5, 7), np.float32)
X[:, [0, 4]] = RNG.normal(size=(5, 2))
X[np.arange(5), 1 + np.arange(5) % 3] = 1
X[np.arange(5), 5 + np.arange(5) % 2] = 1


def _log_prob(parameters, x):
    p = parameters.astype(np.float64)
    numbers = stats.norm.logpdf(x[:, [0, 4]], p[:, [0, 4]], np.exp(0.5 * p[:, 7:])).sum(1)
    kinds = sum(
        (special.log_softmax(p[:, a:b], axis=1) * x[:, a:b]).sum(1) for a, b in ((1, 4), (5, 7))
    )
    return numbers + kinds


def test_a_row_is_the_sum_of_its_columns():
    likelihood = Columns(GROUPS)
    got = likelihood.log_prob(PARAMETERS, X).numpy()
    np.testing.assert_allclose(got, _log_prob(PARAMETERS, X), rtol=2e-6)
    np.testing.assert_allclose(got, likelihood.distribution(PARAMETERS).log_prob(X), rtol=2e-6)
    half = tf.cast(PARAMETERS, tf.bfloat16)
    assert likelihood.log_prob(half, X).dtype == tf.float32
    assert likelihood.parameter_size(7) == 9 and likelihood.width == 7
    # of one group each, it is the likelihood that this is alone
    assert Columns((1,)).density and not Columns((4, 2)).density
    np.testing.assert_allclose(
        Columns((3,)).log_prob(PARAMETERS[:, 1:4], X[:, 1:4]),
        (special.log_softmax(PARAMETERS[:, 1:4], axis=1) * X[:, 1:4]).sum(1),
        rtol=2e-6,
    )
    np.testing.assert_array_equal(likelihood.units(X), np.full(5, 4.0))


def test_mean_mode_and_a_number_that_tells_itself():
    likelihood = Columns(GROUPS)
    mean, mode = likelihood.mean(PARAMETERS).numpy(), likelihood.mode(PARAMETERS).numpy()
    np.testing.assert_array_equal(mean[:, [0, 4]], PARAMETERS[:, [0, 4]])
    np.testing.assert_allclose(
        mean[:, 1:4], special.softmax(PARAMETERS[:, 1:4].astype(np.float64), axis=1), rtol=1e-5
    )
    np.testing.assert_array_equal(mode[:, 5:].argmax(1), PARAMETERS[:, 5:7].argmax(1))
    assert np.all(likelihood.log_prob(PARAMETERS, mode) >= likelihood.log_prob(PARAMETERS, X))
    likelihood.check(mode)
    certain = np.zeros((1, 9), np.float32)
    certain[0, 7:] = -1e4  # held at a log-variance of -10
    np.testing.assert_allclose(
        likelihood.log_prob(certain, np.float32([[0, 1, 0, 0, 0, 1, 0]])),
        [2 * (5 - 0.5 * np.log(2 * np.pi)) - np.log(6)],
        rtol=1e-6,
    )


@pytest.mark.statistical
def test_samples_follow_their_columns():
    """40,000 rows: means, variances, frequencies within 5 standard errors (false fails below 1e-5)."""
    n, likelihood = 40_000, Columns(GROUPS)
    p = PARAMETERS[0].astype(np.float64)
    x = likelihood.sample(np.broadcast_to(PARAMETERS[:1], (n, 9)), seed_of(3)).numpy()
    likelihood.check(x)
    for column, log_variance in ((0, p[7]), (4, p[8])):
        sd = np.exp(0.5 * log_variance)
        assert abs(x[:, column].mean() - p[column]) < 5 * sd / np.sqrt(n)
        assert abs(x[:, column].var() / sd**2 - 1) < 5 * np.sqrt(2 / n)
    for a, b in ((1, 4), (5, 7)):
        mass = special.softmax(p[a:b])
        assert np.all(np.abs(x[:, a:b].mean(0) - mass) < 5 * np.sqrt(mass * (1 - mass) / n))
    # and the columns do not hang together
    table = np.corrcoef(x[:, [0, 4, 1, 5]].T)
    assert np.all(np.abs(table[np.triu_indices(4, 1)]) < 5 / np.sqrt(n))


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (X[:, :6], r"\[N, 7\]"),
        (X[0], r"\[N, 7\]"),
        (np.where(X[0, 0] == X, np.nan, X), "finite"),
        (np.where(X[0, 0] == X, 1e39, X.astype(np.float64)), "finite"),
        (X + np.eye(7, dtype=np.float32)[2], "one-hot in its columns 1 to 3"),
        (X * np.float32([1, 1, 1, 1, 1, 0, 1]), "one-hot in its columns 5 to 6"),
    ],
)
def test_another_table_is_refused(x, says):
    with pytest.raises(UserError, match=says):
        Columns(GROUPS).check(x)


@pytest.mark.parametrize("groups", [(), (0,), (1, -2), (1.5,), ("a",)])
def test_groups_are_numbers_of_columns(groups):
    with pytest.raises(UserError, match="groups must"):
        Columns(groups)
    with pytest.raises(UserError, match="the 7 columns"):
        Columns(GROUPS).parameter_size(6)


def test_it_is_saved_and_loaded():
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(Columns(list(GROUPS)))
    )
    np.testing.assert_array_equal(
        copy.log_prob(PARAMETERS, X), Columns(GROUPS).log_prob(PARAMETERS, X)
    )
