"""The discretised logistic mixture against golden values and a float64 re-implementation."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.likelihoods import DiscretizedLogisticMixture


def sigmoid(t):
    return 1.0 / (1.0 + np.exp(-t))


def plain_mass(level, mean, log_scale):
    """PixelCNN++ bin mass as the paper writes it, float64."""
    v, s = level / 127.5 - 1, np.exp(log_scale)
    upper = 1.0 if level == 255 else sigmoid((v + 1 / 255 - mean) / s)
    lower = 0.0 if level == 0 else sigmoid((v - 1 / 255 - mean) / s)
    return upper - lower


def score(likelihood, parameters, value):
    parameters = np.asarray(parameters, np.float32).reshape(1, 1, 1, -1)
    return likelihood.log_prob(parameters, np.reshape(value, (1, 1, 1, -1))).numpy()[0]


@pytest.mark.parametrize(
    "level, mean, log_scale, expected",
    [
        (0, -0.9, -3, -2.06534796),
        (128, 0, -4, -2.24953043),
        (200, 0.2, -2, -5.69895556),
        (255, 1.1, -3.5, -0.03151758),
    ],
)
def test_one_logistic_golden(level, mean, log_scale, expected):
    got = score(DiscretizedLogisticMixture(1), [0.3, mean, log_scale], level)
    np.testing.assert_allclose(got, expected, atol=3e-6)


def test_mixture_golden():
    parameters = [np.log(0.25), np.log(0.75), 0.2, 0.6, -2, -3]
    got = score(DiscretizedLogisticMixture(2), parameters, 200)
    np.testing.assert_allclose(got, -3.58934227, atol=3e-6)


def test_rgb_golden():
    """Means (0, .00032767, .43407130) once coupled to the true values of the pixel."""
    parameters = [0.0, 0.0, -3, 0.5, 0.1, -3, -0.5, 0.2, -3, 1.0]
    got = score(DiscretizedLogisticMixture(1), parameters, [100, 150, 200])
    np.testing.assert_allclose(got, -16.32777581, atol=2e-5)


def test_rgb_mixture_against_numpy():
    """K = 3, random: the component is shared by the channels, the coupling uses true values."""
    rng = np.random.default_rng(4)
    k, pixel = 3, np.array([37, 255, 0])
    weights, rest = rng.normal(size=k), rng.normal(size=(3, 3, k))
    rest[:, 1] -= 2
    v = pixel / 127.5 - 1
    c = np.tanh(rest[:, 2])
    means = rest[:, 0].copy()
    means[1] += c[0] * v[0]
    means[2] += c[1] * v[0] + c[2] * v[1]
    each = [
        np.prod([plain_mass(pixel[ch], means[ch, j], rest[ch, 1, j]) for ch in range(3)])
        for j in range(k)
    ]
    expected = np.log(np.dot(np.exp(weights) / np.exp(weights).sum(), each))
    parameters = np.concatenate([weights, rest.reshape(-1)])
    got = score(DiscretizedLogisticMixture(k), parameters, pixel)
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize("mean, log_scale", [(0.9, -6.5), (-0.3, -7.0), (0.1, -2.0), (1.5, 3.0)])
def test_far_bins_keep_their_exact_mass(mean, log_scale):
    """ln of masses far below 1e-5, where differences of float32 sigmoids are 0 (float64 oracle)."""
    likelihood = DiscretizedLogisticMixture(1)
    s = np.exp(np.float64(log_scale))
    for level in (1, 40, 127, 128, 200, 254):
        v = level / 127.5 - 1
        a, b = (v + 1 / 255 - mean) / s, (v - 1 / 255 - mean) / s
        expected = -np.logaddexp(0, -a) - np.logaddexp(0, b) + np.log(-np.expm1(b - a))
        if abs(a) < 30:  # the identity itself against the plain difference
            plain = np.log(plain_mass(level, mean, log_scale))
            np.testing.assert_allclose(expected, plain, rtol=1e-4)
        got = score(likelihood, [0.0, mean, log_scale], level)
        np.testing.assert_allclose(got, expected, rtol=2e-5)


def test_log_scale_floor_is_pixelcnn_plus_plus():
    likelihood = DiscretizedLogisticMixture(1)
    assert score(likelihood, [0, 0.1, -50], 140) == score(likelihood, [0, 0.1, -7], 140)
    assert score(likelihood, [0, 0.1, -6.9], 140) != score(likelihood, [0, 0.1, -7], 140)


def test_gradient_in_a_far_bin_points_home():
    """Even where the mass underflows, the mean is drawn to the data with slope 1 / s."""
    parameters = tf.Variable([[[[0.0, 0.9, -5.0]]]])
    with tf.GradientTape() as tape:
        log_prob = DiscretizedLogisticMixture(1).log_prob(parameters, np.full((1, 1, 1, 1), 20))
    gradient = tape.gradient(log_prob, parameters)[0, 0, 0].numpy()
    np.testing.assert_allclose(gradient[1], -np.exp(5.0), rtol=1e-5)
    assert gradient[0] == 0.0


def test_rgb_mean_and_mode():
    """One narrow component: mode and mean follow the coupled means of equation 3, rounded."""
    parameters = np.float32([[0.0, -0.2, -6.5, 0.8, 0.1, -6.5, -0.4, 0.3, -6.5, 0.6]])
    likelihood = DiscretizedLogisticMixture(1)
    r = np.round((-0.2 + 1) * 127.5)
    v_r = r / 127.5 - 1
    g = np.round((0.1 + np.tanh(0.8) * v_r + 1) * 127.5)
    v_g = g / 127.5 - 1
    b = np.round((0.3 + np.tanh(-0.4) * v_r + np.tanh(0.6) * v_g + 1) * 127.5)
    np.testing.assert_array_equal(likelihood.mode(parameters), [[r, g, b]])
    np.testing.assert_allclose(likelihood.mean(parameters), [[r, g, b]], atol=0.5)


def test_rgb_mode_keeps_to_one_component():
    """Two components: G's mode is taken given R's, not in G's own marginal.

    The heavier component (0.6) wins R; in G its mode is at 0.5 although the light component is much
    narrower there and would win G's marginal.
    """
    weights = [np.log(0.6), np.log(0.4)]
    r = [-0.5, 0.5, -5, -5, 0, 0]
    g = [0.5, -0.5, -3, -6, 0, 0]
    b = [0.0, 0.0, -3, -3, 0, 0]
    parameters = np.float32([[*weights, *r, *g, *b]])
    mode = DiscretizedLogisticMixture(2).mode(parameters)[0].numpy()
    np.testing.assert_array_equal(mode[:2], np.round([0.5 * 127.5, 1.5 * 127.5]))


@pytest.mark.statistical
def test_rgb_mean_is_the_average_of_samples():
    """N = 40,000 draws, 5 standard errors plus 0.2 levels for the cut-off: rate below 2e-6."""
    n = 40_000
    parameters = np.float32(
        [0.3, -0.4]
        + [0.2, -0.3, -3, -3, 0.5, 0.1]
        + [0.1, 0.2, -3, -3, 0.4, -0.6]
        + [-0.1, 0.3, -3, -3, 1, 0]
    )
    likelihood = DiscretizedLogisticMixture(2)
    draws = likelihood.sample(np.broadcast_to(parameters, (n, 20)), tf.constant([3, 4])).numpy()
    mean = likelihood.mean(parameters[None])[0].numpy()
    assert np.all(np.abs(draws.mean(0) - mean) < 5 * draws.std(0) / np.sqrt(n) + 0.2)


@pytest.mark.statistical
def test_rgb_samples_are_coupled_to_the_rounded_value():
    """G's mean is R's value: P(G = R) = tanh(e^7 / 510) = .973 if R was rounded first, else .84.

    N = 20,000 draws, 5 standard errors: a false-fail rate of 6e-7.
    """
    n = 20_000
    parameters = np.float32([0.0, 0.1, -3, 9.0, 0.0, -7, 0.0, 0.0, -3, 0.0])
    draws = DiscretizedLogisticMixture(1).sample(
        np.broadcast_to(parameters, (n, 10)), tf.constant([5, 6])
    )
    expected = np.tanh(np.exp(7) / 510)
    got = np.mean(draws[:, 0] == draws[:, 1])
    assert abs(got - expected) < 5 * np.sqrt(expected * (1 - expected) / n)
