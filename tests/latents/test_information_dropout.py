"""Multiplicative noise as a posterior: golden costs, quadrature, draws, and the two layers of the paper."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfvae
import zoo
from tests import models
from tfvae import distributions, networks, objectives
from tfvae.checks import UserError
from tfvae.distributions import LogUniform, Multiplied
from tfvae.latents import (
    InformationDropoutPosterior,
    LogNormalPrior,
    LogUniformPrior,
    StochasticLatent,
)
from tfvae.likelihoods import Bernoulli
from tfvae.procedures import Joint, Update
from tfvae.randomness import seed_of
from zoo.modalities import images

tfd = tfp.distributions
SIDE = images.Space((8, 8, 1), 1)


@pytest.mark.parametrize(("size", "noise", "golden"), [(2.0, 0.3, 0.989199), (0.5, 0.7, 0.341901)])
def test_the_cost_under_a_log_normal_is_golden_and_the_quadrature(size, noise, golden):
    q, p = Multiplied(size, noise), tfd.LogNormal(0.0, 1.0)
    assert float(tfd.kl_divergence(q, p)) == pytest.approx(golden, abs=1e-6)
    y = np.linspace(-12, 12, 200_001)  # z = exp(y), dz = z dy
    z = tf.constant(np.exp(y), tf.float32)
    log_q, log_p = q.log_prob(z).numpy().astype(float), p.log_prob(z).numpy().astype(float)
    mass = np.exp(log_q + y)
    seen = mass > 1e-30
    assert np.trapezoid(mass, y) == pytest.approx(1.0, abs=1e-5)
    found = np.trapezoid(np.where(seen, mass * (log_q - log_p), 0.0), y)
    assert found == pytest.approx(golden, abs=1e-4)


@pytest.mark.parametrize(
    ("noise", "full", "released"),
    [(0.1, 0.883647, 1.947338), (0.3, -0.214966, 0.848725), (0.7, -1.062264, 0.001428)],
)
def test_the_log_uniform_cost_golden(noise, full, released):
    q = Multiplied(2.0, noise)
    assert float(tfd.kl_divergence(q, LogUniform(()))) == pytest.approx(full, abs=1e-6)
    prior = LogUniformPrior((1,), 0.7).distribution()
    posterior = tfd.Independent(Multiplied([[2.0], [0.0]], [[noise], [noise]]), 1)
    found = distributions.rate(posterior, prior, tf.constant([[2.0], [0.0]]))
    assert found.is_exact
    np.testing.assert_allclose(found.nats, [[released], [0.0]], atol=1e-6)


@pytest.mark.statistical
def test_draws_have_the_law_that_is_said():
    """100,000 draws: mean of ln z within 5 standard errors; E e = exp(alpha^2 / 2) = 1.277621 at 0.7."""
    drawn = Multiplied(2.0, 0.7).sample(100_000, seed=[1, 2]).numpy().astype(float)
    assert np.log(drawn).mean() == pytest.approx(np.log(2.0), abs=5 * 0.7 / 316)
    assert np.log(drawn).std() == pytest.approx(0.7, rel=5 / 447)
    assert drawn.mean() / 2 == pytest.approx(1.277621, abs=5 * 1.02 / 316)
    assert float(Multiplied(0.0, 0.7).log_prob(0.0)) == 0.0
    assert float(Multiplied(0.0, 0.7).log_prob(1.0)) == -np.inf


@pytest.mark.parametrize(
    ("activation", "prior"),
    [("softplus", LogNormalPrior((3,))), ("relu", LogUniformPrior((3,), 0.5))],
)
def test_the_two_layers(activation, prior):
    keras.utils.set_random_seed(0)
    latent = StochasticLatent(InformationDropoutPosterior((3,), 0.5, activation), prior)
    latent.build((None, 5))
    model = models.plain()
    features = tf.constant(np.random.default_rng(0).normal(size=(200, 5)), tf.float32)
    pass_ = model.passed(3)
    inferred = latent.infer(features, pass_)
    raw = latent.posterior.size_head(features).numpy()
    size = np.maximum(raw, 0) if activation == "relu" else np.log1p(np.exp(raw))
    np.testing.assert_allclose(latent.code(features), size, rtol=1e-4, atol=1e-6)
    alpha = 0.001 + 0.5 / (1 + np.exp(-latent.posterior.noise_head(features).numpy()))
    alive = size > 0
    assert alive.all() == (activation == "softplus")
    noise = np.log(inferred.z.numpy()[alive] / size[alive]) / alpha[alive]
    assert abs(noise.mean()) < 5 / np.sqrt(alive.sum()) and noise.std() == pytest.approx(1, abs=0.2)
    assert inferred.at_draw.rate_is_exact and inferred.rate.shape == (200, 3)
    if activation == "relu":
        exact = np.where(alive, np.log(0.501 / alpha), 0.0)
    else:
        exact = 0.5 * (alpha**2 + np.log(size) ** 2 - 1) - np.log(alpha)
    np.testing.assert_allclose(inferred.rate, exact, rtol=1e-3, atol=1e-4)
    assert latent.bound == (activation == "softplus")
    again = latent.of(*latent.posterior.parameters_of(inferred.posterior))
    np.testing.assert_allclose(again.distribution.size, size, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(again.distribution.noise, alpha, rtol=1e-3)


def test_it_makes_a_vae_and_a_classifier():
    x = (np.random.default_rng(0).random((24, 8, 8, 1)) > 0.5).astype("float32")
    for more in ({"target": "none", "classifier": "none", "terms": ()}, {}):
        shared = {"backbone": "mlp", "latent_width": 4}
        model = zoo.build("information_dropout", "digits", SIDE, **shared, **more)
        given = () if more else (np.arange(24) % 10,)
        model.fit(x, *given, batch_size=8, verbose=0)
        assert (model.encode(x).numpy() > 0).all()
        if more:
            assert model.sample(3).shape == (3, 8, 8, 1) and np.isfinite(model.log_prob(x, 5)).all()


def test_the_noise_grows_with_its_price_and_is_off_in_test_mode():
    """Mean of alpha over beta, at one seed: 60 steps of Adam at 1e-2 on two kinds of images."""
    x = models.images(80)
    label = (x.mean((1, 2, 3)) > 0.5).astype("int32")
    noise = []
    for beta in (1e-6, 0.3):
        keras.utils.set_random_seed(0)
        latent = StochasticLatent(InformationDropoutPosterior((4,)), LogNormalPrior((4,)))
        encoder, classifier = networks.MLPEncoder((16,), "tanh"), networks.Classifier(2)
        parts = encoder, latent, networks.NoDecoder(models.SHAPE), Bernoulli()
        model = tfvae.VAE(*parts, classifier=classifier)
        model.build()
        terms = {"label": objectives.LabelLikelihood(), "rate": (beta, objectives.rate)}
        update = Update(objectives.Objective(terms), keras.optimizers.Adam(1e-2))
        model.compile(procedure=Joint(update, seed=0))
        model.fit(x, label, batch_size=40, epochs=30, verbose=0)
        noise.append(float(tf.reduce_mean(model.posterior(x).distribution.noise)))
        by_hand = classifier(model.encode(x)).numpy().argmax(1)
        np.testing.assert_array_equal(model.predict_labels(x, num_draws=0), by_hand)
    assert noise[0] + 0.02 < noise[1], noise


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (lambda: LogUniform(()).sample(seed=seed_of(0)), "has no sum, and so no draws"),
        (lambda: InformationDropoutPosterior((3,), 0.0), "max_noise of a posterior"),
        (lambda: InformationDropoutPosterior((3,), activation="tanh"), "activation of a posterior"),
        (
            lambda: zoo.build("vae", "digits", posterior="information_dropout"),
            "needs a log-normal prior",
        ),
        (
            lambda: zoo.build("information_dropout", "digits", code_activation="relu"),
            "needs the log-uniform cost.*prior=log_uniform",
        ),
        (lambda: zoo.build("vae", "digits", prior="log_normal"), "multiplicative noise"),
    ],
)
def test_what_is_wrong_is_refused(run, said):
    with pytest.raises(UserError, match=said):
        run()
