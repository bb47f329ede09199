"""A prior that is a VAE of codes: exact where q(z2|z) is, unbiased elsewhere, its draws, labels."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import tfvae
from tests import models
from tfvae.checks import UserError
from tfvae.draw import Known
from tfvae.latents import GaussianPosterior, NestedPrior, StochasticLatent
from tfvae.likelihoods import Bernoulli
from tfvae.networks import FactorisedDecoder, MLPEncoder, MLPImage
from tfvae.randomness import seed_of

GRID = np.linspace(-7.0, 7.0, 281)


def made(condition_size=0, units=(), seed=3, width=1):
    keras.utils.set_random_seed(seed)
    prior = NestedPrior((1,), width, units, condition_size)
    prior.build()
    for weight in prior.trainable_variables:
        spread = 0.1 if "scale" in weight.path else 0.4
        weight.assign(np.random.default_rng(seed).normal(0.0, spread, weight.shape))
    return prior


def density(prior, z, told=None):
    """p(z|y) at each of z [N], by the trapezoid rule over z2."""
    grid = tf.constant(GRID[:, None], tf.float32)
    row = None if told is None else tf.constant(np.tile(told, (len(GRID), 1)), tf.float32)
    lower = prior.of_z2(grid, row)
    p = np.array([np.exp(lower.log_prob(tf.fill([len(GRID), 1], float(v)))) for v in z])
    return np.trapezoid(p * stats.norm.pdf(GRID), GRID, axis=1)


def distribution(prior, told=None, seed=0):
    known = None if told is None else tf.constant(told, tf.float32)
    return prior.given(Known(told=known, seed=seed_of(seed))).distribution()


def test_it_is_exact_at_every_draw_where_q_of_z2_is_the_posterior():
    """p(z|z2) = N(a z2 + b, s^2): q(z2|z) = N(a (z - b) / (a^2 + s^2), s^2 / (a^2 + s^2))."""
    a, b, s = 0.8, -0.3, 0.6
    prior, v = made(), 0.8**2 + 0.6**2
    for head, kernel, bias, scale in (
        (prior.lower, a, b, s),
        (prior.upper, a / v, -a * b / v, s / v**0.5),
    ):
        head.mean_head.set_weights([np.array([[kernel]]), np.array([bias])])
        bound = 8.0  # log sigma = 8 tanh(. / 8)
        of_scale = bound * np.arctanh(np.log(scale) / bound)
        head.scale_head.set_weights([np.zeros((1, 1)), np.array([of_scale])])
    z = np.linspace(-3, 3, 7, dtype=np.float32)[:, None]
    for seed in (0, 1):
        found = distribution(prior, seed=seed).log_prob(z)
        np.testing.assert_allclose(found, stats.norm.logpdf(z[:, 0], b, v**0.5), atol=1e-5)


@pytest.mark.parametrize("told", [None, [0.0, 1.0]])
def test_the_mean_of_its_exp_is_the_density_and_its_mean_lies_below(told):
    """100,000 draws of z2; 5 standard errors."""
    prior, number = made(0 if told is None else 2, (3,)), 100_000
    for value in (-1.0, 0.5):
        rows = None if told is None else [told]
        z = tf.fill([number, 1, 1], value)
        logs = distribution(prior, rows).log_prob(z).numpy().reshape(-1)
        exact = density(prior, [value], told)[0]
        weights = np.exp(logs)
        assert abs(weights.mean() - exact) < 5 * weights.std() / number**0.5
        assert weights.std() / number**0.5 < 0.02 * exact
        assert logs.mean() < np.log(exact)


def test_draws_have_the_density():
    """Mean and variance of 50,000 draws; 5 standard errors."""
    prior = made(2, (3,))
    told = [[1.0, 0.0], [0.0, 1.0]]
    drawn = distribution(prior, told).sample(50_000, seed=1).numpy()[..., 0]
    assert drawn.shape == (50_000, 2)
    for row, given in enumerate(told):
        wide = 2.0 * GRID
        p = density(prior, wide, given)
        mean = np.trapezoid(p * wide, wide)
        variance = np.trapezoid(p * (wide - mean) ** 2, wide)
        z = drawn[:, row]
        assert abs(z.mean() - mean) < 5 * z.std() / 50_000**0.5
        spread = (z - z.mean()) ** 2
        assert abs(spread.mean() - variance) < 5 * spread.std() / 50_000**0.5
    assert abs(drawn[:, 0].mean() - drawn[:, 1].mean()) > 0.1  # the label says something
    free = distribution(made(0, (3,)))
    assert free.sample(4, seed=1).shape == (4, 1) and free.batch_shape == ()


def test_copies_of_the_batch_are_told_their_own_labels():
    prior = made(2, (3,))
    told = np.eye(2, dtype=np.float32)
    z = tf.constant([[[0.3], [-0.4]], [[1.0], [0.7]]])
    found = distribution(prior, told).log_prob(z)
    flat = distribution(prior, np.tile(told, (2, 1))).log_prob(tf.reshape(z, [4, 1]))
    np.testing.assert_allclose(tf.reshape(found, [4]), flat, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: NestedPrior((2, 3)), "over vectors z of shape"),
        (lambda: distribution(made(2)), "told 2 numbers was told none"),
        (lambda: distribution(made(0), [[1.0]]), "told 0 numbers was told some"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(make, said):
    with pytest.raises(UserError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.statistical
def test_the_nll_closes_however_many_draws_are_made_at_once():
    """4,000 draws in chunks of 10 and of 400: each chunk has noise of its own for z2, so both come to
    log p(x). Means over six images, which scatter by 0.04; with noise that is the same in each chunk they
    differ by 0.3 nats."""
    keras.utils.set_random_seed(1)
    prior = NestedPrior((2,), 3, (8,))
    latent = StochasticLatent(GaussianPosterior((2,)), prior)
    decoder = FactorisedDecoder(models.SHAPE, MLPImage(models.SHAPE, (8,), 1))
    model = tfvae.VAE(MLPEncoder((8,), "tanh"), latent, decoder, Bernoulli())
    model.build()
    for weight in prior.trainable_variables:
        weight.assign(np.random.default_rng(2).normal(0.0, 0.3, weight.shape))
    x = models.images(6)
    few, many = (model.log_prob(x, 4000, chunk=chunk).numpy() for chunk in (10, 400))
    assert np.mean(few) == pytest.approx(np.mean(many), abs=0.15)
