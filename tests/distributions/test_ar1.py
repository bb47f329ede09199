"""AR(1): closed forms, golden values, `tfd.MarkovChain` and numerical minimisation as oracles."""

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.distributions import (
    AR1,
    committed_rate,
    constant_code_rate,
    correlation_for_rate,
    kl_normal_ar1,
)

tfd = tfp.distributions


@pytest.mark.parametrize(
    ("length", "correlation", "golden"),
    [
        (2, 0.5, 0.14384104),
        (3, 0.5, 0.25541281),
        (8, 0.9, 2.61034614),
        (16, 0.95, 5.66613313),
        (32, 0.9, 9.73026828),
        (64, 0.5, 7.06129113),
        (1024, 0.9, 304.02038354),
    ],
)
def test_committed_rate_golden(length, correlation, golden):
    assert float(committed_rate(length, correlation)) == pytest.approx(golden, abs=1e-8)


def test_committed_rate_sums_over_channels_and_vanishes_at_one_position():
    assert committed_rate(16, [0, 0.3, 0.6, 0.9]).sum() == pytest.approx(8.00958918, abs=1e-8)
    assert committed_rate(1, 0.9) == 0.0


@pytest.mark.parametrize(("length", "correlation"), [(2, 0.5), (5, 0.8), (12, -0.6)])
def test_committed_rate_is_the_minimum_over_all_mean_field_gaussians(length, correlation):
    """SciPy's minimum over means and scales, from a random start, is delta."""

    def rate(packed):
        loc, log_scale = np.split(packed, 2)
        value = kl_normal_ar1(
            tf.constant(loc[None, :, None]),
            tf.exp(tf.constant(log_scale[None, :, None])),
            tf.constant([correlation], tf.float64),
        )
        return float(value[0, 0])

    start = np.random.default_rng(0).normal(size=2 * length)
    found = scipy.optimize.minimize(rate, start, method="L-BFGS-B", options={"maxfun": 20000})
    assert found.fun == pytest.approx(float(committed_rate(length, correlation)), abs=1e-5)


@pytest.mark.parametrize(("length", "correlation"), [(1, 0.3), (2, 0.9), (7, 0.4), (49, -0.2)])
def test_the_price_of_a_constant_code_is_what_the_rate_grows_by(length, correlation):
    def rate(shift):
        loc = tf.fill([1, length, 1], tf.constant(shift, tf.float64))
        scale = tf.fill([1, length, 1], tf.constant(0.7, tf.float64))
        return float(kl_normal_ar1(loc, scale, tf.constant([correlation], tf.float64))[0, 0])

    price = float(constant_code_rate(length, correlation))
    for shift in (1.0, -2.0):
        assert rate(shift) - rate(0.0) == pytest.approx(price * shift**2, rel=1e-9)
    assert constant_code_rate(49, 0.0) == 24.5 and constant_code_rate(9, 1.0) == 0.5


@pytest.mark.parametrize(
    ("length", "rate", "golden"),
    [
        (2, 1, 0.92987350),
        (3, 1, 0.87269362),
        (4, 1, 0.79826721),
        (16, 1, 0.37563273),
        (32, 0.5, 0.18096477),
        (64, 5, 0.41408528),
        (1024, 10, 0.14050734),
        (49, 2, 0.29450480),
    ],
)
def test_correlation_for_rate_golden_and_inverse(length, rate, golden):
    correlation = correlation_for_rate(length, rate)
    assert correlation == pytest.approx(golden, abs=1e-7)
    assert float(committed_rate(length, correlation)) == pytest.approx(rate, rel=1e-10)


def test_correlation_for_rate_refuses_what_cannot_be():
    with pytest.raises(UserError, match="length >= 2"):
        correlation_for_rate(1, 1.0)
    with pytest.raises(UserError, match="rate must be >= 0"):
        correlation_for_rate(4, -1.0)


def _channel(values):
    return tf.constant(np.asarray(values, np.float64)[None, :, None])


def test_kl_golden():
    a = tf.constant([0.7], tf.float64)
    scale = np.sqrt([0.5, 0.4, 0.3, 0.9])
    assert float(
        kl_normal_ar1(_channel([0.5, -0.2, 1, 0.3]), _channel(scale), a)[0, 0]
    ) == pytest.approx(2.69701585, abs=1e-8)
    zeros = _channel(np.zeros(4))
    assert float(kl_normal_ar1(zeros, _channel(np.ones(4)), a)[0, 0]) == pytest.approx(
        1.87233611, abs=1e-8
    )
    best = np.sqrt([0.51, 0.51 / 1.49, 0.51 / 1.49, 0.51])
    assert float(kl_normal_ar1(zeros, _channel(best), a)[0, 0]) == pytest.approx(
        0.73544840, abs=1e-8
    )


def test_slow_paths_are_cheap_and_fast_ones_dear():
    a = tf.constant([0.7], tf.float64)
    ones = _channel(np.ones(4))
    base = kl_normal_ar1(_channel(np.zeros(4)), ones, a)
    slow = kl_normal_ar1(_channel([1, 1, 1, 1]), ones, a) - base
    fast = kl_normal_ar1(_channel([1, -1, 1, -1]), ones, a) - base
    assert float(slow[0, 0]) == pytest.approx(0.76470588, abs=1e-8)
    assert float(fast[0, 0]) == pytest.approx(9.0, abs=1e-8)


def test_rate_is_never_below_delta_in_float32():
    rng = np.random.default_rng(1)
    correlation = np.array([0.0, 0.3, 0.6, 0.9], np.float32)
    loc = rng.normal(size=(2000, 16, 4)).astype("float32") * rng.choice(
        [0.0, 0.1, 1.0], size=(2000, 1, 1)
    )
    scale = np.exp(rng.normal(size=(2000, 16, 4))).astype("float32")
    rate = kl_normal_ar1(tf.constant(loc, tf.float32), tf.constant(scale), tf.constant(correlation))
    assert np.min(rate.numpy() - committed_rate(16, correlation)) > -1e-4


def test_log_prob_equals_markov_chain():
    correlation = tf.constant([0.2, -0.5, 0.9], tf.float64)
    z = tf.constant(np.random.default_rng(2).normal(size=(7, 6, 3)))
    for channel in range(3):
        a = correlation[channel]
        oracle = tfd.MarkovChain(
            initial_state_prior=tfd.Normal(tf.constant(0.0, tf.float64), 1.0),
            transition_fn=lambda _, x, a=a: tfd.Normal(a * x, tf.sqrt(1.0 - a**2)),
            num_steps=6,
        )
        ours = AR1(6, correlation[channel : channel + 1]).log_prob(z[..., channel : channel + 1])
        np.testing.assert_allclose(ours, oracle.log_prob(z[..., channel]), rtol=1e-10)
    whole = AR1(6, correlation).log_prob(z)
    parts = [AR1(6, correlation[c : c + 1]).log_prob(z[..., c : c + 1]) for c in range(3)]
    np.testing.assert_allclose(whole, sum(parts), rtol=1e-10)


def test_registered_kl_equals_the_sum_over_channels():
    rng = np.random.default_rng(3)
    loc, scale = rng.normal(size=(5, 4, 2)), np.exp(rng.normal(size=(5, 4, 2)))
    q = tfd.Independent(tfd.Normal(tf.constant(loc), tf.constant(scale)), 2)
    prior = AR1(4, tf.constant([0.3, 0.8], tf.float64))
    by_channel = kl_normal_ar1(tf.constant(loc), tf.constant(scale), prior.correlation)
    np.testing.assert_allclose(
        tfd.kl_divergence(q, prior), tf.reduce_sum(by_channel, -1), rtol=1e-12
    )


@pytest.mark.statistical
def test_closed_form_against_monte_carlo():
    """400,000 draws; 6 standard errors: false-fail rate 2e-9."""
    loc = tf.constant([[0.5, -0.2, 1.0, 0.3]], tf.float64)[..., None]
    scale = tf.sqrt(tf.constant([[0.5, 0.4, 0.3, 0.9]], tf.float64))[..., None]
    q = tfd.Independent(tfd.Normal(loc[0], scale[0]), 2)
    prior = AR1(4, tf.constant([0.7], tf.float64))
    z = q.sample(400_000, seed=[1, 2])
    ratio = (q.log_prob(z) - prior.log_prob(z)).numpy()
    assert abs(ratio.mean() - 2.69701585) < 6 * ratio.std() / np.sqrt(len(ratio))


@pytest.mark.statistical
def test_samples_have_unit_variance_and_geometric_correlation():
    """200,000 draws; tolerance 0.016 is above 6 standard errors of each moment: false-fail < 1e-7."""
    z = AR1(5, tf.constant([0.8, -0.3])).sample(200_000, seed=[3, 4]).numpy()
    for channel, a in enumerate([0.8, -0.3]):
        second = z[..., channel].T @ z[..., channel] / len(z)
        expected = a ** np.abs(np.arange(5)[:, None] - np.arange(5))
        np.testing.assert_allclose(second, expected, atol=0.016)
