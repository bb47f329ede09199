"""The VampPrior against mixtures by hand, its theorems, where it stands, and what it is refused."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special, stats

from tests import linear_gaussian, models
from tfvae import VAE, UserError
from tfvae.distributions import EvenMixture, mixture
from tfvae.draw import Known
from tfvae.latents import GaussianPosterior, StochasticLatent, VampPrior
from tfvae.likelihoods import Bernoulli
from tfvae.networks import FactorisedDecoder, LabelCondition, MLPEncoder, MLPImage

tfd = tfp.distributions

LOC = np.array([[-1.0], [0.0], [2.0]], "float32")
SCALE = np.array([[0.5], [1.0], [0.8]], "float32")


def _golden():
    return EvenMixture(tfd.Independent(tfd.Normal(LOC, SCALE), 1))


def test_golden_values_of_three_components():
    """Published formulas on a line; the integrals by the trapezoidal rule, whose error is below 1e-7."""
    mixed = _golden()
    assert float(mixed.log_prob([0.3])) == pytest.approx(-1.87360967, abs=1e-6)
    z = np.linspace(-12, 12, 24001)
    log_p = mixed.log_prob(z[:, None].astype("float32")).numpy().astype(float)
    log_q = stats.norm.logpdf(z[:, None], LOC[:, 0], SCALE[:, 0])
    assert np.trapezoid(np.exp(log_p), z) == pytest.approx(1.0, abs=1e-6)
    to_mixture = np.trapezoid(np.exp(log_q) * (log_q - log_p[:, None]), z, axis=0)
    np.testing.assert_allclose(to_mixture, [0.67072848, 0.26194867, 0.80501978], atol=2e-6)
    assert to_mixture.mean() == pytest.approx(0.57923231, abs=2e-6)
    beside = np.trapezoid(np.exp(log_p) * (log_p - stats.norm.logpdf(z)), z)
    assert beside == pytest.approx(0.37453127, abs=2e-6)


def _family(kind, number=7, width=3):
    rng = np.random.default_rng(0)
    loc = rng.normal(size=(number, width)).astype("float32") * 3
    scale = np.exp(rng.normal(size=(number, width)) - 3.0).astype("float32")  # down to 1/200
    return tfd.Independent(kind(tf.constant(loc), tf.constant(scale)), 1)


FAMILIES = {
    "gaussian, by products": (tfd.Normal, stats.norm, 2**24),
    "laplace, at once": (tfd.Laplace, stats.laplace, 2**24),
    "laplace, in blocks": (tfd.Laplace, stats.laplace, 50),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_density_gradient_and_draws_are_those_of_a_mixture(family, monkeypatch):
    kind, oracle, most = FAMILIES[family]
    monkeypatch.setattr(mixture, "_MOST", most)
    components = _family(kind)
    q = components.distribution
    loc, scale = (q.loc, q.scale)
    z = (loc.numpy()[[0, 0, 3, 5, 6]] + 0.1 * np.arange(15).reshape(5, 3)).astype("float32")
    pairs = oracle.logpdf(z[:, None].astype(float), loc, scale).sum(-1)
    wanted = special.logsumexp(pairs, -1) - np.log(7)
    mixed = EvenMixture(components)
    np.testing.assert_allclose(mixed.log_prob(z), wanted, rtol=2e-6)
    np.testing.assert_allclose(mixed.log_prob(z[:, None])[:, 0], wanted, rtol=2e-6)

    def slopes(density):
        with tf.GradientTape() as tape:
            tape.watch([loc, scale])
            made = density(tfd.Independent(kind(loc, scale), 1))
            total = tf.reduce_sum(tf.sin(made.log_prob(z) / 10))
        return tape.gradient(total, [loc, scale])

    even = tfd.Categorical(logits=tf.zeros(7))
    plain = slopes(lambda own: tfd.MixtureSameFamily(even, own))
    for ours, theirs in zip(slopes(EvenMixture), plain):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-4)
    # 7,000 draws: each component within 5 standard errors of a seventh, 7 of them: one in 200,000 fails
    draws = mixed.sample(7000, seed=(1, 2)).numpy()
    nearest = np.argmax(oracle.logpdf(draws[:, None], loc, scale).sum(-1), 1)
    counts = np.bincount(nearest, minlength=7)
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(7000 * 6 / 49)
    own = draws[nearest == 3]
    deviation = oracle.std(loc.numpy()[3], scale.numpy()[3])
    assert (np.abs(own.mean(0) - loc[3]) < 5 * deviation / np.sqrt(len(own))).all()
    np.testing.assert_allclose(own.std(0), deviation, rtol=0.25)


# ---------------------------------------------------------------- in a model


def _vamp(u=None, number=5, width=3, learned=True):
    """4x4 binary images; the encoder is given numbers from -1 to 1."""
    model = models.plain(width=width)
    prior = VampPrior((width,), models.SHAPE, number, learned, (-1.0, 1.0), 0.0, 0.5)
    made = model.with_prior(prior)
    if u is not None:
        prior.begin_at(u)
    return made


def test_the_prior_is_the_mixture_of_what_the_encoder_says():
    model = _vamp()
    prior = model.latent.prior
    prior.pseudo_inputs.assign(3.0 * prior.pseudo_inputs)  # some of them beyond the range
    u = np.clip(prior.pseudo_inputs.numpy(), -1, 1)
    assert (np.abs(u) == 1).any()
    x = (u + 1) / 2
    q = model.posterior(x).distribution
    z = np.random.default_rng(0).normal(size=(7, 3)).astype("float32")
    pairs = stats.norm.logpdf(z[:, None], q.loc, q.scale).sum(-1)
    wanted = special.logsumexp(pairs, -1) - np.log(5)
    np.testing.assert_allclose(model.log_prior(z), wanted, rtol=1e-5)
    np.testing.assert_allclose(model.prior().log_prob(z), wanted, rtol=1e-5)
    draw = model.draw(x, 1)
    assert not draw.at_draw.rate_is_exact and draw.rate.shape == (5, 1)
    # one of the pseudo-inputs costs at most ln K, whatever is drawn
    assert (draw.rate.numpy() <= np.log(5) + 1e-5).all()
    prior.pseudo_inputs.assign(prior.pseudo_inputs.numpy()[[3, 1, 4, 0, 2]])
    np.testing.assert_allclose(model.log_prior(z), wanted, rtol=1e-5)


def test_the_gradient_reaches_the_pseudo_inputs_and_the_encoder():
    """Along one direction of each as finite differences have it, decoder and q(z|x) out of the way."""
    model, z = _vamp(), np.random.default_rng(0).normal(size=(7, 3)).astype("float32")
    u = model.latent.prior.pseudo_inputs
    u.assign(tf.clip_by_value(u, -0.9, 0.9))
    weights = [u, model.encoder.trainable_variables[0]]

    def loss():
        return tf.reduce_sum(model.log_prior(z))

    with tf.GradientTape() as tape:
        nats = loss()
    for weight, slope in zip(weights, tape.gradient(nats, [w.value for w in weights])):
        way = np.random.default_rng(1).normal(size=weight.shape).astype("float32")
        start, ends = weight.numpy(), []
        for sign in (1, -1):
            weight.assign(start + sign * 1e-2 * way)
            ends.append(float(loss()))
        weight.assign(start)
        assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(float(np.sum(slope * way)), rel=1e-2)


def test_with_the_data_for_pseudo_inputs_the_rate_is_all_information():
    """The prior is the aggregate posterior then: KL(q(z) || p(z)) = 0."""
    x = models.images(60)
    model = _vamp(2 * x - 1, 60, learned=False)
    assert not model.latent.prior.trainable_variables
    draw = model.draw(x, 1)
    kept = model.latent.kept(draw)
    np.testing.assert_allclose(
        model.latent.log_aggregate(kept, kept), kept["log_prior"], rtol=1e-5, atol=1e-5
    )
    assert 0.01 < np.mean(draw.rate) < np.log(60)


def test_of_one_pseudo_input_a_shift_of_the_code_costs_nothing():
    model, x = _vamp(number=1), models.images(30)
    before = model.draw(x, 1)
    bias = model.latent.posterior.mean_head.bias
    bias.assign(bias.numpy() + 1.7)
    after = model.draw(x, 1)
    np.testing.assert_allclose(after.z, before.z + 1.7, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(after.rate, before.rate, atol=1e-4)


def test_the_nll_encodes_pseudo_inputs_once():
    model, x, seen = _vamp(), models.images(4), []
    encode = model.encoder.call
    model.encoder.call = lambda values: seen.append(values.shape[0]) or encode(values)
    whole = model.log_prob(x, 40, chunk=5)
    assert seen == [4, 5]
    found = model.log_weights(x, 40, 3)
    assert seen == [4, 5, 4, 5] and found.shape == (40, 4)
    estimate = tf.reduce_logsumexp(found, 0) - np.log(40)
    np.testing.assert_allclose(estimate, whole, atol=1.0)


def _linear():
    """x ~ N(W z + b, 1) with z from a mixture of 4 Gaussians: log p(x) is a mixture's, too."""
    known, x = linear_gaussian.planted(squares=(3.0, 2.0, 1.5, 1.0, 1.0), width=2)
    known.latent.posterior.scale_head.bias.assign([0.2, 0.1])
    model = known.with_prior(VampPrior(known.latent.event_shape, x.shape[1:], 4, initial_scale=2.0))
    some = (x[:8] / 2).astype("float32")
    q = model.posterior(model.latent.prior.inputs()).distribution
    kernel, bias = (v.numpy().astype(float) for v in model.decoder.trainable_variables)
    means = q.loc.numpy() @ kernel + bias
    noise = model.likelihood.variance * np.eye(len(bias))
    parts = [
        stats.multivariate_normal.logpdf(
            some.reshape(8, -1), mean, kernel.T @ np.diag(scale**2) @ kernel + noise
        )
        for mean, scale in zip(means, q.scale.numpy().astype(float))
    ]
    return model, some, special.logsumexp(parts, 0) - np.log(4)


def test_bounds_of_a_linear_model():
    """ELBO <= IW-NLL <= log p, the last met to 0.02 nats by 40,000 draws; the ELBO of 4,000 draws."""
    model, x, exact = _linear()
    np.testing.assert_allclose(model.log_prob(x, 40000, chunk=20000), exact, atol=0.02)
    elbos = np.array(model.log_weights(x, 4000, 1))
    error = 4 * elbos.std(0) / np.sqrt(4000)
    few = np.mean([model.log_prob(x, 5, seed) for seed in range(40)], 0)
    assert (elbos.mean(0) < few + error).all() and (elbos.mean(0) < exact + error).all()
    assert (few < exact + 0.05).all() and (elbos.mean(0) < exact - 0.02).any()


def test_what_is_saved_says_the_same(tmp_path):
    model, x = _vamp(), models.images(5)
    model.save(tmp_path / "vamp.keras")
    again = keras.models.load_model(tmp_path / "vamp.keras")
    np.testing.assert_array_equal(again.log_prob(x, 5), model.log_prob(x, 5))
    np.testing.assert_array_equal(again.sample(3), model.sample(3))


# ---------------------------------------------------------------- what is refused


def _told(told):
    """A conditional model: its draw."""
    latent = StochasticLatent(GaussianPosterior((3,)), VampPrior((3,), models.SHAPE, 5))
    decoder = FactorisedDecoder(models.SHAPE, MLPImage(models.SHAPE, (4,), 1))
    model = VAE(MLPEncoder((4,)), latent, decoder, Bernoulli(), LabelCondition(2), told)
    model.build()
    return model.draw(models.images(3), 0, label=[0, 1, 0])


def _of_labels():
    _told("encoder")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: VampPrior((2,), (4,), 0), "at least 1 pseudo-input, got 0"),
        (lambda: VampPrior((2,), (4,), 3, data_type="int32"), "tokens. cannot be learned"),
        (
            lambda: VampPrior((2,), (4,), 3, data_type="int8"),
            "unknown data_type of a VampPrior .int8.",
        ),
        (lambda: VampPrior((2,), (4,), 3, value_range=(1.0, 1.0)), "must be .low, high., got"),
        (
            lambda: VampPrior((2,), (4,), 3).given(Known()),
            "asks the encoder .*Hierarchy on the top",
        ),
        (lambda: _vamp(np.zeros((4, *models.SHAPE))), r"are \(5, 4, 4, 1\), got \(4, 4, 4, 1\)"),
        (_of_labels, "no labels for them.*told='decoder'"),
        (lambda: EvenMixture(types.SimpleNamespace()), "density of every z, got SimpleNamespace"),
        (lambda: EvenMixture(tfd.Normal(0.0, 1.0)), "one batch axis"),
    ],
)
def test_what_is_no_prior_is_refused(make, says):
    """And a label that the decoder alone is told is no hindrance."""
    with pytest.raises(UserError, match=says):
        make()
    if make is _of_labels:
        assert np.isfinite(_told("decoder").elbo).all()
