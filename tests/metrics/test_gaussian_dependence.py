"""TC of Gaussians in closed form, and what a diagnosis says of a code that is multiplied by noise."""

import numpy as np
import pytest

import zoo
from tfvae import diagnosis, metrics
from tfvae.checks import UserError
from zoo.modalities import images

S3 = np.array([[1.0, 0.5, 0.2], [0.5, 2.0, -0.3], [0.2, -0.3, 0.5]])


def _exactly(covariance, number=50):
    """Numbers whose sample covariance is that, and not about that."""
    x = np.random.default_rng(0).normal(size=(number, len(covariance)))
    x -= x.mean(0)
    x = np.linalg.solve(np.linalg.cholesky(x.T @ x / number), x.T).T
    return 3.0 + x @ np.linalg.cholesky(covariance).T


@pytest.mark.parametrize(
    ("covariance", "golden"),
    [([[1.0, 0.9], [0.9, 1.0]], 0.830366), (S3, 0.219252), (np.diag([1.0, 4.0, 9.0]), 0.0)],
)
def test_it_is_the_closed_form_in_any_units(covariance, golden):
    x = _exactly(np.asarray(covariance))
    assert metrics.gaussian_total_correlation(x) == pytest.approx(golden, abs=1e-6)
    moved = x * np.array([1e-3, 5.0, 1e4])[: x.shape[1]] - 7.0
    assert metrics.gaussian_total_correlation(moved) == pytest.approx(golden, abs=1e-6)
    constant = np.concatenate([x, np.ones([len(x), 1])], 1)
    assert metrics.gaussian_total_correlation(constant) == pytest.approx(golden, abs=1e-6)


def test_what_is_dependent_is_infinite_and_too_few_are_refused():
    x = np.arange(5.0)
    assert metrics.gaussian_total_correlation(np.stack([x, -2 * x], 1)) == np.inf
    with pytest.raises(UserError, match="correlations of 5 numbers need more than 5 examples"):
        metrics.gaussian_total_correlation(np.zeros([5, 5]))


def test_a_diagnosis_says_it_of_a_positive_code_by_number():
    rng = np.random.default_rng(0)
    x = (rng.random((200, 8, 8, 1)) < rng.choice([0.15, 0.85], (200, 1, 1, 1))).astype("float32")
    given = {"backbone": "mlp", "latent_width": 4}
    space = images.Space((8, 8, 1), 1)
    for more, there in (
        ({}, True),
        ({"code_activation": "relu", "prior": "log_uniform"}, False),
        ({"posterior": "gaussian", "prior": "normal"}, False),
    ):
        model = zoo.build("information_dropout", "digits", space, **given, **more)
        found = diagnosis.measure(model, x, num_samples=2, nll_examples=2, seed=3)
        assert ("log_total_correlation" in found) == there
        if there:
            said = found["log_total_correlation"]
            assert 0.0 < said < 1.0
            few = diagnosis.measure(model, x[:4], num_samples=2)
            assert few["log_total_correlation"] is None
            # by number: of a z of twice the same numbers there would be more
            z = np.asarray(model.posterior(x).distribution.size)
            clean = metrics.gaussian_total_correlation(np.log(z)) / 4
            assert clean > said  # noise of each number by itself hides what they share
