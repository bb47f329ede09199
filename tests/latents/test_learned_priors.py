"""Priors that are learned: each is a density, looks at the past alone, and its draws follow it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special, stats

import zoo
from tests import linear_gaussian
from tfvae import VAE, distributions
from tfvae.checks import UserError
from tfvae.latents import (
    AR1Prior,
    AttentionPrior,
    AutoregressivePrior,
    MixturePrior,
    PixelCNNPrior,
    StandardNormalPrior,
    StochasticLatent,
)

tfd = tfp.distributions

KINDS = {
    "autoregressive": lambda base, grid: AutoregressivePrior(base, 8, 3, 3),
    "pixelcnn": lambda base, grid: PixelCNNPrior(base, grid, 8, 3, 3),
    "attention": lambda base, grid: AttentionPrior(base, 8, 2, 2, 3),
    "mixture": lambda base, grid: MixturePrior(base, 3),
}
GRIDS = {5: (5, 1), 6: (2, 3), 2: (1, 2)}
each = pytest.mark.parametrize("kind", KINDS)


def _prior(kind, base=None, scale=0.3):
    """Over 2 x 3 positions of 2 channels, its weights shaken."""
    keras.utils.set_random_seed(0)
    base = AR1Prior((6, 2), (0.8, -0.4)) if base is None else base
    prior = KINDS[kind](base, GRIDS.get(base.event_shape[0], (2, 2)))
    prior.build()
    rng = np.random.default_rng(1)
    if scale:
        for weight in prior.trainable_weights:
            weight.assign(weight.numpy() + rng.normal(size=weight.shape) * scale)
    return prior


@each
def test_it_begins_near_the_prior_that_it_replaces(kind):
    """Within 0.1 nats of 12 numbers, over 500 draws of that."""
    prior = _prior(kind, scale=0.0)
    z = prior.base.distribution().sample(500, seed=[1, 2])
    gap = prior.base.distribution().log_prob(z) - prior.log_prob(z)
    assert 0.0 < float(tf.reduce_mean(gap)) < 0.1


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "mixture"])
def test_a_position_is_made_of_those_before_it(kind):
    """d log p(z_t | z_<t) / d z_s is exactly 0 for s > t, and not for s < t (but for a blind corner)."""
    prior = _prior(kind)
    z = tf.constant(np.random.default_rng(2).normal(size=(1, 6, 2)).astype("float32"))
    rows = []
    for t in range(6):
        with tf.GradientTape() as tape:
            tape.watch(z)
            here = prior._next(z).distribution.log_prob(z)[0, t]
        rows.append(np.abs(tape.gradient(here, z)[0]).sum(-1))
    jacobian = np.array(rows)
    assert np.all(jacobian[np.triu_indices(6, 1)] == 0)
    assert np.all(jacobian[np.tril_indices(6, 0)] > 0)


@each
def test_its_density_is_one(kind):
    """A numerical integral over 2 positions of one channel."""
    prior = _prior(kind, AR1Prior((2, 1), 0.7))
    grid = np.linspace(-11, 11, 241, dtype="float32")
    z = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2, 1)
    density = np.exp(prior.distribution().log_prob(z).numpy().astype("float64"))
    assert density.sum() * (grid[1] - grid[0]) ** 2 == pytest.approx(1.0, abs=1e-3)


@each
@pytest.mark.statistical
def test_its_draws_follow_its_density(kind):
    """Importance weights p_base / p of 5,000 draws average to 1; 6 standard errors: 2e-9."""
    prior = _prior(kind, scale=0.12)
    z = prior.distribution().sample(5_000, seed=[5, 6])
    assert z.shape == (5_000, 6, 2)
    gap = prior.base.distribution().log_prob(z) - prior.log_prob(z)
    weights = np.exp(gap.numpy().astype("float64"))
    assert abs(weights.mean() - 1) < 6 * weights.std() / np.sqrt(len(weights))
    assert weights.sum() ** 2 / np.square(weights).sum() > 500  # not of a few draws alone
    assert np.std(gap) > 0.2  # and p is not the base


@each
def test_a_vector_is_a_sequence_of_one_channel(kind):
    flat, steps = (_prior(kind, StandardNormalPrior(shape)) for shape in ((5,), (5, 1)))
    z = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    np.testing.assert_allclose(flat.log_prob(z), steps.log_prob(z[..., None]), rtol=1e-5)
    one, other = (p.distribution().sample(3, seed=[1, 2]) for p in (flat, steps))
    np.testing.assert_allclose(one, other[..., 0], rtol=1e-4, atol=1e-5)


@each
def test_its_rate_is_log_q_less_log_p_in_one_group_and_reaches_its_weights(kind):
    prior = _prior(kind)
    q = tfd.Independent(tfd.Normal(tf.fill([4, 6, 2], 0.3), 0.5), 2)
    z = q.sample(seed=[3, 4])
    with tf.GradientTape() as tape:
        found = distributions.rate(q, prior.distribution(), z)
    assert found.nats.shape == (4, 1) and not found.is_exact
    np.testing.assert_allclose(found.nats[:, 0], q.log_prob(z) - prior.log_prob(z), rtol=1e-5)
    slopes = tape.gradient(found.nats, [v.value for v in prior.trainable_weights])
    assert all(slope is not None and np.abs(slope).max() > 0 for slope in slopes)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: MixturePrior(StandardNormalPrior((2, 3, 4))),
            r"\(D,\) or \(n, D\), got \(2, 3, 4\)",
        ),
        (
            lambda: PixelCNNPrior(StandardNormalPrior((6, 2)), (2, 2)),
            r"6 positions .* got \(2, 2\)",
        ),
        (
            lambda: AttentionPrior(StandardNormalPrior((6, 2)), 8, 1, 3).build(),
            "num_heads must divide the width 8, got 3",
        ),
        (
            lambda: zoo.build("vae", "digits", backbone="mlp", prior="attention", prior_heads=5),
            "'prior_heads' must divide prior_filters=64, got 5",
        ),
        (
            lambda: zoo.build("vae", "digits", stages="+auxiliary_pixelcnn"),
            "stages=auxiliary_pixelcnn needs a latent with positions, .*: take code=sequence",
        ),
        (
            lambda: zoo.build("vae", "digits", prior="mixture", stages="+auxiliary_prior"),
            "needs a prior that can be fitted anew afterwards, and this model has prior=mixture",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, says):
    with pytest.raises(UserError, match=says):
        make()


def test_a_mixture_of_gaussians_is_its_formula_where_no_term_can_be_taken_alone():
    """log sum_m w_m N(z; f_m, exp(g_m)^2) by SciPy, and 60 standard deviations away from all of them."""
    prior = _prior("mixture", StandardNormalPrior((3,)), scale=0.5)
    logits, shift, stretch = (v.numpy().astype(float) for v in prior.weights)
    z = np.random.default_rng(3).normal(size=(20, 3)).astype(np.float32)
    z[0] = 60.0
    scale = np.exp(4 * np.tanh(stretch / 4))
    each = stats.norm(shift[None], scale[None]).logpdf(z[:, None, :, None]).sum((2, 3))
    wanted = special.logsumexp(each + special.log_softmax(logits), 1)
    np.testing.assert_allclose(prior.log_prob(z), wanted, rtol=1e-5)
    assert np.all(np.isfinite(prior.log_prob(z))) and wanted[0] < -1e3


def test_a_learned_prior_reaches_the_entropy_of_correlated_codes():
    """z ~ N(0, [[1, .8], [.8, 1]]): 2.32705144 nats, and 2.83787707 under N(0, I).

    2,000 draws, standard error of the first 0.022: 4 of them, and what 120 steps leave.
    """
    covariance = [[1.0, 0.8], [0.8, 1.0]]
    z = np.random.default_rng(0).multivariate_normal([0, 0], covariance, 2000).astype("float32")
    plain = StandardNormalPrior((2,)).distribution()
    assert -np.mean(plain.log_prob(z)) == pytest.approx(2.83787707, abs=0.08)
    prior = AutoregressivePrior(StandardNormalPrior((2,)), 8, 1, 1)
    prior.build()
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build(prior.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            nats = -tf.reduce_mean(prior.log_prob(z))
        values = [v.value for v in prior.trainable_variables]
        optimizer.apply(tape.gradient(nats, values), prior.trainable_variables)
        return nats

    for _ in range(120):
        last = step()
    own = -np.mean(stats.multivariate_normal([0, 0], covariance).logpdf(z))
    assert own == pytest.approx(2.32705144, abs=0.08)
    assert own - 0.02 < float(last) < own + 0.01


def test_the_bound_under_a_learned_prior_is_below_the_exact_likelihood(two_replicas):
    """A linear model, one Gaussian of a mixture as p(z): ELBO <= IW-NLL <= log p(x); 1 = 2 replicas."""
    known, x = linear_gaussian.planted(squares=(3.0, 2.0, 1.5, 1.0, 1.0), width=2)

    def make():
        keras.utils.set_random_seed(0)
        prior = MixturePrior(StandardNormalPrior((2,)), 1)
        latent = StochasticLatent(known.latent.posterior, prior)
        model = VAE(known.encoder, latent, known.decoder, known.likelihood)
        model.build()
        return model

    model = make()
    prior = model.latent.prior
    prior.shift.assign([[[0.4], [-0.3]]])
    prior.stretch.assign([[[0.2], [-0.1]]])
    some = (x[:20] / 3).astype("float32")
    kernel, bias = (v.numpy().astype(float) for v in model.decoder.trainable_variables)
    scale = np.exp(4 * np.tanh(np.array([0.2, -0.1]) / 4))
    spread = kernel.T @ np.diag(scale**2) @ kernel + model.likelihood.variance * np.eye(len(bias))
    mean = bias + kernel.T @ [0.4, -0.3]
    exact = stats.multivariate_normal.logpdf(some.reshape(20, -1), mean, spread)
    found = model.log_prob(some, 5000, chunk=5000)
    np.testing.assert_allclose(found, exact, atol=0.05)
    draws = np.mean([model.elbo(some, seed) for seed in range(20)])
    assert draws < exact.mean()
