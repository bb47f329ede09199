"""The true posterior mean by a grid, against the linear-Gaussian model's closed form."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import linear_gaussian, models
from tfvae import diagnosis
from tfvae.checks import UserError
from tfvae.draw import Pass
from tfvae.latents import GaussianPosterior, StandardNormalPrior, StochasticLatent

tfd = tfp.distributions


class _Gaussian:
    """x | z ~ N(parameters, 1/2)."""

    def preprocess(self, x):
        return x

    def trim(self, x):
        return x

    def log_prob(self, parameters, x):
        return tf.reduce_sum(tfd.Normal(parameters, 0.5**0.5).log_prob(x), -1)


class _LinearGaussian:
    """z ~ N(0, 1), x | z ~ N(2 z, 1/2); at x = 1.5 the posterior is N(2/3, 1/9)."""

    likelihood = _Gaussian()
    latent = StochasticLatent(GaussianPosterior((1,)), StandardNormalPrior((1,)))

    def log_prior(self, z):
        return self.latent.log_prior(z, Pass.measuring())

    def decoder(self, z, inputs):
        return 2.0 * z

    def encode(self, x):
        return 0.1 * x


def test_the_grid_mean_is_the_posterior_mean():
    x = np.array([[1.5], [0.0], [-3.0]], "float32")
    found = diagnosis.posterior_means(_LinearGaussian(), x, chunk=500)
    np.testing.assert_allclose(found["true"], x[:, 0] * 4 / 9, atol=1e-6)
    assert found["true"][0] == pytest.approx(0.6666666667, abs=1e-6)
    np.testing.assert_allclose(found["approximate"], 0.1 * x[:, 0], rtol=1e-6)
    assert found["edge"] < 1e-12


def test_the_mean_of_two_numbers_is_that_of_their_plane():
    """Against the closed form of a linear model, and at an encoder that lags."""
    model, x = linear_gaussian.planted(squares=(3.0, 2.0, 1.0, 1.0, 1.0), width=2)
    x = x[:6] / 3
    found = diagnosis.posterior_means(model, x)
    wanted, _ = linear_gaussian.exact_posterior(model, x)
    np.testing.assert_allclose(np.reshape(found["true"], (6, 2)), wanted, atol=1e-4)
    np.testing.assert_allclose(found["approximate"], found["true"], atol=1e-4)
    assert found["edge"] < 1e-6
    kernel = model.latent.posterior.mean_head.kernel
    kernel.assign(0 * kernel)
    assert not np.any(diagnosis.posterior_means(model, x)["approximate"])
    with pytest.raises(UserError, match="one number or two, got .3,."):
        diagnosis.posterior_means(models.plain(), models.images(2))


def test_a_grid_that_is_too_short_shows_at_its_edge():
    found = diagnosis.posterior_means(
        _LinearGaussian(), np.array([[9.0]], "float32"), np.arange(-1, 1, 0.1, dtype="float32")
    )
    assert found["edge"] > 0.1
