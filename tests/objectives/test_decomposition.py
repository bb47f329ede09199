"""The pieces of a rate: golden values, NumPy, exact telescoping, closed forms."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import models
from tests.objectives.test_divergences import CODES, MEAN, SCALE
from tfvae.checks import UserError
from tfvae.distributions import OneHot, SideBySide, draw_one_hot
from tfvae.draw import AtDraw, Draw
from tfvae.objectives import Decomposition, RatePiece, decompose_rate, total_correlation
from tfvae.randomness import seed_of


def drawn(z, loc, scale):
    z, loc, scale = (tf.constant(a, tf.float32) for a in (z, loc, scale))
    posterior = tfp.distributions.Independent(tfp.distributions.Normal(loc, scale), 1)
    prior = tfp.distributions.Independent(tfp.distributions.Normal(tf.zeros_like(loc), 1.0), 1)
    at = AtDraw(lambda: posterior.log_prob(z), lambda: prior.log_prob(z))
    return Draw(None, None, posterior, z, tf.zeros([len(z), 1]), tf.zeros(len(z)), {}, at_draw=at)


def by_numpy(z, loc, scale, size, groups):
    z, loc, scale = (np.asarray(a, float) for a in (z, loc, scale))
    count = len(z)
    density = np.exp(-0.5 * ((z[:, None] - loc) / scale) ** 2) / scale / np.sqrt(2 * np.pi)
    weights = np.full((count, count), (size - 1) / (size * (count - 1)))
    np.fill_diagonal(weights, 1 / size)

    def mixed(numbers):
        return np.log((weights * density[..., numbers].prod(-1)).sum(1))

    every = list(range(z.shape[1]))
    edges = np.cumsum([0, *groups])
    joint = mixed(every)
    by_group = sum(mixed(every[a:b]) for a, b in zip(edges, edges[1:]))
    single = sum(mixed([d]) for d in every)
    own = np.log(density[np.arange(count), np.arange(count)]).sum(-1)
    log_prior = (-0.5 * z**2 - 0.5 * np.log(2 * np.pi)).sum(-1)
    pieces = own - joint, joint - by_group, by_group - single, single - log_prior
    return [np.mean(p) for p in pieces]


# F4 of the methods page, each number a group: (N, I, TC, DW)
@pytest.mark.parametrize(
    ("size", "golden"),
    [
        (4, (0.825043, -0.002296, 0.130695)),
        (10, (1.189493, -0.066397, -0.169655)),
        (100, (1.538222, -0.185138, -0.399644)),
    ],
)
def test_golden(size, golden):
    found = decompose_rate(drawn(CODES, MEAN, SCALE), size)
    np.testing.assert_allclose(
        [found.information, found.between, found.marginal], golden, atol=3e-6
    )
    assert float(found.within) == 0.0
    assert sum(map(float, found)) == pytest.approx(0.953441, abs=3e-6)


@pytest.mark.parametrize("groups", [(1,) * 6, (6,), (3, 3), (1, 4, 1)])
def test_pieces_of_groups_are_those_of_numpy_and_sum_to_the_rate_at_the_draws(groups):
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(size=(9, 6)), np.exp(0.3 * rng.normal(size=(9, 6)) - 0.5)
    z = loc + scale * rng.normal(size=loc.shape)
    draw = drawn(z, loc, scale)
    for size in (9, 500):
        found = decompose_rate(draw, size, groups)
        np.testing.assert_allclose(found, by_numpy(z, loc, scale, size, groups), atol=2e-5)
        exact = -float(tf.reduce_mean(draw.at_draw.log_ratio()))
        assert float(sum(found)) == pytest.approx(exact, abs=1e-5)
        whole = float(total_correlation(size)(draw))
        assert float(found.between + found.within) == pytest.approx(whole, abs=1e-5)


def test_posteriors_that_are_the_prior_have_no_pieces():
    z = np.random.default_rng(0).normal(size=(64, 4))
    found = decompose_rate(drawn(z, np.zeros((64, 4)), np.ones((64, 4))), 700, (1, 3))
    np.testing.assert_allclose(found, 0.0, atol=1e-4)


def test_a_group_s_own_dependence_is_within_it():
    """S of the methods page, smoothed by 0.15; groups {1, 2}, {3}: 0.152487 between, 0.066766 within."""
    rng = np.random.default_rng(0)
    covariance = np.array([[1, 0.5, 0.2], [0.5, 2, -0.3], [0.2, -0.3, 0.5]])
    loc = rng.multivariate_normal(np.zeros(3), covariance - 0.15**2 * np.eye(3), 3000)
    scale = np.full_like(loc, 0.15)
    found = decompose_rate(
        drawn(loc + scale * rng.normal(size=loc.shape), loc, scale), 3000, (2, 1)
    )
    # the finite mixture's own structure adds up to 0.15, as for the total correlation
    assert float(found.between) == pytest.approx(0.152487, abs=0.15)
    assert float(found.within) == pytest.approx(0.066766, abs=0.06)
    assert float(found.between) > float(found.within)


def test_a_piece_reaches_the_encoder_and_refuses_what_is_not_z():
    model = models.plain()
    term = RatePiece("between", 100, (1, 2))
    term.build(model)
    with tf.GradientTape() as tape:
        value = term(model.draw(models.images(8), seed_of(0)))
    for gradient in tape.gradient(value, [v.value for v in model.encoder.trainable_variables]):
        assert float(tf.reduce_max(tf.abs(gradient))) > 1e-9
    with pytest.raises(UserError, match=r"all of the 3 numbers of z, got \[1, 1\]: together 2"):
        RatePiece("between", 100, (1, 1)).build(model)
    with pytest.raises(UserError, match="piece of a rate 'betwen'; did you mean between"):
        RatePiece("betwen", 100)
    for piece, groups, wanted in (
        ("within", (), r"two units or more .a category is one., got \[\]"),
        ("within", (1, 1, 1), r"two units or more .a category is one., got \[1, 1, 1\]"),
        ("between", (3,), r"two groups or more, got \[3\]"),
    ):
        with pytest.raises(UserError, match=wanted):
            RatePiece(piece, 100, groups).build(model)
    without = model.draw(models.images(4), seed_of(0))._replace(at_draw=None)
    with pytest.raises(UserError, match="need log p.z., which this draw has not"):
        term(without)
    assert Decomposition._fields == ("information", "between", "within", "marginal")


# ------------------------------------------------------------------ groups of categories


def _mixed_draw(seed=0, soft=False):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(9, 4)).astype("float32")
    loc, scale = rng.normal(size=(9, 3)), np.exp(0.3 * rng.normal(size=(9, 3)) - 0.5)
    hot = np.eye(4)[rng.integers(4, size=9)]
    if soft:
        hot = rng.dirichlet(np.ones(4), 9)
    z = np.concatenate([hot, loc + scale * rng.normal(size=loc.shape)], 1).astype("float32")
    normal = tfp.distributions.Independent(
        tfp.distributions.Normal(*(a.astype("float32") for a in (loc, scale))), 1
    )
    prior = SideBySide(
        [
            OneHot(tf.zeros([4])),
            tfp.distributions.Independent(tfp.distributions.Normal(tf.zeros([3]), 1.0), 1),
        ]
    )
    posterior = SideBySide([OneHot(logits), normal])
    at = AtDraw(lambda: posterior.log_prob(z), lambda: prior.log_prob(z))
    draw = Draw(
        None, None, posterior, tf.constant(z), tf.zeros([9, 1]), tf.zeros(9), {}, at_draw=at
    )
    return draw, (z, logits, loc, scale)


def _mixed_by_numpy(z, logits, loc, scale, size, groups):
    """Units: the category, and each number; `groups` of units. A relaxed category is where it is largest."""
    count = len(z)
    z = np.concatenate([np.eye(4)[z[:, :4].argmax(1)], z[:, 4:]], 1)
    log_pi = logits - np.log(np.exp(logits.astype(float)).sum(1, keepdims=True))
    densities = np.empty((count, count, 4))
    densities[..., 0] = np.exp(z[:, :4].astype(float) @ log_pi.T)
    number = ((z[:, None, 4:] - loc) / scale) ** 2
    densities[..., 1:] = np.exp(-0.5 * number) / scale / np.sqrt(2 * np.pi)
    weights = np.full((count, count), (size - 1) / (size * (count - 1)))
    np.fill_diagonal(weights, 1 / size)

    def mixed(units):
        return np.log((weights * densities[..., units].prod(-1)).sum(1))

    edges = np.cumsum([0, *groups])
    joint, single = mixed([0, 1, 2, 3]), sum(mixed([u]) for u in range(4))
    by_group = sum(mixed(list(range(a, b))) for a, b in zip(edges, edges[1:]))
    own = np.log(densities[np.arange(count), np.arange(count)]).sum(-1)
    log_prior = -np.log(4) * z[:, :4].sum(1)
    log_prior = log_prior + (-0.5 * z[:, 4:] ** 2 - 0.5 * np.log(2 * np.pi)).sum(-1)
    pieces = own - joint, joint - by_group, by_group - single, single - log_prior
    return [np.mean(p) for p in pieces]


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize(
    ("numbers", "units"), [((4, 3), (1, 3)), ((5, 2), (2, 2)), ((4, 1, 2), (1, 1, 2)), ((7,), (4,))]
)
def test_pieces_of_categories_and_numbers_are_those_of_numpy_and_telescope(numbers, units, soft):
    draw, given = _mixed_draw(soft=soft)
    for size in (9, 500):
        found = decompose_rate(draw, size, numbers)
        np.testing.assert_allclose(found, _mixed_by_numpy(*given, size, units), atol=2e-5)
        hard = np.concatenate([np.eye(4)[given[0][:, :4].argmax(1)], given[0][:, 4:]], 1)
        of_x = draw.posterior.log_prob(hard.astype("float32"))
        exact = float(tf.reduce_mean(of_x - draw.at_draw.log_prior()))
        assert float(sum(found)) == pytest.approx(exact, abs=1e-5)
        whole = float(total_correlation(size)(draw))
        assert float(found.between + found.within) == pytest.approx(whole, abs=1e-5)


@pytest.mark.statistical
@pytest.mark.parametrize("temperature", [0.67, 2.0, 10.0])
def test_pieces_of_relaxed_draws_sum_to_the_rate_of_the_categories(temperature):
    """M = N = 2,000, so that the mixture is exact; the sum is a mean over draws, whose rate is known: within
    5 standard errors (a false failure in a million). The densities of the relaxed draws themselves miss by
    0.2 to 0.9 nats, and a marginal below 0 is none."""
    logits = 3.0 * np.random.default_rng(0).normal(size=(2000, 5)).astype("float32")
    posterior, prior = OneHot(logits, temperature), OneHot(tf.zeros([5]))
    z = draw_one_hot(posterior, seed_of(1))
    at = AtDraw(lambda: posterior.log_prob(z), lambda: prior.log_prob(z))
    nats = tfp.distributions.kl_divergence(posterior, prior)
    draw = Draw(None, None, posterior, z, nats[:, None], tf.zeros(2000), {}, at_draw=at)
    found = decompose_rate(draw, 2000)
    own = np.max(z, 1, keepdims=True) == z
    surprise = np.sum(own * posterior.log_probabilities(), 1) + np.log(5.0)
    error = np.std(surprise) / np.sqrt(2000)
    assert abs(float(sum(found)) - float(tf.reduce_mean(nats))) < 5 * error
    assert float(found.marginal) > -1e-6 and float(found.information) <= np.log(5.0)


def test_a_piece_that_the_groups_have_not_is_refused():
    class Model:
        class latent:
            unit_widths = (4, 1, 1)

    RatePiece("within", 9, (4, 2)).build(Model)
    with pytest.raises(UserError, match=r"a category is one\), got \[4, 1, 1\]"):
        RatePiece("within", 9, (4, 1, 1)).build(Model)
    with pytest.raises(UserError, match=r"two groups or more, got \[6\]"):
        RatePiece("between", 9, (6,)).build(Model)
    with pytest.raises(UserError, match=r"\[3, 3\] cut a category"):
        RatePiece("between", 9, (3, 3)).build(Model)
    draw, _ = _mixed_draw()
    alone = draw._replace(posterior=draw.posterior.parts[0], z=draw.z[:, :4])
    with pytest.raises(UserError, match="two numbers or categories, got one"):
        total_correlation(9)(alone)


def test_a_group_does_not_cut_a_category():
    draw, _ = _mixed_draw()
    with pytest.raises(UserError, match=r"\[3, 4\] cut a category: z is of 4, 1, 1, 1 numbers"):
        decompose_rate(draw, 9, (3, 4))
