"""Terms of the aggregated posterior: golden values, closed forms, NumPy, and critics that learn."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import models
from tfvae import inference
from tfvae.checks import UserError
from tfvae.draw import Draw
from tfvae.objectives import (
    MIXTURES,
    Critic,
    DensityRatio,
    DensityRatioLoss,
    MaximumMeanDiscrepancy,
    MomentDistance,
    Objective,
    OffsetCritic,
    PriorCritic,
    PriorCriticLoss,
    inverse_multiquadratic,
    maximum_mean_discrepancy,
    permute_dimensions,
    radial_basis,
    total_correlation,
)
from tfvae.randomness import fold, seed_of

# the fixture of the methods page: four posteriors in two dimensions, a draw from each, prior draws
MEAN = np.array([[0.5, -1.0], [1.5, 0.25], [-0.75, 0.8], [0.0, -0.4]], np.float32)
LOG_VARIANCE = np.array([[-1.0, -0.5], [-2.0, 0.0], [-0.3, -1.2], [-0.8, -0.1]], np.float32)
NOISE = np.array([[0.3, -0.6], [-1.1, 0.4], [0.7, 0.2], [-0.2, 1.3]], np.float32)
SCALE = np.exp(LOG_VARIANCE / 2)
CODES = MEAN + SCALE * NOISE
PRIOR = np.array([[0.1, 0.9], [-1.2, 0.3], [0.6, -0.5], [1.4, -1.6]], np.float32)

PUBLISHED = radial_basis()
THREE = (
    np.array([[0, 1, -1], [0.5, 0.5, 2]], np.float32),
    np.array([[1, 0, 0], [-1, 0.5, 0.25]], np.float32),
)


def draw(z, loc=None, scale=None):
    normal = tfp.distributions.Normal(loc, scale) if loc is not None else None
    posterior = None if normal is None else tfp.distributions.Independent(normal, 1)
    return Draw(None, None, posterior, z, tf.zeros([len(z), 1]), tf.zeros(len(z)), {})


@pytest.mark.parametrize(
    "kernel, biased, unbiased",
    [
        (PUBLISHED, 0.09177869, -0.17972749),
        (radial_basis(1.0), 0.14403711, -0.21637029),
        (inverse_multiquadratic([1.0], 4.0), 0.07863117, -0.13833629),
        (inverse_multiquadratic(), 0.77361945, -0.77256930),
    ],
)
def test_mmd_golden(kernel, biased, unbiased):
    for form, golden in ((False, biased), (True, unbiased)):
        found = maximum_mean_discrepancy(CODES, PRIOR, kernel, form)
        assert float(found) == pytest.approx(golden, abs=2e-6)


def test_mmd_golden_in_three_dimensions_where_the_kernels_part():
    for kernel, golden in (
        (PUBLISHED, 0.17922369),
        (radial_basis(3.0), 0.28771363),
        (inverse_multiquadratic([1.0]), 0.25979096),
    ):
        assert float(maximum_mean_discrepancy(*THREE, kernel, False)) == pytest.approx(
            golden, abs=1e-6
        )
    found = maximum_mean_discrepancy(*THREE, inverse_multiquadratic())
    assert float(found) == pytest.approx(-1.19415557, abs=1e-5)


@pytest.mark.parametrize(
    "mean, variance, published, plain",
    [
        ((1.0, 0.0), (1.0, 1.0), 0.11750310, 0.10234552),
        ((0.0, 0.0), (0.25, 0.25), 0.06923077, 0.11111111),
        ((0.5, -0.5), (0.5, 2.0), 0.07154837, 0.06466039),
    ],
)
def test_mmd_of_gaussians_is_the_closed_form(mean, variance, published, plain):
    """4,000 points of each; the standard error of the unbiased form is below 0.004: five of them."""
    rng = np.random.default_rng(0)
    codes = rng.normal(mean, np.sqrt(variance), (4000, 2)).astype(np.float32)
    prior = rng.normal(size=(4000, 2)).astype(np.float32)
    for kernel, exact in ((PUBLISHED, published), (radial_basis(1.0), plain)):
        found = float(maximum_mean_discrepancy(codes, prior, kernel))
        assert found == pytest.approx(exact, abs=0.02)


def test_mmd_of_equal_samples_and_of_samples_alike():
    same = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    for kernel in (PUBLISHED, inverse_multiquadratic()):
        assert float(maximum_mean_discrepancy(same, same, kernel, False)) == pytest.approx(
            0, abs=1e-5
        )
    # V is biased by 2/n (k(0) - E k): at n = 100, D = 2 and a variance of 1 by 0.013333
    rng = np.random.default_rng(1)
    found = {form: [] for form in (True, False)}
    for _ in range(300):
        a, b = rng.normal(size=(2, 100, 2)).astype(np.float32)
        for form, values in found.items():
            values.append(float(maximum_mean_discrepancy(a, b, radial_basis(1.0), form)))
    # standard errors of the means of 300 are below 0.0006
    assert np.mean(found[True]) == pytest.approx(0, abs=0.003)
    assert np.mean(found[False]) == pytest.approx(0.013333, abs=0.003)


def test_of_points_whose_number_is_found_out_late_a_single_one_has_no_pairs():
    signature = [tf.TensorSpec([None, 2])] * 2
    late = tf.function(
        lambda a, b: maximum_mean_discrepancy(a, b, radial_basis(1.0)), input_signature=signature
    )
    a, b = CODES[:1], PRIOR[:1]
    assert float(late(a, b)) == pytest.approx(-2 * np.exp(-np.sum((a - b) ** 2) / 2), rel=1e-5)


def test_the_unbiased_form_refuses_one_point():
    with pytest.raises(UserError, match="needs two, got one"):
        maximum_mean_discrepancy(CODES[:1], PRIOR[:1], PUBLISHED)


def test_the_term_draws_anew_each_step_and_reaches_the_encoder():
    model, x = models.plain(), models.images(40)
    term = MaximumMeanDiscrepancy(seed=3)
    objective = Objective({"mmd": (2.0, term)})
    objective.build(model)
    with tf.GradientTape() as tape:
        found = model.draw(x, 0)
        loss, logs = objective(found, tf.constant(0))
    for gradient in tape.gradient(loss, [v.value for v in model.encoder.trainable_variables]):
        assert float(tf.reduce_max(tf.abs(gradient))) > 1e-7
    assert float(loss) == pytest.approx(2 * float(logs["term/mmd"]))
    again = [float(term(found, tf.constant(step))) for step in (0, 0, 1)]
    assert again[0] == again[1] != again[2]


def _numpy_total_correlation(z, loc, scale, size, mixture):
    count = len(z)
    density = np.exp(-0.5 * ((z[:, None] - loc) / scale) ** 2) / scale / np.sqrt(2 * np.pi)
    weights = np.full((count, count), (size - 1) / (size * (count - 1)))
    np.fill_diagonal(weights, 1 / size)
    if mixture == "minibatch_weighted":
        weights[:] = 1 / (size * count)
    joint = np.log((weights * density.prod(-1)).sum(1))
    return (joint - np.log((weights[..., None] * density).sum(1)).sum(-1)).mean()


@pytest.mark.parametrize(
    "size, mixture, golden",
    [
        (4, "unbiased", -0.002296),
        (10, "unbiased", -0.066397),
        (100, "unbiased", -0.185138),
        (10, "minibatch_weighted", 2.300289),
        (100, "minibatch_weighted", 4.602874),
    ],
)
def test_total_correlation_golden(size, mixture, golden):
    found = float(total_correlation(size, mixture)(draw(CODES, MEAN, SCALE)))
    assert found == pytest.approx(golden, abs=3e-6)
    exact = [a.astype(float) for a in (CODES, MEAN, SCALE)]
    assert found == pytest.approx(_numpy_total_correlation(*exact, size, mixture), abs=3e-6)


def test_total_correlation_of_posteriors_that_are_all_alike():
    """None; of the published weights (D - 1) ln N (methods page: 121.5965 for dSprites, D = 10)."""
    loc, scale = tf.zeros([64, 10]), tf.ones([64, 10])
    z = tf.random.stateless_normal([64, 10], [0, 1])
    here = draw(z, loc, scale)
    assert float(total_correlation(737280)(here)) == pytest.approx(0, abs=1e-3)
    off = float(total_correlation(737280, "minibatch_weighted")(here))
    assert off == pytest.approx(121.5965, abs=1e-2)


@pytest.mark.parametrize("correlation, exact", [(0.0, 0.0), (0.9, 0.830366)])
def test_total_correlation_of_gaussian_codes_is_the_closed_form(correlation, exact):
    """2,000 narrow posteriors smoothed by 0.15: TC of the smoothed Gaussian, -1/2 ln(1 - r^2)."""
    rng = np.random.default_rng(0)
    covariance = np.array([[1, correlation], [correlation, 1]]) - 0.15**2 * np.eye(2)
    loc = rng.multivariate_normal([0, 0], covariance, 2000).astype(np.float32)
    scale = np.full_like(loc, 0.15)
    z = loc + scale * rng.normal(size=loc.shape).astype(np.float32)
    found = float(total_correlation(2000)(draw(z, loc, scale)))
    assert found == pytest.approx(exact, abs=0.15)  # the finite mixture's own structure: + 0.1


def test_total_correlation_of_one_example_has_finite_gradients():
    loc = tf.constant([[0.3, 0.1]])
    for size, mixture in itertools.product((1, 5), MIXTURES):
        with tf.GradientTape() as tape:
            tape.watch(loc)
            value = total_correlation(size, mixture)(draw(loc + 0.1, loc, tf.ones([1, 2])))
        assert np.isfinite(tape.gradient(value, loc)).all() and np.isfinite(value)


def test_total_correlation_refuses_what_it_cannot_read():
    with pytest.raises(UserError, match="did you mean minibatch_weighted"):
        total_correlation(10, "minibatch")
    other = draw(CODES)._replace(posterior=tfp.distributions.Gamma(1.0, 1.0))
    with pytest.raises(UserError, match="independent Gaussian numbers or categories, got Gamma"):
        total_correlation(10)(other)


class Fixed:
    """A critic whose logits are given, by the number of the call."""

    def __init__(self, *logits):
        self.logits, self.trainable_variables = iter(logits), []
        self.inputs = ("z",)

    def build(self, model):
        del model

    def __call__(self, draw, seed=None):
        del draw, seed
        return tf.constant(next(self.logits))


def test_density_ratio_golden():
    own = [[0.3, -0.1], [-0.2, 0.4], [1, 0], [0.1, 0.1]]
    permuted = [[-0.5, 0.2], [0.3, 0.3], [0, 1.2], [-0.1, -0.4]]
    assert float(tf.reduce_mean(DensityRatio(Fixed(own))(draw(CODES)))) == pytest.approx(0.2)
    loss = DensityRatioLoss(Fixed(own, permuted))(draw(CODES), tf.constant(0))
    assert float(loss) == pytest.approx(0.59636038, rel=1e-6)


def test_prior_critic_golden():
    prior, code = [[0.2], [-0.4], [1.0], [0.5]], [[-0.3], [0.8], [0.1], [-1.2]]
    loss = PriorCriticLoss(Fixed(prior, code))
    loss.build(models.plain())
    z = tf.constant(np.c_[CODES, CODES[:, :1]])
    assert float(loss(draw(z), tf.constant(0))) == pytest.approx(1.25790696, rel=1e-6)
    penalty = PriorCritic(Fixed(code))(draw(z))
    assert float(tf.reduce_mean(penalty)) == pytest.approx(0.83328376, rel=1e-6)


def test_permuted_dimensions_keep_each_column_and_break_the_rows():
    z = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    found = permute_dimensions(tf.constant(z), seed_of(1)).numpy()
    np.testing.assert_array_equal(np.sort(found, 0), np.sort(z, 0))
    # rows kept by chance: 1 of 200 in expectation for each pair of columns; 20 is beyond 1e-15
    places = [[np.flatnonzero(z[:, d] == value)[0] for value in found[:, d]] for d in range(3)]
    for a, b in itertools.combinations(places, 2):
        assert np.sum(np.array(a) == np.array(b)) < 20
    again = permute_dimensions(tf.constant(z), seed_of(2)).numpy()
    assert not np.array_equal(found, again)


def test_numbers_of_one_category_are_dealt_together():
    hot = np.eye(3, dtype="float32")[np.random.default_rng(0).integers(3, size=50)]
    z = np.concatenate([hot, np.arange(50, dtype="float32")[:, None], hot], 1)
    found = permute_dimensions(tf.constant(z), seed_of(1), (3, 1, 3)).numpy()
    np.testing.assert_array_equal(np.sort(found, 0), np.sort(z, 0))
    for part in (found[:, :3], found[:, 4:]):
        np.testing.assert_array_equal(part.sum(1), 1.0)
    assert not np.array_equal(found[:, :3], found[:, 4:])  # each category by itself


def _fit(critic, loss, codes, steps=1500):
    optimizer = keras.optimizers.Adam(3e-3)
    optimizer.build(critic.trainable_variables)

    @tf.function
    def step(number):
        z = codes(number)
        with tf.GradientTape() as tape:
            value = loss(draw(z), number)
        variables = critic.trainable_variables
        gradients = tape.gradient(value, [v.value for v in variables])
        optimizer.apply(gradients, variables)
        return value

    return np.mean([float(step(tf.constant(number))) for number in range(steps)][-300:])


def _normal(shape, number):
    return tf.random.stateless_normal(shape, [9, number])


def test_a_trained_density_ratio_is_the_total_correlation():
    """Correlation 0.9: 0.830366 nats, from below (methods page)."""
    keras.utils.set_random_seed(0)
    critic = Critic([64, 64], 2)
    model = models.plain(width=2)
    critic.build(model)
    root = tf.constant(np.linalg.cholesky([[1, 0.9], [0.9, 1]]), tf.float32)

    def codes(number):
        return tf.matmul(_normal([256, 2], number), root, transpose_b=True)

    _fit(critic, DensityRatioLoss(critic), codes)
    found = float(tf.reduce_mean(DensityRatio(critic)(draw(codes(tf.constant(99999))))))
    fresh = [
        float(tf.reduce_mean(DensityRatio(critic)(draw(codes(tf.constant(10**5 + i))))))
        for i in range(40)
    ]
    assert np.mean([found, *fresh]) == pytest.approx(0.83, abs=0.12)


def test_the_best_critic_of_the_prior_pays_two_ln_two_less_two_jensen_shannon():
    """N(1, 1) against N(0, 1) in one dimension: JS 0.111421, loss 1.163451."""
    keras.utils.set_random_seed(0)
    critic = Critic([32], 1)
    loss = PriorCriticLoss(critic)
    loss.build(models.plain(width=1))
    least = _fit(critic, loss, lambda number: _normal([512, 1], number) + 1.0)
    assert least == pytest.approx(1.163451, abs=0.02)


def test_an_offset_critic_is_the_critic_and_the_density_of_the_prior():
    keras.utils.set_random_seed(0)
    critic = Critic([4], 1)
    offset, model = OffsetCritic(critic), models.plain(width=2)
    offset.build(model)
    z = tf.constant(CODES)
    exact = -0.5 * np.sum(CODES**2, -1) - np.log(2 * np.pi)  # log N(z; 0, I) in two dimensions
    np.testing.assert_allclose((offset(draw(z)) - critic(draw(z)))[:, 0], exact, rtol=1e-5)
    assert offset.trainable_variables == critic.trainable_variables
    shaped = (
        models.delta()
    )  # a prior over positions: z comes flat from the loss, whole from the draw
    offset = OffsetCritic(Critic([4], 1))
    offset.build(shaped)
    z = shaped.sample_codes(5, seed_of(0))
    np.testing.assert_array_equal(offset(draw(z)), offset(draw(tf.reshape(z, [5, -1]))))
    exact = shaped.latent.prior.distribution().log_prob(z)
    beside = offset(draw(z)) - offset.critic(draw(z))
    np.testing.assert_allclose(beside[:, 0], exact, rtol=1e-5, atol=1e-5)


def test_an_offset_critic_learns_less_the_density_of_the_codes():
    """q = N(0, 1/4), p = N(0, 1): JS 0.092733, loss 1.200828, and the network itself says -log q."""
    keras.utils.set_random_seed(0)
    critic = OffsetCritic(Critic([32], 1))
    loss = PriorCriticLoss(critic)
    loss.build(models.plain(width=1))
    least = _fit(critic, loss, lambda number: 0.5 * _normal([512, 1], number))
    assert least == pytest.approx(1.200828, abs=0.02)
    z = np.linspace(-1.0, 1.0, 41, dtype=np.float32)[:, None]
    learned = critic.critic(draw(tf.constant(z))).numpy()[:, 0]
    density = tfp.distributions.Normal(0.0, 0.5).log_prob(z).numpy()[:, 0]
    assert np.max(np.abs(learned + density)) < 0.25


def test_moments_are_those_of_numpy_and_nothing_for_the_prior_itself():
    model, term = models.plain(width=2), MomentDistance(seed=4)
    term.build(model)

    def reference(codes, prior):
        mean = np.mean((prior.mean(0) - codes.mean(0)) ** 2)
        return mean + np.mean((np.cov(prior.T) - np.cov(codes.T)) ** 2)

    prior = [model.sample_codes(4, fold(term.seed, tf.constant(step))).numpy() for step in range(2)]
    for step in range(2):
        found = float(term(draw(tf.constant(CODES)), tf.constant(step)))
        assert found == pytest.approx(reference(CODES, prior[step]), rel=1e-5)
    assert float(term(draw(tf.constant(prior[1])), tf.constant(1))) == 0.0
    # N(3, 4 I) against N(0, I): 9 of the mean, and 3^2 on half of the covariance's four numbers
    alone = float(term(draw(tf.constant(CODES[:1])), tf.constant(0)))
    one = model.sample_codes(1, fold(term.seed, tf.constant(0))).numpy()
    assert alone == pytest.approx(np.mean((CODES[0] - one[0]) ** 2), rel=1e-5)  # no covariance
    far = 3.0 + 2.0 * _normal([20_000, 2], 1)
    assert float(term(draw(far), tf.constant(0))) == pytest.approx(9.0 + 4.5, abs=0.4)


@pytest.mark.parametrize(
    "pair", [(DensityRatio, DensityRatioLoss, 2), (PriorCritic, PriorCriticLoss, 1)]
)
def test_penalties_move_no_critic_and_losses_move_nothing_else(pair):
    penalty, loss, outputs = pair
    model, x = models.plain(), models.images(12)
    critic = Critic([5], outputs)
    for term, moves_model in ((penalty(critic), True), (loss(critic), False)):
        objective = Objective({"own": term})
        objective.build(model)
        assert len(objective.trainable_variables) == (0 if moves_model else 4)
        with tf.GradientTape(persistent=True) as tape:
            value, _ = objective(inference.amortised(model, x, seed_of(0)), tf.constant(0))
        for v in model.encoder.trainable_variables:
            gradient = tape.gradient(value, v.value)
            assert (gradient is not None) == moves_model
        for v in objective.trainable_variables:
            assert float(tf.reduce_max(tf.abs(tape.gradient(value, v.value)))) > 0


def test_a_game_says_who_minimises_what():
    """The logistic one is non-saturating (Goodfellow et al. 2014): softplus of +- the logit."""
    from tfvae.objectives import LOGISTIC, WASSERSTEIN, Game

    logits = np.linspace(-3, 3, 7).astype("float32")
    soft = np.log1p(np.exp(logits))
    assert isinstance(LOGISTIC, Game) and isinstance(WASSERSTEIN, Game)
    for pays, wanted in zip(LOGISTIC, (soft - logits, soft, soft - logits, soft)):
        np.testing.assert_allclose(pays(tf.constant(logits)), wanted, atol=1e-6)
    for pays, sign in zip(WASSERSTEIN, (-1, 1, -1, 1)):
        np.testing.assert_allclose(pays(tf.constant(logits)), sign * logits)
