"""The closed forms of the linear VAE, and every measure against them."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import zoo
from tests import linear_gaussian
from tfvae import diagnosis
from tfvae.checks import UserError
from tfvae.diagnosis.linear_gaussian import best_variance, elbo, log_likelihood, optimum, tuned
from zoo.benchmarks.linear import exact
from zoo.modalities import images

TOY = (4.0, 2.0, 1.0, 0.5, 0.5)


@pytest.mark.parametrize(
    ("width", "variance", "wanted"),
    [(1, 1.0, -7.787839847), (2, 2 / 3, -7.526215775), (3, 0.5, -7.441266256)],
)
def test_the_maximum_likelihood_golden(width, variance, wanted):
    assert best_variance(TOY, width) == pytest.approx(variance)
    assert log_likelihood(TOY, width, variance) == pytest.approx(wanted, abs=1e-8)


@pytest.mark.parametrize(
    ("variance", "active", "wanted"),
    [
        (5.0, 0, -9.418287447),
        (3.0, 1, -8.651731091),
        (1.5, 2, -7.909277766),
        (0.7, 3, -7.492024207),
        (0.3, 5, -7.441266256),
    ],
)
def test_a_larger_variance_leaves_fewer_units_golden(variance, active, wanted):
    assert optimum(TOY, 5, variance).active == active
    assert log_likelihood(TOY, 5, variance) == pytest.approx(wanted, abs=1e-8)


@pytest.mark.parametrize(
    ("beta", "rates"),
    [
        (1.0, (0.87148, 0.52491, 0.17834, 0, 0)),
        (0.5, (1.21806, 0.87148, 0.52491, 0.17834, 0.17834)),
        (3.0, (0.32218, 0, 0, 0, 0)),
    ],
)
def test_rates_golden(beta, rates):
    np.testing.assert_allclose(optimum(TOY, 5, 0.7, beta).rates, rates, atol=1e-5)


@pytest.mark.parametrize(
    ("beta", "rate", "error", "active", "loss"),
    [
        (1, 2.079442, 0.75, 2, 3.579442),
        (2, 1.386294, 1.25, 2, 5.272589),
        (4, 0.693147, 2.25, 1, 7.272589),
        (8, 0.346574, 3.25, 1, 9.272589),
        (16, 0.0, 5.25, 0, 10.5),
    ],
)
def test_the_laboratory_golden(beta, rate, error, active, loss):
    found = optimum((4.0, 1.0, 0.25), 3, 0.25, beta)
    assert found.active == active and found.squared_error == pytest.approx(error)
    assert (found.rates.sum(), found.loss) == pytest.approx((rate, loss), abs=1e-6)


def _best(variance, width, turned=0.0):
    """W, V, delta at the maximum, with the first two columns turned by an angle."""
    turn = np.eye(width)
    c, s = np.cos(turned), np.sin(turned)
    turn[:2, :2] = [[c, -s], [s, c]]
    w = np.zeros((5, width))
    w[:width] = np.diag(np.sqrt(np.maximum(np.array(TOY[:width]) - variance, 0)))
    w = w @ turn
    m = w.T @ w + variance * np.eye(width)
    return w, np.linalg.solve(m, w.T), variance / np.diag(m)


def test_the_bound_is_tight_at_the_maximum_and_pays_for_turned_axes():
    s = np.diag(TOY)
    w, v, delta = _best(2 / 3, 2)
    np.testing.assert_allclose(np.linalg.norm(w, axis=0), [1.825741858, 1.154700538], rtol=1e-8)
    np.testing.assert_allclose(np.diag(v), [0.456435465, 0.577350269], rtol=1e-8)
    np.testing.assert_allclose(delta, [1 / 6, 1 / 3])
    assert elbo(s, w, v, delta, 2 / 3) == pytest.approx(-7.526215775, abs=1e-8)
    turned = elbo(s, *_best(2 / 3, 2, np.pi / 4), 2 / 3)
    assert turned == pytest.approx(-7.526215775 - 0.058891518, abs=1e-8)


def test_the_bound_is_that_of_the_model():
    """Of random weights, against the model's own ELBO with many draws (0.3 % standard error)."""
    model = linear_gaussian.model(4, 2, 0.7, seed=3)
    x = linear_gaussian.data((4.0, 2.0, 1.0, 0.5), 64)
    w, m = (v.numpy() for v in model.decoder.trainable_variables)
    v, c = (v.numpy() for v in model.latent.posterior.mean_head.trainable_variables)
    model.latent.posterior.scale_head.kernel.assign(0 * model.latent.posterior.scale_head.kernel)
    assert not m.any() and not c.any()
    cov = np.cov(x.reshape(64, 4).T, bias=True)
    wanted = elbo(cov, w.T, v.T, np.ones(2), 0.7)
    draws = [float(tf.reduce_mean(model.elbo(x, seed))) for seed in range(300)]
    error = np.std(draws) / np.sqrt(300)
    assert error < 0.003 * abs(wanted) and abs(np.mean(draws) - wanted) < 5 * error


def test_no_direction_left_has_no_variance():
    with pytest.raises(UserError, match="5 directions of 5 leave no noise"):
        best_variance(TOY, 5)


# ---------------------------------------------------------------- trained

SPACE = images.Space((1, 5, 1), None)
SQUARES = (25.0, 16.0, 9.0, 4.0, 1.0)


def _trained(x, steps=1500, **given):
    """`linear_vae` of the zoo on x [N, 1, 5, 1], all of which is a batch."""
    given = {"learning_rate": 3e-2, "learning_rate_schedule": "cosine", **given}
    model = zoo.build(
        "linear_vae", "gaussian", SPACE, train_steps=steps, batch_size=len(x), **given
    )
    data = tf.data.Dataset.from_tensors(tf.constant(x)).repeat()
    model.fit(data, steps_per_epoch=steps, verbose=0, shuffle=False)
    return model


@pytest.mark.parametrize(
    ("beta", "wanted"),
    [
        pytest.param(1, 7.2875, marks=pytest.mark.slow),
        pytest.param(4, 16.5596, marks=pytest.mark.slow),
        (9, 23.1866),
        pytest.param(16, 26.5703, marks=pytest.mark.slow),
        (25, 27.5),
    ],
)
def test_linear_vae_reaches_the_closed_form(beta, wanted):
    """Unit i is active if and only if its square singular value exceeds beta; the loss to 0.5 %."""
    x = linear_gaussian.data(SQUARES, 1000)
    found = optimum(SQUARES, 5, 1.0, beta)
    assert found.loss == pytest.approx(wanted, abs=1e-4)
    model = _trained(x, 12_000 if beta == 1 else 5000 if beta == 4 else 1500, beta=float(beta))
    error, rate = exact(model, x)
    assert error / 2 + beta * rate.sum() == pytest.approx(wanted, rel=5e-3)
    assert (rate > 0.05).sum() == found.active == sum(s > beta for s in SQUARES)
    np.testing.assert_allclose(np.sort(rate)[::-1], found.rates, atol=0.05)
    # and through the measures: units that are active, and nats
    report = diagnosis.measure(model, x, num_samples=10, nll_examples=50)
    assert report["rate"] == pytest.approx(rate.sum(), abs=1e-3)
    assert report["active_units"] == found.active


def test_every_measure_of_a_trained_linear_vae():
    """NLL, information and marginal KL against pPCA: q(z) = N(0, I), so the rate is the information."""
    x = linear_gaussian.data(SQUARES, 1000)
    model = _trained(x)
    report = diagnosis.measure(model, x, num_samples=200, reference=1000)
    assert -report["nll"] == pytest.approx(log_likelihood(SQUARES, 5, 1.0), abs=0.02)
    assert report["rate"] == pytest.approx(optimum(SQUARES, 5, 1.0).rates.sum(), abs=0.05)
    # the information is of at most ln 1000 = 6.9 nats and 4.8 here: its estimate lies below
    assert report["mutual_information"] == pytest.approx(report["rate"], abs=0.5)
    assert abs(report["marginal_kl"]) < 0.5
    assert report["bits_per_dim"] is None and report["perplexity"] is None
    assert report["tuned_decoder_variance"] == pytest.approx(1.0, abs=0.1)


def test_the_tuned_elbo_is_that_of_the_best_variance():
    """The gain (D/2)(r - 1 - ln r), golden at D = 784; and against the ELBO computed anew."""
    for ratio, wanted in ((0.5, 75.7137), (1.2, 6.9299), (2.0, 120.2863)):
        distortion = 392 * (ratio + np.log(2 * np.pi * 0.1))
        best, bound = tuned(0.1, distortion, 3.0, 784)
        assert bound + distortion + 3.0 == pytest.approx(wanted, abs=1e-3)
        assert best == pytest.approx(0.1 * ratio)


def test_a_learned_variance_finds_the_noise():
    """Two of five directions: the best variance is the mean of the three that are left."""
    x = linear_gaussian.data((9.0, 4.0, 0.5, 0.3, 0.1), 500)
    model = _trained(x, latent_width=2, variance=None)
    found = float(np.exp(model.decoder.network.log_variance))
    assert found == pytest.approx(best_variance((9.0, 4.0, 0.5, 0.3, 0.1), 2), rel=0.02)
    assert model.likelihood.variance is None


def test_gaussian_data_has_its_covariance():
    """10,000 vectors: each eigenvalue within 6 standard errors (l sqrt(2 / N)): false fail 1e-8."""
    from zoo.datasets import gaussian

    x = gaussian.load("gaussian").train.x.reshape(-1, 5)
    found = np.sort(np.linalg.eigvalsh(x.T @ x / len(x)))[::-1]
    assert np.all(np.abs(found / SQUARES - 1) < 6 * np.sqrt(2 / len(x)))
    off = np.abs(np.cov(x.T) - np.diag(np.diag(np.cov(x.T)))).max()
    assert off > 1  # a random basis: PCA has something to find


def test_the_likelihood_is_the_normal_density():
    from tfvae.likelihoods import Gaussian

    rng = np.random.default_rng(0)
    x, mean = rng.normal(size=(2, 3, 2, 2, 1)).astype(np.float32)
    fixed = Gaussian(0.3)
    wanted = stats.norm(mean, 0.3**0.5).logpdf(x).sum((1, 2, 3))
    np.testing.assert_allclose(fixed.log_prob(mean, x), wanted, rtol=1e-5)
    np.testing.assert_allclose(fixed.distribution(mean).log_prob(x), wanted, rtol=1e-5)
    log_variance = rng.normal(size=mean.shape).astype(np.float32)
    learned = Gaussian().log_prob(np.concatenate([mean, log_variance], -1), x)
    wanted = stats.norm(mean, np.exp(log_variance / 2)).logpdf(x).sum((1, 2, 3))
    np.testing.assert_allclose(learned, wanted, rtol=1e-5)
    # a pixel that never varies cannot make the density infinite
    floor = Gaussian().log_prob(np.concatenate([x, np.full_like(x, -50)], -1), x)
    np.testing.assert_allclose(floor, 4 * (5 - 0.5 * np.log(2 * np.pi)), rtol=1e-5)
    with pytest.raises(UserError, match="numbers that are finite"):
        fixed.check(np.array([np.nan]))
    with pytest.raises(UserError, match="variance"):
        Gaussian(0.0)


@pytest.mark.statistical
def test_draws_of_the_likelihood_have_its_moments():
    """40,000 draws: mean and variance within 6 standard errors, false fail 4e-9."""
    from tfvae.likelihoods import Gaussian
    from tfvae.randomness import seed_of

    drawn = Gaussian(0.3).sample(np.full((10_000, 2, 2, 1), 1.5, np.float32), seed_of(0)).numpy()
    assert abs(drawn.mean() - 1.5) < 6 * np.sqrt(0.3 / 40_000)
    assert abs(drawn.var() - 0.3) < 6 * 0.3 * np.sqrt(2 / 40_000)
