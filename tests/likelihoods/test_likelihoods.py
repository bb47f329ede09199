"""Likelihoods against closed forms, brute force over the levels, and their own samples."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from tfvae.checks import UserError
from tfvae.likelihoods import (
    Bernoulli,
    Categorical256,
    DiscretizedLogisticMixture,
    Gaussian,
    OneHot,
)
from tfvae.likelihoods.likelihood import sizes
from tfvae.randomness import seed_of

CASES = [
    (Bernoulli(), 1),
    (Bernoulli(), 3),
    (Categorical256(), 1),
    (Categorical256(), 3),
    (DiscretizedLogisticMixture(3), 1),
    (DiscretizedLogisticMixture(3), 3),
]
IDS = [f"{type(likelihood).__name__}-{channels}" for likelihood, channels in CASES]
EIGHT_BIT = CASES[2:]


def random_parameters(likelihood, channels, shape=(2, 2, 3), scale=1.0, seed=0):
    size = likelihood.parameter_size(channels)
    return scale * np.random.default_rng(seed).normal(size=(*shape, size)).astype(np.float32)


def pixel(likelihood, parameters, values):
    """log p of each of N single-pixel images [N, C] under one pixel's parameters [P]."""
    x = np.asarray(values, np.float32)[:, None, None, :]
    repeated = np.broadcast_to(parameters, (len(x), 1, 1, len(parameters)))
    return likelihood.log_prob(repeated, x).numpy()


@pytest.mark.parametrize(
    "x, logit, expected",
    [(1, 0.3, -0.55435524), (0, 0.3, -0.85435524), (1, -4, -4.01814993), (0.25, 0.3, -0.77935524)],
)
def test_bernoulli_golden(x, logit, expected):
    np.testing.assert_allclose(pixel(Bernoulli(), [logit], [[x]])[0], expected, atol=2e-7)


def test_bernoulli_marginals_golden():
    """z ~ N(0, 1), logits (2z + .5, -z), z integrated out by 60-point Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    logits = np.stack([2 * nodes + 0.5, -nodes], -1).reshape(60, 1, 2, 1).astype(np.float32)
    got = []
    for pair in ([0, 0], [0, 1], [1, 0], [1, 1]):
        x = np.broadcast_to(np.float32(pair).reshape(1, 1, 2, 1), (60, 1, 2, 1))
        joint = np.exp(Bernoulli().log_prob(logits, x).numpy().astype(np.float64))
        got.append(np.log(np.sum(weights * joint) / np.sqrt(2 * np.pi)))
    np.testing.assert_allclose(got, [-1.90387521, -1.28819775, -1.04694094, -1.49507110], atol=1e-6)


@pytest.mark.parametrize("likelihood, channels", CASES, ids=IDS)
def test_low_precision_parameters_are_computed_in_float32(likelihood, channels):
    half = tf.cast(random_parameters(likelihood, channels), tf.bfloat16)
    x = likelihood.sample(half, seed_of(1))
    got = likelihood.log_prob(half, x)
    assert got.dtype == tf.float32 and got.shape == [2]
    np.testing.assert_array_equal(got, likelihood.log_prob(tf.cast(half, tf.float32), x))


@pytest.mark.parametrize("likelihood, channels", CASES, ids=IDS)
@pytest.mark.parametrize("scale", [1e2, 1e4])
def test_extreme_parameters_stay_finite(likelihood, channels, scale):
    """log p and its gradient are finite at every level, however bad the parameters."""
    signs = np.sign(random_parameters(likelihood, channels, (6, 1, 256)))
    parameters = tf.constant(scale * signs.astype(np.float32))
    top = 1 if likelihood.bits == 1 else 255
    x = np.linspace(0, top, 256).round().reshape(1, 1, 256, 1)
    x = np.broadcast_to(x, (6, 1, 256, channels)).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        log_prob = likelihood.log_prob(parameters, x)
    assert np.isfinite(log_prob).all()
    assert np.isfinite(tape.gradient(log_prob, parameters)).all()
    for statistic in (likelihood.mean(parameters), likelihood.mode(parameters)):
        assert np.isfinite(statistic).all()
    draw = likelihood.sample(parameters, seed_of(2)).numpy()
    assert np.all((draw >= 0) & (draw <= top) & (draw == np.round(draw)))


@pytest.mark.parametrize("likelihood, channels", EIGHT_BIT, ids=IDS[2:])
def test_each_channel_sums_to_one_over_its_levels(likelihood, channels):
    """Grey: the 256 masses sum to 1. RGB: sum_b p(r, g, b) does not depend on B's parameters.

    The latter is tried on a grid of 8 x 8 pairs (r, g); it holds if and only if B's conditional
    masses have the same sum whatever the mean and the scale.
    """
    parameters = random_parameters(likelihood, channels, ())
    levels = np.arange(256, dtype=np.float32)
    if channels == 1:
        np.testing.assert_allclose(
            np.exp(pixel(likelihood, parameters, levels[:, None])).sum(), 1.0, atol=3e-6
        )
        return
    grid = [0, 1, 60, 128, 129, 200, 254, 255]
    rows = np.array([(r, g, b) for r in grid for g in grid for b in levels], np.float32)

    def first_two(p):
        return np.exp(pixel(likelihood, p, rows).astype(np.float64)).reshape(64, 256).sum(1)

    moved = parameters.copy()
    if isinstance(likelihood, Categorical256):
        moved[512:] = random_parameters(likelihood, channels, (), seed=5)[512:]
    else:
        moved[3 + 2 * 9 : 3 + 2 * 9 + 6] += 0.7  # B's means and log-scales
        moved[3 + 9 + 6 : 3 + 9 + 9] -= 1.0  # c1
    np.testing.assert_allclose(first_two(parameters), first_two(moved), rtol=2e-5)


@pytest.mark.statistical
@pytest.mark.parametrize("likelihood, channels", CASES, ids=IDS)
def test_samples_follow_log_prob(likelihood, channels):
    """Frequencies of the 8 likeliest pixels among N = 40,000 draws against exp(log_prob).

    The parameters are peaked so that single values (triples in RGB) have sizeable masses; the
    coupling of the channels then shows. Bounds are 5 standard errors: a false-fail rate below 5e-6
    a case; the seed is fixed.
    """
    n = 40_000
    parameters = random_parameters(likelihood, channels, (), seed=3)
    if isinstance(likelihood, Categorical256):
        parameters *= 4.0
    elif isinstance(likelihood, DiscretizedLogisticMixture):
        parameters[3:] = 0.6 * parameters[3:]
        for c in range(channels):
            start = 3 + c * (6 if channels == 1 else 9)
            parameters[start + 3 : start + 6] -= 6.0  # scales below half a bin
        parameters[3] = 1.2  # a component beyond the edge
    draws = likelihood.sample(np.broadcast_to(parameters, (n, len(parameters))), seed_of(7)).numpy()
    assert draws.shape == (n, channels)
    rows, counts = np.unique(draws, axis=0, return_counts=True)
    mass = np.exp(pixel(likelihood, parameters, rows).astype(np.float64))
    assert mass.sum() < 1 + 1e-5
    best = np.argsort(-mass)[:8]
    assert mass[best].sum() > 0.1
    error = np.sqrt(mass * (1 - mass) / n)
    np.testing.assert_array_less(np.abs(counts / n - mass)[best], 5 * error[best])


# The RGB mixture's mean and mode: test_logistic_mixture.
@pytest.mark.parametrize("likelihood, channels", EIGHT_BIT[:3], ids=IDS[2:5])
def test_mean_and_mode_by_brute_force(likelihood, channels):
    levels = np.arange(256, dtype=np.float32)
    parameters = random_parameters(likelihood, channels, (), seed=11)
    mean = likelihood.mean(parameters[None])[0].numpy()
    mode = likelihood.mode(parameters[None])[0].numpy()
    for c in range(channels):
        if isinstance(likelihood, Categorical256):
            logits = parameters[256 * c : 256 * (c + 1)]
            mass = np.exp(pixel(likelihood, logits, levels[:, None]))
        else:
            mass = np.exp(pixel(likelihood, parameters, levels[:, None]))
        np.testing.assert_allclose(mean[c], (mass * levels).sum() / mass.sum(), rtol=1e-5)
        assert mode[c] == mass.argmax()


@pytest.mark.parametrize("likelihood, channels", CASES, ids=IDS)
def test_whole_images_equal_single_pixels(likelihood, channels):
    parameters = random_parameters(likelihood, channels, (2, 3, 2))
    flat = parameters.reshape(12, -1)
    for method in (likelihood.mean, likelihood.mode):
        whole = method(parameters)
        assert whole.shape == [2, 3, 2, channels]
        np.testing.assert_allclose(
            tf.reshape(whole, [12, channels]), method(flat), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("likelihood, channels", CASES, ids=IDS)
def test_distribution_agrees(likelihood, channels):
    """The tfd object scores, averages and draws as the likelihood does, and keeps static shapes."""
    parameters = random_parameters(likelihood, channels)

    @tf.function(input_signature=[tf.TensorSpec([None, 2, 3, parameters.shape[-1]])])
    def run(p):
        distribution = likelihood.distribution(p)
        x = likelihood.sample(p, seed_of(3))
        assert x.shape.as_list() == [None, 2, 3, channels]
        assert sizes(x)[1:] == [2, 3, channels]
        many = distribution.sample(5, seed=seed_of(4))
        return (
            distribution.log_prob(x),
            likelihood.log_prob(p, x),
            distribution.mean(),
            likelihood.mean(p),
            many,
            distribution.log_prob(many),
        )

    a, b, mean, expected, many, scores = run(parameters)
    distribution = likelihood.distribution(parameters)
    assert distribution.event_shape == [2, 3, channels] and distribution.batch_shape == [2]
    np.testing.assert_allclose(a, b, rtol=1e-5)
    assert many.shape == [5, 2, 2, 3, channels]
    np.testing.assert_allclose(scores[3], likelihood.log_prob(parameters, many[3]), rtol=1e-5)
    if not isinstance(likelihood, Categorical256):  # tfd.Categorical has no mean
        np.testing.assert_allclose(mean, expected, rtol=1e-6)


SHAPES = [(1,), (12,), (5, 3), (4, 4, 2), (2, 2, 2, 1)]


def _by_scipy(likelihood, parameters, x):
    """log p of every number, each [B, ..., C], in float64."""
    parameters = parameters.astype(np.float64)
    if isinstance(likelihood, Bernoulli):
        return stats.bernoulli.logpmf(x, special.expit(parameters))
    if isinstance(likelihood, Categorical256):
        logits = special.log_softmax(parameters.reshape(*x.shape, 256), -1)
        return np.take_along_axis(logits, x[..., None].astype(int), -1)[..., 0]
    if likelihood.variance is not None:
        return stats.norm.logpdf(x, parameters, np.sqrt(likelihood.variance))
    mean, log_variance = np.split(parameters, 2, -1)
    return stats.norm.logpdf(x, mean, np.exp(0.5 * log_variance))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "likelihood",
    [Bernoulli(), Gaussian(), Gaussian(0.3), Categorical256()],
    ids=["Bernoulli", "Gaussian", "Gaussian-fixed", "Categorical256"],
)
def test_any_rank_by_scipy(likelihood, shape):
    """The sum over all axes but the batch; the distribution's event is one example."""
    parameters = random_parameters(likelihood, shape[-1], (3, *shape[:-1]))
    x = likelihood.sample(parameters, seed_of(5)).numpy()
    assert x.shape == (3, *shape)
    wanted = _by_scipy(likelihood, parameters, x).reshape(3, -1).sum(1)
    np.testing.assert_allclose(likelihood.log_prob(parameters, x), wanted, rtol=2e-5)
    distribution = likelihood.distribution(parameters)
    assert distribution.event_shape == shape and distribution.batch_shape == [3]
    np.testing.assert_allclose(distribution.log_prob(x), wanted, rtol=2e-5)
    np.testing.assert_allclose(distribution.log_prob(np.stack([x, x]))[1], wanted, rtol=2e-5)


def test_the_logistic_mixture_and_one_hot_rows_of_any_rank():
    """An image of one row is the table of its pixels, and their sum."""
    mixture, hot = DiscretizedLogisticMixture(3), OneHot()
    for likelihood, channels in ((mixture, 3), (mixture, 1), (hot, 4)):
        parameters = random_parameters(likelihood, channels, (1, 1, 6))
        x = likelihood.sample(parameters, seed_of(0)).numpy()
        table = likelihood.log_prob(parameters[0, 0], x[0, 0])
        assert table.shape == (6,)
        image, sequence = (
            likelihood.log_prob(parameters, x),
            likelihood.log_prob(parameters[0], x[0]),
        )
        np.testing.assert_allclose(image, tf.reduce_sum(table)[None], rtol=1e-5)
        np.testing.assert_allclose(sequence, image, rtol=1e-6)
        distribution = likelihood.distribution(parameters[0, 0])
        assert distribution.event_shape == [channels] and distribution.batch_shape == [6]
        np.testing.assert_allclose(distribution.log_prob(x[0, 0]), table, rtol=1e-5)
        assert distribution.sample(2, seed=seed_of(1)).shape == (2, 6, channels)


@pytest.mark.parametrize("likelihood, channels", CASES, ids=IDS)
def test_preprocess_ends(likelihood, channels):
    del channels
    top = 1 if likelihood.bits == 1 else 255
    for dtype in (np.uint8, np.float32):
        got = likelihood.preprocess(np.array([0, top], dtype))
        assert got.dtype == tf.float32
        np.testing.assert_array_equal(got, [-1.0, 1.0])


@pytest.mark.parametrize("likelihood, channels", CASES, ids=IDS)
def test_config_round_trip(likelihood, channels):
    config = keras.saving.serialize_keras_object(likelihood)
    twin = keras.saving.deserialize_keras_object(config)
    assert type(twin) is type(likelihood) and twin.get_config() == likelihood.get_config()
    assert twin.parameter_size(channels) == likelihood.parameter_size(channels)


def test_refusals():
    Bernoulli().check(np.array([0, 0.5, 1]))
    Bernoulli().check(np.array([True, False]))
    for likelihood in (Categorical256(), DiscretizedLogisticMixture()):
        likelihood.check(np.array([0, 255], np.uint8))
        likelihood.check(np.array([0.0, 255.0]))
        for bad in ([0.5, 1.0], [-1.0, 3.0], [0.0, 256.0], [np.nan, 1.0]):
            with pytest.raises(UserError, match="from 0 to 255"):
                likelihood.check(np.array(bad))
        with pytest.raises(UserError, match="got <U"):
            likelihood.check(np.array(["a"]))
    for bad in (np.array([0, 255], np.uint8), np.array([-0.1, 1.0]), np.array([np.nan])):
        with pytest.raises(UserError, match="x must be 0 or 1"):
            Bernoulli().check(bad)
    for bad in (0, 2.5, True):
        with pytest.raises(UserError, match="num_components"):
            DiscretizedLogisticMixture(bad)
    with pytest.raises(UserError, match="1 or 3 channels"):
        DiscretizedLogisticMixture().parameter_size(2)
    with pytest.raises(UserError, match="30 .grey. or 100 .RGB."):
        DiscretizedLogisticMixture().mean(np.zeros((1, 31), np.float32))
