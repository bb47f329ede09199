"""One place computes a rate: whatever the posterior, it is KL(q || p) under every prior."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import models
from tfvae import diagnose, distributions
from tfvae.draw import Known
from tfvae.latents import (
    AR1Prior,
    AutoregressivePrior,
    ConditionalNormalPrior,
    NeighbourPrior,
    Posterior,
    StandardNormalPrior,
    StochasticLatent,
)
from tfvae.randomness import batch_normal

tfd = tfp.distributions

SHAPE = (3, 2)
DRAWS = 20_000
LOC = np.array([[0.5, -1.0], [1.5, 0.2], [-0.3, 0.8]], "float32")
SCALE = np.array([[0.6, 0.3], [0.9, 0.5], [0.4, 1.2]], "float32")


def _many(values):
    return tf.constant(np.tile(values, (DRAWS, 1, 1)))


def _laplace():
    return tfd.Independent(tfd.Laplace(_many(LOC), _many(SCALE)), 2)


def _correlated():
    return tfd.Independent(
        tfd.MultivariateNormalTriL(_many(LOC), tf.constant([[0.7, 0.0], [0.4, 0.5]])), 1
    )


def _shaken(layer):
    layer.build(None)
    rng = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(0.3 * rng.normal(size=weight.shape))
    return layer


def _normal():
    return StandardNormalPrior(SHAPE).distribution()


def _ar1():
    return AR1Prior(SHAPE, (0.9, -0.5)).distribution()


def _label():
    prior = _shaken(ConditionalNormalPrior(SHAPE, 2))
    return prior.given(Known(told=tf.constant([[1.0, 0.0]]))).distribution()


def _neighbour(components):
    prior = _shaken(NeighbourPrior(SHAPE, 10, 3, units=4, num_layers=1, num_components=components))
    return prior.near(tf.ones([1, 6]))


def _autoregressive():
    return _shaken(AutoregressivePrior(AR1Prior(SHAPE, 0.9), 4, 2, 2)).distribution()


PRIORS = {
    "normal": _normal,
    "ar1": _ar1,
    "label": _label,
    "neighbour": lambda: _neighbour(1),
    "neighbours of a mixture": lambda: _neighbour(3),
    "autoregressive": _autoregressive,
}


@pytest.mark.parametrize("family", [_laplace, _correlated])
@pytest.mark.parametrize("prior", PRIORS)
def test_without_a_closed_form_it_is_log_q_less_log_p_at_the_draw(prior, family):
    """To rounding, for each draw, summed over the groups: so it is the KL in expectation."""
    density, q = PRIORS[prior](), family()
    z = q.sample(seed=[1, 2])
    found, exact = distributions.rate(q, density, z)
    assert not exact
    wanted = q.log_prob(z) - density.log_prob(z)
    np.testing.assert_allclose(tf.reduce_sum(found, -1), wanted, rtol=2e-4, atol=2e-4)
    factorises = family is _laplace and prior != "autoregressive"
    assert found.shape == (DRAWS, 2 if factorises else 1)


@pytest.mark.statistical
@pytest.mark.parametrize("prior", ["normal", "ar1"])
def test_the_rate_of_laplace_posteriors_by_channel(prior):
    """E log p of a Gaussian p needs the second moments alone, and Laplace's are loc and 2 scale^2.

    20,000 draws, 6 standard errors for each of two channels: false-fail rate 4e-9 a row.
    """
    q = _laplace()
    found = distributions.rate(q, PRIORS[prior](), q.sample(seed=[3, 4])).nats
    found = found.numpy().astype(float)
    variance = 2.0 * SCALE.astype(float) ** 2
    a = np.array([0.9, -0.5]) if prior == "ar1" else np.zeros(2)
    innovation = np.concatenate([np.ones((1, 2)), np.tile(1 - a**2, (2, 1))])
    before = np.concatenate([np.zeros((1, 2)), LOC[:-1]])
    carried = np.concatenate([np.zeros((1, 2)), a**2 * variance[:-1]])
    square = variance + (LOC - a * before) ** 2 + carried
    cross = 0.5 * (np.log(2 * np.pi * innovation) + square / innovation)
    wanted = (cross - 1.0 - np.log(2.0 * SCALE)).sum(0)
    error = found.std(0) / np.sqrt(DRAWS)
    assert np.all(np.abs(found.mean(0) - wanted) < 6 * error), (found.mean(0), wanted, error)


def test_a_sub_class_does_not_inherit_the_closed_form_of_its_parent():
    class Half(tfd.Normal):
        """N(loc, scale^2) of the positive half: its density is twice the parent's."""

        def _log_prob(self, x):
            return super()._log_prob(x) + np.log(2.0)

    def of(kind):
        return tfd.Independent(kind(tf.zeros([4, 2]), 0.7), 1)

    prior, z = StandardNormalPrior((2,)).distribution(), tf.ones([4, 2])
    np.testing.assert_allclose(
        distributions.rate(of(Half), prior, z).nats,
        of(Half).distribution.log_prob(z) - tfd.Normal(0.0, 1.0).log_prob(z),
        rtol=1e-5,
    )
    closed, exact = distributions.rate(of(tfd.Normal), prior, z)
    assert exact
    np.testing.assert_allclose(closed, np.full((4, 2), 0.5 * (0.49 - 1) - np.log(0.7)), rtol=1e-5)
    diagonal = tfd.MultivariateNormalDiag(tf.zeros([4, 2]), tf.fill([4, 2], 0.7))
    np.testing.assert_allclose(distributions.rate(diagonal, prior, z).nats, closed)


@keras.saving.register_keras_serializable(package="tests")
class MeanOnly(Posterior):
    """q(z|x) of one parameter: N(mu(x), I), or Laplace about it."""

    def __init__(self, event_shape, family="normal", **kwargs):
        super().__init__(event_shape, **kwargs)
        self.family = family
        self.head = keras.layers.Dense(event_shape[-1], name="mean")

    def build(self, features_shape):
        self.head.build(features_shape)
        self.built = True

    def parameters(self, features, pass_=None):
        return (self.head(features),)

    def of(self, mean):
        kind = {"normal": tfd.Normal, "laplace": tfd.Laplace}[self.family]
        return tfd.Independent(kind(mean, 1.0), 1)

    def parameters_of(self, posterior):
        return (posterior.mean(),)

    def draw(self, posterior, seed):
        if self.family == "laplace":
            return posterior.sample(seed=seed)
        mean = posterior.mean()
        return mean + batch_normal(tf.shape(mean), seed)


@pytest.mark.parametrize("family", ["normal", "laplace"])
def test_a_posterior_of_one_parameter_is_diagnosed(family):
    """Its rate is right, and nothing is said of a scale that it does not learn."""
    model = models.plain()
    latent = StochasticLatent(MeanOnly((3,), family), StandardNormalPrior((3,)))
    model = type(model)(model.encoder, latent, model.decoder, model.likelihood)
    model.build()
    x = models.images(40)
    found = diagnose(model, x, num_samples=3, nll_examples=10, gap_examples=3, gap_steps=2)
    assert found.report.get("effective_weight") is None
    assert np.isfinite([found.report[k] for k in ("elbo", "nll", "amortisation_gap")]).all()
    if family == "normal":
        mean = model.encode(x).numpy()
        assert found.report["rate"] == pytest.approx(0.5 * (mean**2).sum(1).mean(), rel=1e-5)
