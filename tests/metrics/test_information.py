"""Mutual information and marginal KL against closed forms and a direct float64 oracle."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.special import logsumexp
from scipy.stats import norm

from tfvae.checks import UserError
from tfvae.metrics import (
    aggregate_log_prob,
    gaussian_aggregate_log_prob,
    information,
    marginal_kl,
    mutual_information,
)

tfd = tfp.distributions


def gaussian(loc, scale):
    loc = tf.constant(loc, tf.float32)
    return tfd.Independent(tfd.Normal(loc, tf.constant(scale, tf.float32)), len(loc.shape) - 1)


def own_draws(posterior, seed=1):
    """One draw from each reference posterior, with its own log-density."""
    z = posterior.sample(seed=[seed, 0])
    return z, posterior.log_prob(z)


def oracle(z, loc, scale):
    table = norm.logpdf(z[:, None], loc[None], scale[None])
    table = table.reshape(*table.shape[:2], -1).sum(-1)
    return logsumexp(table, axis=1) - np.log(len(loc))


@pytest.mark.parametrize("event", [(3,), (2, 3)])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_aggregate_against_the_direct_sum(event, chunk):
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(size=(9, *event)) + 5.0, rng.uniform(0.05, 2, size=(9, *event))
    z = (rng.normal(size=(7, *event)) + 5.0).astype(np.float32)
    loc, scale = loc.astype(np.float32), scale.astype(np.float32)
    expected = oracle(z.astype(np.float64), loc.astype(np.float64), scale.astype(np.float64))
    found = gaussian_aggregate_log_prob(z, loc, scale, chunk)
    np.testing.assert_allclose(found, expected, rtol=2e-6)
    normal = gaussian(loc, scale)
    np.testing.assert_allclose(aggregate_log_prob(z, normal, chunk), expected, rtol=2e-6)
    # A class the matrix path does not know takes the general one.
    general = tfd.Independent(
        tfd.MixtureSameFamily(
            tfd.Categorical(logits=tf.zeros([9, *event, 1])),
            tfd.Normal(tf.constant(loc)[..., None], tf.constant(scale)[..., None]),
        ),
        len(event),
    )
    np.testing.assert_allclose(aggregate_log_prob(z, general, chunk), expected, rtol=1e-5)


def test_shared_scale_and_diag_take_the_fast_path():
    rng = np.random.default_rng(1)
    loc, z = rng.normal(size=(5, 2)), rng.normal(size=(4, 2)).astype(np.float32)
    expected = oracle(z, loc, np.full((5, 2), 0.5))
    loc = tf.constant(loc, tf.float32)
    for posterior in (
        tfd.Independent(tfd.Normal(loc, 0.5), 1),
        tfd.MultivariateNormalDiag(loc, [0.5, 0.5]),
    ):
        np.testing.assert_allclose(aggregate_log_prob(z, posterior), expected, rtol=1e-5)


def test_sharp_posteriors_do_not_cancel():
    """Standard deviation 1e-3 at |loc| up to 100: the squares are 1e10, the answer is about 4."""
    loc = np.linspace(-100, 100, 11)[:, None]
    scale = np.full_like(loc, 1e-3)
    z = loc + 2e-3
    expected = oracle(z, loc, scale)
    np.testing.assert_allclose(gaussian_aggregate_log_prob(z, loc, scale), expected, atol=1e-4)


def test_far_apart_posteriors_reach_the_ceiling():
    posterior = gaussian(100.0 * np.arange(37)[:, None] * np.ones(2), 1.0)
    z, log_q = own_draws(posterior)
    found = information(log_q, aggregate_log_prob(z, posterior, 10), np.zeros(37), 37)
    np.testing.assert_allclose(found.mutual_information.mean, np.log(37), rtol=1e-5)
    assert (found.reference, found.ceiling) == (37, np.log(37))


def test_identical_posteriors_and_a_single_reference_carry_nothing():
    for size in (1, 40):
        posterior = gaussian(np.ones((size, 3)) * [0.5, -2.0, 1.0], 0.7)
        z, log_q = own_draws(posterior)
        mean = mutual_information(log_q, aggregate_log_prob(z, posterior, 16)).mean
        assert abs(mean) < 2e-6


def test_every_term_is_below_the_ceiling():
    posterior = gaussian(np.random.default_rng(2).normal(size=(50, 2)) * 3, 0.05)
    z, log_q = own_draws(posterior)
    terms = log_q - aggregate_log_prob(z, posterior)
    assert np.max(terms) <= np.log(50) + 1e-5


@pytest.mark.statistical
def test_two_clusters():
    """x = +-1, q = N(x, 0.25), prior N(0, 1): rate 0.818147 = 0.632720 + 0.185427. 40,000 draws,
    5 standard errors: false-fail rate 6e-7 a figure, three figures."""
    reference = gaussian([[-1.0], [1.0]], 0.5)
    z = tf.reshape(reference.sample(20_000, seed=[3, 0]), [-1, 2, 1])
    log_q = tf.reshape(reference.log_prob(z), [-1])
    z = tf.reshape(z, [-1, 1])
    log_p = norm.logpdf(z.numpy()[:, 0])
    found = information(log_q, aggregate_log_prob(z, reference, 5000), log_p, 2)
    for figure, exact in zip(found[:3], (0.818147, 0.632720, 0.185427)):
        assert abs(figure.mean - exact) < 5 * figure.standard_error
        assert figure.standard_error < 6e-3


@pytest.mark.statistical
@pytest.mark.parametrize("gain, variance", [(1.2, 0.25), (0.8, 0.36), (1.0, 0.25)])
def test_gaussian_channel(gain, variance):
    """x ~ N(0, 1), q = N(gain x, variance): I = ln(1 + gain^2/variance)/2 and marginal KL
    KL(N(0, gain^2 + variance) || N(0, 1)), N = M = 4,000. The reference set's own noise and bias
    (about gain/(2 N sd) here) are below one standard error; within 6: false-fail rate < 1e-6."""
    loc = gain * np.random.default_rng(4).normal(size=(4000, 1))
    posterior = gaussian(loc, np.sqrt(variance))
    z, log_q = own_draws(posterior)
    log_p = norm.logpdf(z.numpy()[:, 0])
    found = information(log_q, aggregate_log_prob(z, posterior), log_p, 4000)
    total = gain**2 + variance
    exact = 0.5 * np.log(1 + gain**2 / variance)
    for figure, value in [
        (found.mutual_information, exact),
        (found.marginal_kl, 0.5 * (total - 1 - np.log(total))),
    ]:
        assert abs(figure.mean - value) < 6 * figure.standard_error
        assert figure.standard_error < 0.02


def test_the_rate_splits_exactly_on_the_same_draws():
    rng = np.random.default_rng(5)
    posterior = gaussian(rng.normal(size=(30, 4)), rng.uniform(0.1, 1, size=(30, 4)))
    z, log_q = own_draws(posterior)
    log_p = norm.logpdf(z.numpy()).sum(-1)
    found = information(log_q, aggregate_log_prob(z, posterior), log_p, 30)
    parts = found.mutual_information.mean + found.marginal_kl.mean
    np.testing.assert_allclose(parts, found.rate.mean, rtol=1e-12)


def test_refusals():
    posterior = gaussian(np.zeros((5, 2)), 1.0)
    with pytest.raises(UserError, match="z must have shape"):
        aggregate_log_prob(tf.zeros([4, 3]), posterior)
    with pytest.raises(UserError, match="one batch axis"):
        aggregate_log_prob(tf.zeros([4]), tfd.Normal(tf.zeros([5, 2]), 1.0))
    with pytest.raises(UserError, match="share the axes"):
        gaussian_aggregate_log_prob(np.zeros((4, 2)), np.zeros((5, 3)), np.ones((5, 3)))
    with pytest.raises(UserError, match="same draws"):
        marginal_kl(np.zeros(4), np.zeros(5))
