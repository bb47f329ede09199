"""Annealed importance sampling and its reverse, against a linear model whose posterior can be drawn from."""

import numpy as np
import pytest

from tests import linear_gaussian, models
from tests.linear_gaussian import GOLDEN_LOG_P, golden, golden_data
from tfvae.checks import UserError
from tfvae.diagnosis.annealing import annealed, temperatures


def test_the_temperatures_are_the_published_ones():
    expected = [
        0,
        0.046675,
        0.136624,
        0.287278,
        0.488768,
        0.690258,
        0.840912,
        0.930862,
        0.977537,
        1,
    ]
    np.testing.assert_allclose(temperatures(10), expected, atol=5e-7)


@pytest.mark.statistical
def test_both_ways_enclose_the_golden_log_p():
    """40 examples of 50 chains, 100 temperatures: means of log w below and above, by four standard errors.

    Published for 2,000 chains: -3.478 of the mean of w, -3.532 and -3.322 of the means of log w.
    """
    model, x = golden(), golden_data(40)
    mean, _ = linear_gaussian.exact_posterior(model, x[:1])
    kernel = model.decoder.get_weights()[0]
    covariance = np.linalg.inv(kernel @ kernel.T / 0.5 + np.eye(2))
    rng = np.random.default_rng(0)
    z = rng.multivariate_normal(mean[0], covariance, 40).astype(np.float32)
    lower = annealed(model, x, 100, 50)
    upper = annealed(model, x, 100, 50, exact=z)
    for found, sign in ((lower, 1), (upper, -1)):
        error = 4 * found.mean.std() / np.sqrt(40)
        assert error < 0.06
        assert sign * (GOLDEN_LOG_P - found.mean.mean()) > -error  # on its own side
        assert abs(found.mean.mean() - GOLDEN_LOG_P) < 0.25
        assert found.estimate.mean() == pytest.approx(GOLDEN_LOG_P, abs=0.05)
        assert 0.5 < found.accepted.mean() <= 1
    assert lower.mean.mean() < GOLDEN_LOG_P < upper.mean.mean()


def test_a_likelihood_that_z_does_not_change_is_log_p_in_every_chain():
    """Whatever the temperatures: log w is a sum of differences times a constant."""
    model, x = golden(), golden_data(3)
    model.decoder.network.output_layer.kernel.assign(np.zeros((2, 3)))
    log_p = -0.5 * (np.sum(x[0] ** 2) / 0.5 + 3 * np.log(2 * np.pi * 0.5))
    for exact in (None, np.zeros((3, 2), np.float32)):
        found = annealed(model, x, 7, 4, exact=exact)
        np.testing.assert_allclose([found.estimate, found.mean], log_p, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "given", "says"),
    [
        (models.discrete, {}, "a DiscreteLatent has no such densities"),
        (models.exact, {}, "a NoLatent has no such densities"),
        (models.associative, {}, "an? AssociativeLatent has no such densities"),
        (models.plain, {"number": 1}, "number of temperatures must be 2 or more, got 1"),
        (models.plain, {"chains": 0}, "chains must be a whole number from 1 on"),
    ],
)
def test_what_cannot_be_annealed_is_refused(make, given, says):
    with pytest.raises(UserError, match=says):
        annealed(make(), models.images(2), **given)
