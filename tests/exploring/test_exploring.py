"""After the training: against closed forms of the linear Gaussian VAE, and what is refused."""

import gc

import numpy as np
import pytest

from tests import linear_gaussian, models
from tfvae import exploring
from tfvae.checks import UserError
from tfvae.exploring import graphs

MISSING = np.array([True, False, False]).reshape(1, 3, 1)


def _conditional():
    """Mean and variance of x_0 given the others, of the golden model."""
    covariance = linear_gaussian.GOLDEN_W @ linear_gaussian.GOLDEN_W.T + 0.5 * np.eye(3)
    weights = np.linalg.solve(covariance[1:, 1:], covariance[1:, 0])
    mean = weights @ linear_gaussian.GOLDEN_X[1:]
    return mean, covariance[0, 0] - covariance[0, 1:] @ weights


def test_metropolis_draws_the_exact_conditional_though_the_encoder_is_wrong():
    vae, x = linear_gaussian.golden(), linear_gaussian.golden_data(4000)
    x[:, 0, 0] = np.nan  # what is missing is not read
    mean, variance = _conditional()
    found = exploring.impute(vae, x, MISSING, steps=80, draws=10)
    drawn = found.draws[:, :, 0, 0, 0]
    error = np.sqrt(variance / 4000)
    assert abs(drawn[-1].mean() - mean) < 4 * error
    assert drawn[-1].var() == pytest.approx(variance, rel=4 * np.sqrt(2 / 4000))
    assert 0.1 < found.accepted < 0.9
    assert np.array_equal(
        found.draws[:, :, :, 1:], np.broadcast_to(x[:, :, 1:], (10, 4000, 1, 2, 1))
    )
    wrong = exploring.impute(vae, x, MISSING, steps=80, draws=1, method="pseudo_gibbs")
    assert abs(wrong.mean[:, 0, 0].mean() - mean) > 8 * error


def test_the_score_is_the_exact_likelihood_of_the_best_linear_model():
    vae, x = linear_gaussian.planted()
    x = x[:50]
    kernel, bias = (v.numpy().astype(float) for v in vae.decoder.trainable_variables)
    covariance = kernel.T @ kernel + np.eye(5)
    centred = x.reshape(50, 5) - bias
    square = np.sum(centred * np.linalg.solve(covariance, centred.T).T, -1)
    exact = 0.5 * (square + np.linalg.slogdet(covariance)[1] + 5 * np.log(2 * np.pi))
    # q is the true posterior: one draw says all
    assert exploring.elbo_score(vae, x, 1) == pytest.approx(exact, abs=2e-4)
    usual = exploring.elbo_score(vae, x).mean()
    found = exploring.typicality(vae, x, x)
    assert found == pytest.approx(np.abs(exact - usual), abs=2e-4)


def test_regret_is_the_amortisation_gap():
    vae, x = linear_gaussian.golden(), linear_gaussian.golden_data(3)
    gap = linear_gaussian.GOLDEN_DIAGONAL + 3.750267633
    assert exploring.likelihood_regret(vae, x, 200, 2000) == pytest.approx(gap, abs=0.05)


def test_area_under_the_curve():
    assert exploring.roc_auc([1, 2, 3], [2, 4]) == pytest.approx((1 + 0.5 + 3 + 0) / 6 + 0.0)
    assert exploring.roc_auc([0, 1], [2, 3]) == 1.0


def test_a_traversal_moves_one_number_and_an_interpolation_ends_at_reconstructions():
    vae, x = linear_gaussian.planted()
    kernel, bias = (v.numpy() for v in vae.decoder.trainable_variables)
    z = exploring.codes(vae, x[:2])
    found = exploring.traverse(vae, x[:2], units=[1], steps=3, span=1.5)
    z[:, 1] = -1.5
    expected = (z @ kernel + bias).reshape(2, 1, 5, 1)
    assert found.x[:, 0, 0] == pytest.approx(expected, abs=1e-5)
    assert found.x[:, 0, 2] - found.x[:, 0, 0] == pytest.approx(
        np.broadcast_to(3 * kernel[1].reshape(1, 1, 5, 1), (2, 1, 5, 1)), abs=1e-5
    )
    # by default the numbers that vary most come first
    assert list(exploring.traverse(vae, x, steps=2).units)[:3] == [0, 1, 2]
    ways = exploring.interpolate(vae, x[:2], x[2:4], 3)
    ends = vae.reconstruct(x[:4]).numpy()
    assert ways[:, 0] == pytest.approx(ends[:2], abs=1e-5)
    assert ways[:, 2] == pytest.approx(ends[2:], abs=1e-5)
    assert ways[:, 1] == pytest.approx((ends[:2] + ends[2:]) / 2, abs=1e-5)


def test_neighbours_and_maps():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(40, 3)) * [9, 3, 0.1]
    rows, distances = exploring.nearest(codes, codes[:2] + 1e-3, 2)
    assert list(rows[:, 0]) == [0, 1] and (distances[:, 0] < 2e-3).all()
    plane = exploring.code_map(codes)
    assert np.abs(np.corrcoef(plane[:, 0], codes[:, 0])[0, 1]) > 0.99
    apart = np.concatenate([codes[:20], codes[20:] + 500])
    plane = exploring.code_map(apart, "tsne")
    near = exploring.nearest(plane, plane, 5)[0]
    assert ((near < 20) == (np.arange(40) < 20)[:, None]).all()


SAMPLERS = {
    "mixture": lambda vae, x: exploring.fit_gaussian_mixture(vae, x, 1),
    "flow": lambda vae, x: exploring.fit_flow(vae, x, 2, 16, 200),
    "two stages": lambda vae, x: exploring.fit_two_stage(vae, x, 32, 200, 5e-3),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_draws_the_codes_where_the_prior_does_not(name):
    """q(z) = N(7, I): the rate is I(x; z), and the prior costs KL(q(z) || p(z)) = 0.5 D 7^2 more."""
    vae, x = linear_gaussian.planted()
    vae.latent.posterior.mean_head.bias.assign(np.full(5, 7.0))
    drawn = exploring.draws(vae, x, 1)
    fitted = SAMPLERS[name](vae, x)
    z = fitted.codes(4000)
    assert z.mean(0) == pytest.approx(np.full(5, 7.0), abs=0.2)
    assert np.cov(z.T) == pytest.approx(np.eye(5), abs=0.25)
    information = 0.5 * np.log(linear_gaussian.SQUARES).sum()
    assert fitted.rate(x, 1).mean() == pytest.approx(information, abs=0.25)
    prior = drawn.log_posterior - vae.log_prior(drawn.z).numpy()
    assert prior.mean() == pytest.approx(information + 0.5 * 5 * 49, rel=0.05)
    assert np.array_equal(fitted.sample(3, 1), fitted.sample(3, 1))
    assert not np.array_equal(fitted.sample(3, 1), fitted.sample(3, 2))


def test_two_stages_find_what_is_no_gaussian():
    """Codes of the halves lie 12 prior deviations apart: of a Gaussian of their spread .61 lie beyond 3."""
    vae, x = linear_gaussian.planted()
    x[:, 0, 0] = np.where(np.arange(len(x)) % 2, 30.0, -30.0)[:, None]
    first = exploring.fit_two_stage(vae, x, 64, 200, 5e-3).codes(1000)[:, 0]
    assert (np.abs(first) > 3).mean() > 0.7
    assert (first > 0).mean() == pytest.approx(0.5, abs=0.1)


def test_a_function_of_a_model_is_traced_once(capfd, caplog):
    """TensorFlow warns of the fifth trace of one function; a graph of a model that is gone is gone too."""
    made = [models.plain(seed) for seed in range(7)]
    for model in made:
        for number in (20, 11):
            exploring.codes(model, models.images(number))
    for _ in range(6):
        exploring.elbo_score(made[0], models.images(5), 2)
        exploring.impute(made[0], models.images(5), np.ones((4, 4, 1), bool), 3, 2)
    assert "retracing" not in caplog.text + capfd.readouterr().err
    held = len(graphs._KEPT)
    del made, model
    gc.collect()
    assert len(graphs._KEPT) <= held - 7


REFUSED = {
    "traversal of codes": (
        lambda: exploring.traverse(models.discrete(), models.images(2)),
        "codebook",
    ),
    "codes of no latent": (lambda: exploring.codes(models.exact(), models.images(2)), "no latent"),
    "way of no latent": (
        lambda: exploring.interpolate(models.exact(), models.images(2), models.images(2)),
        "no latent",
    ),
    "a unit that is not there": (
        lambda: exploring.traverse(models.plain(), models.images(2), [3]),
        "from 0 to 2",
    ),
    "autoregressive imputation": (
        lambda: exploring.impute(models.delta(), models.images(2), np.ones((4, 4, 1), bool)),
        "does not read x",
    ),
    "a density that is not known": (
        lambda: exploring.impute(models.flow(), models.images(2), np.ones((4, 4, 1), bool)),
        "pseudo_gibbs",
    ),
    "missing of another shape": (
        lambda: exploring.impute(models.plain(), models.images(2), np.ones((4, 4), bool)),
        "shape of x",
    ),
    "mixture of codes": (
        lambda: exploring.fit_gaussian_mixture(models.discrete(), models.images(20)),
        "codebook",
    ),
    "a flow over codes": (
        lambda: exploring.fit_flow(models.discrete(), models.images(20)),
        "codebook",
    ),
    "two stages of no latent": (
        lambda: exploring.fit_two_stage(models.exact(), models.images(20)),
        "no latent",
    ),
    "a flow over few": (
        lambda: exploring.fit_flow(models.plain(), models.images(19)),
        "20 examples",
    ),
    "regret of codes": (
        lambda: exploring.likelihood_regret(models.discrete(), models.images(2)),
        "for each x anew",
    ),
    "more neighbours than codes": (lambda: exploring.nearest(np.eye(3), np.eye(3), 4), "3 codes"),
    "no scores": (lambda: exploring.roc_auc([], [1.0]), "both kinds"),
    "another map": (lambda: exploring.code_map(np.eye(5), "lle"), "pca"),
    "three points": (lambda: exploring.code_map(np.eye(3)), "4 codes"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_one_line(what):
    ask, says = REFUSED[what]
    with pytest.raises(UserError, match=says) as refused:
        ask()
    assert "\n" not in str(refused.value)
