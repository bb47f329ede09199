"""The importance-weighted estimate on z ~ N(0, 1), x|z ~ N(z, 1), x = 1.5."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.metrics import bits_per_dim, importance_weighted_log_prob, perplexity, summarise
from tfvae.randomness import fold, seed_of

EXACT, ELBO, L_2, L_3 = -1.82801212, -1.86708208, -1.84401244, -1.83809340
SEED = seed_of(5)


def log_normal(value, loc, scale):
    return -0.5 * ((value - loc) / scale) ** 2 - np.log(scale) - 0.5 * np.log(2 * np.pi)


def weights_fn(loc, scale, batch):
    def log_weights(num, seed):
        z = loc + scale * tf.random.stateless_normal([num, batch], seed)
        return log_normal(1.5, z, 1.0) + log_normal(z, 0.0, 1.0) - log_normal(z, loc, scale)

    return log_weights


@pytest.mark.statistical
def test_bounds_rise_from_the_elbo_towards_log_p():
    """200,000 estimates a bound, within 5 standard errors of its exact value: false-fail rate
    6e-7 a bound, four bounds. Each step up is over 10 standard errors of the difference."""
    log_weights = weights_fn(0.6, 0.8, 200_000)
    bounds = {}
    for samples in (1, 2, 3, 5, 50):
        estimate, ess = importance_weighted_log_prob(log_weights, samples, 20, SEED)
        bounds[samples] = summarise(estimate)
        assert ess.numpy().min() >= 1 - 1e-4 and ess.numpy().max() <= samples * (1 + 1e-5)
    for samples, exact in [(1, ELBO), (2, L_2), (3, L_3)]:
        mean, error = bounds[samples]
        assert abs(mean - exact) < 5 * error
        assert error < 2e-3
    means = [bound.mean for bound in bounds.values()]
    assert means == sorted(means)
    assert abs(bounds[5].mean + 1.8336) < 5 * bounds[5].standard_error + 2e-4
    assert EXACT - 1.5e-3 < bounds[50].mean < EXACT


@pytest.mark.parametrize("samples", [1, 7, 100])
def test_the_exact_posterior_has_no_variance(samples):
    log_weights = weights_fn(0.75, np.sqrt(0.5), 50)
    estimate, ess = importance_weighted_log_prob(log_weights, samples, 8, SEED)
    np.testing.assert_allclose(estimate, EXACT, atol=2e-6)
    np.testing.assert_allclose(ess, samples, rtol=1e-5)


@pytest.mark.parametrize(
    "samples, chunk, sizes",
    [
        (12, 4, (4, 4, 4)),
        (10, 4, (4, 4, 2)),
        (5, 100, (5,)),
        (105, 100, (53, 52)),
        (3, 1, (1, 1, 1)),
    ],
)
@pytest.mark.parametrize("as_tensor", [False, True])
def test_exactly_k_samples_count_once_each(samples, chunk, sizes, as_tensor):
    log_weights = weights_fn(0.6, 0.8, 6)
    block = chunk if as_tensor else sizes[0]
    draws = [log_weights(block, fold(SEED, i)) for i in range(-(-samples // block))]
    draws = np.concatenate(draws, 0)[:samples].astype(np.float64)
    number = tf.constant(samples) if as_tensor else samples
    estimate, ess = importance_weighted_log_prob(log_weights, number, chunk, SEED)
    np.testing.assert_allclose(estimate, np.log(np.exp(draws).mean(0)), rtol=1e-6)
    weights = np.exp(draws)
    np.testing.assert_allclose(ess, weights.sum(0) ** 2 / (weights**2).sum(0), rtol=1e-5)


def test_in_a_graph_one_trace_serves_every_number_of_samples():
    traces = []
    log_weights = weights_fn(0.6, 0.8, 6)

    def counted(num, seed):
        traces.append(num)
        return log_weights(num, seed)

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def graph(samples):
        return importance_weighted_log_prob(counted, samples, 4, SEED)

    for samples in (1, 10, 40):
        eager = importance_weighted_log_prob(log_weights, tf.constant(samples), 4, SEED)
        np.testing.assert_allclose(graph(tf.constant(samples)), eager, rtol=2e-6)
    assert traces == [4]


def test_huge_log_weights_and_a_batch_of_unknown_size():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def graph(shift):
        log_weights = weights_fn(0.75, np.float32(np.sqrt(0.5)), 1)
        return importance_weighted_log_prob(
            lambda num, seed: log_weights(num, seed) + shift, 30, 10, SEED
        )

    estimate, ess = graph(tf.constant([1e4, -1e4, 0.0]))
    np.testing.assert_allclose(estimate, EXACT + np.array([1e4, -1e4, 0.0]), rtol=1e-6)
    np.testing.assert_allclose(ess, 30.0, rtol=2e-3)  # log w itself has 1e-3 at 1e4


@pytest.mark.parametrize("samples, chunk", [(0, 5), (-1, 5), (5, 0), (5, -2)])
def test_refuses_nothing_to_draw(samples, chunk):
    with pytest.raises(UserError, match="above 0"):
        importance_weighted_log_prob(weights_fn(0.0, 1.0, 2), samples, chunk, SEED)


def test_units():
    # A uniform 8-bit pixel costs 8 bits; a uniform guess among V tokens has perplexity V.
    np.testing.assert_allclose(bits_per_dim(3072 * np.log(256), 3072), 8.0, rtol=1e-12)
    np.testing.assert_allclose(perplexity(17 * np.log(10_000), 17), 10_000, rtol=1e-12)
    assert perplexity(1e9, 1) == float("inf")
    for refused in (bits_per_dim, perplexity):
        with pytest.raises(UserError):
            refused(1.0, 0)
