"""Covariance, independence, mutual divergence, contrast: golden values, NumPy, closed forms, effects."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import models
from tests.objectives.test_divergences import CODES, LOG_VARIANCE, MEAN, SCALE
from tfvae.checks import UserError
from tfvae.draw import Draw
from tfvae.objectives import (
    COVARIANCES,
    DIVERSITIES,
    ContrastiveBound,
    EmbeddingScores,
    Independence,
    code_covariance,
    contrastive_bound,
    gram,
    independence_criterion,
    off_diagonal,
    posterior_diversity,
    posterior_scores,
    posterior_unevenness,
    unit_diagonal,
)

GROUP = np.array([0, 0, 1, 1], np.int32)


def draw(mean=MEAN, scale=SCALE, z=CODES, label=None):
    normal = tfp.distributions.Independent(tfp.distributions.Normal(mean, scale), 1)
    rate, log_likelihood = tf.zeros([len(z), 1]), tf.zeros(len(z))
    return Draw(None, None, normal, tf.constant(z), rate, log_likelihood, {}, label)


# ------------------------------------------------------------------ covariance (DIP-VAE)


@pytest.mark.parametrize(
    ("form", "golden", "penalties"),
    [
        (
            "means",
            [[0.66796875, -0.15390625], [-0.15390625, 0.45796875]],
            {(10, 100): 40.878005, (1, 1): 0.451417},
        ),
        (
            "codes",
            [[1.091309, -0.153906], [-0.153906, 1.161109]],
            {(10, 10): 0.816679, (1, 1): 0.081668},
        ),
    ],
)
def test_covariance_golden(form, golden, penalties):
    np.testing.assert_allclose(code_covariance(draw(), form), golden, atol=1e-6)
    off, on = float(off_diagonal(form)(draw())), float(unit_diagonal(form)(draw()))
    for (of_rest, of_diagonal), whole in penalties.items():
        assert of_rest * off + of_diagonal * on == pytest.approx(whole, rel=1e-5)


def test_at_the_optimum_of_a_linear_vae_the_first_form_wants_idle_units_back():
    """Variances theta / lambda of active units, means N(0, 1 - theta / lambda), one unit the prior."""
    left = np.array([0.0625, 0.25, 1.0])
    mean = np.array(list(itertools.product((-1.0, 1.0), repeat=3))) * np.sqrt(1.0 - left)
    known = draw(mean.astype(np.float32), np.sqrt(np.tile(left, (8, 1))).astype(np.float32), mean)
    assert float(unit_diagonal("codes")(known) + off_diagonal("codes")(known)) < 1e-10
    assert float(unit_diagonal("means")(known)) == pytest.approx(1.066406, rel=1e-5)


# ------------------------------------------------------------------ mutual divergence (MAE)


def _pairs(mean, log_variance):
    """[M (M-1), D], by loops in float64."""
    found = []
    for i, j in itertools.permutations(range(len(mean)), 2):
        ratio = np.exp(log_variance[i] - log_variance[j])
        away = (mean[i] - mean[j]) ** 2 / np.exp(log_variance[j])
        found.append(0.5 * (ratio + away - np.log(ratio) - 1.0))
    return np.array(found)


SECOND = (
    np.array([[0, 0], [1, -1], [0.5, 2]], np.float32),
    np.array([[0, 0], [-0.5, 0.2], [0.3, -1.0]], np.float32),
)


@pytest.mark.parametrize(
    ("mean", "log_variance", "released", "printed", "uneven"),
    [
        (MEAN, LOG_VARIANCE, 0.24039622, 0.56531173, 5.38963380),
        (*SECOND, 0.530144527, 0.709271169, 4.491851208),
    ],
)
def test_mutual_divergence_golden_and_by_loops(mean, log_variance, released, printed, uneven):
    known = draw(mean, np.exp(0.5 * log_variance), mean)
    found = [
        float(posterior_diversity("released")(known)),
        float(posterior_diversity("printed")(known)),
        float(posterior_unevenness(known)),
    ]
    np.testing.assert_allclose(found, [released, printed, uneven], rtol=1e-5)
    pairs = _pairs(mean.astype(np.float64), log_variance.astype(np.float64))
    by_loops = [
        np.logaddexp(0, -pairs.mean(0)).sum(),
        np.logaddexp(0, -pairs).sum(1).mean(),
        pairs.sum(1).std(ddof=1),
    ]
    np.testing.assert_allclose(found, by_loops, rtol=1e-5)


def test_equal_posteriors_are_worst_and_even_and_their_gradient_is_a_number():
    mean = tf.Variable(tf.zeros([5, 3]))
    with tf.GradientTape(persistent=True) as tape:
        known = draw(mean, tf.ones([5, 3]), np.zeros((5, 3), np.float32))
        diverse, uneven = posterior_diversity()(known), posterior_unevenness(known)
    assert float(diverse) == pytest.approx(3 * math.log(2), rel=1e-6)
    assert float(uneven) == pytest.approx(0, abs=1e-5)
    for value in (diverse, uneven):
        assert np.isfinite(tape.gradient(value, mean)).all()


# ------------------------------------------------------------------ independence (HSIC)


def _hsic(first, second):
    """tr(K H L H) / M^2 in float64."""
    centre = np.eye(len(first)) - 1.0 / len(first)
    return np.trace(first @ centre @ second @ centre) / len(first) ** 2


def test_kernel_widths_are_those_published():
    for width, golden in ((1, 0.392699082), (2, 0.159154943), (5, 0.055223308), (10, 0.026279613)):
        points = np.zeros((2, width), np.float32)
        points[1, 0] = 1.0
        assert -math.log(float(gram(points)[0, 1])) == pytest.approx(golden, rel=1e-5)


def test_independence_golden_and_by_the_trace():
    first, second = gram(CODES[:, :1]), gram(CODES[:, 1:])
    whole, hot = gram(CODES), gram(tf.one_hot(GROUP, 2))
    for grams, golden in (((first, second), 0.01151114), ((whole, hot), 0.01992282)):
        assert float(independence_criterion(grams)) == pytest.approx(golden, abs=3e-7)
        trace = _hsic(*(np.asarray(g, np.float64) for g in grams))
        assert trace == pytest.approx(golden, abs=1e-7)
    assert float(independence_criterion([first, second, hot])) == pytest.approx(
        0.04238523, abs=3e-7
    )


@pytest.mark.parametrize(
    ("term", "golden"),
    [
        (Independence((1, 1)), 0.10728999),
        (Independence((2,), 2), 0.14114822),
        (Independence((1, 1), 2), 0.04238523**0.5),
    ],
)
def test_the_term_is_the_root(term, golden):
    known = draw(label=tf.constant(GROUP))
    assert float(term(known)) == pytest.approx(golden, rel=1e-4)
    assert term.needs_label == (term.num_labels is not None)


def test_an_example_whose_label_is_unknown_does_not_count():
    term = Independence((2,), 2)
    more = np.concatenate([CODES, [[9.0, -9.0]]]).astype(np.float32)
    unknown = np.append(GROUP, -1).astype(np.int32)
    mean = np.zeros_like(more)
    known = draw(mean, mean + 1, more, tf.constant(unknown))
    assert float(term(known)) == pytest.approx(0.14114822, rel=1e-4)
    nobody = tf.constant([-1] * 5)
    assert float(term(draw(mean, mean + 1, more, nobody))) == pytest.approx(1e-4, rel=1e-3)
    wrong = tf.constant([0, 1, 2, 0, 1])
    assert np.isnan(float(term(draw(mean, mean + 1, more, wrong))))


def test_independence_of_two_normals_is_the_closed_form():
    """2,000 draws at three correlations; the standard error of the root is below 0.004."""
    rng, width = np.random.default_rng(0), math.pi / 8
    a = width / (1 + 2 * width)
    for correlation, golden in ((0.0, 0.0), (0.5, 0.01029285), (0.9, 0.04555405)):
        exact = (
            ((1 + 4 * width) ** 2 - 16 * width**2 * correlation**2) ** -0.5
            + 1 / (1 + 4 * width)
            - 2 / (1 + 2 * width) * ((1 + 2 * a) ** 2 - 4 * a**2 * correlation**2) ** -0.5
        )
        assert exact == pytest.approx(golden, abs=1e-8)
        covariance = [[1, correlation], [correlation, 1]]
        z = rng.multivariate_normal([0, 0], covariance, 2000).astype(np.float32)
        found = float(independence_criterion([gram(z[:, :1]), gram(z[:, 1:])]))
        assert found == pytest.approx(golden, abs=2e-3)


def test_standardised_codes_are_seen_at_any_scale():
    """At a thousandth of unit scale the kernel is flat, and dependence reads as none."""
    z = np.random.default_rng(0).normal(size=(100, 1)).astype(np.float32) * 1e-3
    tiny = np.concatenate([z, z], 1)
    known = draw(tiny, np.ones_like(tiny), tiny)
    assert float(Independence((1, 1))(known)) < 1e-3
    assert float(Independence((1, 1), standardised=True)(known)) > 0.2


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Independence((2,)), "between two variables or more"),
        (lambda: Independence((0, 2)), "group of latent numbers"),
        (lambda: Independence((2, 1))(draw()), "of the 2 numbers of z, got widths"),
        (lambda: off_diagonal("both"), "form of a covariance"),
        (lambda: posterior_diversity("both"), "form of a diversity"),
        (lambda: unit_diagonal()(draw()._replace(posterior=None)), "diagonal Gaussian"),
    ],
)
def test_what_fits_no_code_is_refused_in_one_line(make, says):
    with pytest.raises(UserError, match=says) as refused:
        make()
    assert "\n" not in str(refused.value)


# ------------------------------------------------------------------ contrast (InfoNCE)


def test_forms_are_those_that_are_tested_here():
    assert COVARIANCES == ("means", "codes") and DIVERSITIES == ("released", "printed")


def test_embeddings_score_each_z_against_each_x():
    """s_ij = f(h(x_j)) . g(z_i) / sqrt(W): a row is a z, and its own x is on the diagonal."""
    model = models.plain()
    x = np.random.default_rng(0).integers(0, 2, (5, *model.data_shape)).astype(np.float32)
    scores = EmbeddingScores((3,), 4)
    scores.build(model)
    one, other = model.draw(x, 0), model.draw(x, 1)
    of_x, of_z = scores.of_x(one).numpy(), scores.of_z(one).numpy()
    assert of_x.shape == of_z.shape == (5, 4) and len(scores.trainable_variables) == 8
    np.testing.assert_allclose(scores(one), of_z @ of_x.T / 2.0, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(scores.of_x(other), of_x)  # of x alone
    assert np.abs(scores.of_z(other) - of_z).max() > 1e-3


def test_the_contrast_golden_and_its_ceiling():
    scores = [[2, 0.5, -1], [0, 1.5, 0.3], [0.2, -0.4, 1.0]]
    assert float(contrastive_bound(tf.constant(scores))) == pytest.approx(0.70158181, rel=1e-6)
    far = contrastive_bound(100.0 * tf.eye(7))
    assert float(far) == pytest.approx(math.log(7), rel=1e-6)
    assert float(contrastive_bound(tf.ones([7, 7]))) == pytest.approx(0, abs=1e-6)


def test_the_posterior_as_its_own_critic_is_the_mixture_of_the_batch():
    """mean [log q(z_i|x_i) - log 1/M sum_j q(z_i|x_j)], the information within the batch."""
    normal = tfp.distributions.Independent(tfp.distributions.Normal(MEAN, SCALE), 1)
    scores = np.array([normal.log_prob(z).numpy() for z in CODES])
    np.testing.assert_allclose(posterior_scores(draw()), scores, rtol=1e-5)
    exact = np.mean(np.diag(scores) - np.logaddexp.reduce(scores, 1)) + math.log(4)
    assert exact == pytest.approx(0.825043, abs=1e-6)  # the information of the fixture at N = 4
    assert float(ContrastiveBound()(draw())) == pytest.approx(-exact, rel=1e-5)
