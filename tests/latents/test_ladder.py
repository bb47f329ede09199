"""Levels of latents with real parts: bounds, what each level adds, and what reads them."""

import math
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special, stats

from tests import frames, models
from tfvae import VAE, UserError, diagnose, diagnosis
from tfvae.draw import Known
from tfvae.inference import many_samples
from tfvae.latents import (
    GaussianPosterior,
    Hierarchy,
    LevelPrior,
    StandardNormalPrior,
    StochasticLatent,
    VampPrior,
)
from tfvae.latents.ladder import ladder
from tfvae.likelihoods import Bernoulli, Gaussian
from tfvae.networks import (
    FactorisedDecoder,
    GatedLevels,
    JoinAbove,
    LevelEncoders,
    MLPEncoder,
    MLPImage,
)
from tfvae.objectives import elbo
from tfvae.procedures import MAIN, Joint, Update
from zoo.command import run

tfd = tfp.distributions

LEVELS = {"z3": 2, "z2": 1, "z1": 2}
SHAPE = (1, 5, 1)


def _shaken(layer, seed=1, size=0.5):
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(size * rng.normal(size=weight.shape))


def _linear():
    """A mixture of 3 Gaussians, below it two levels that are linear in all above, x linear in all of z."""
    made, above = [], {}
    for name, width in LEVELS.items():
        join = None
        prior = VampPrior((width,), SHAPE, 3, initial_scale=0.5)
        if above:
            prior = LevelPrior(GaussianPosterior((width,)), MLPEncoder(()), above)
            join = JoinAbove(6)
        made.append((name, StochasticLatent(GaussianPosterior((width,)), prior), join))
        above = {**above, name: (width,)}
    keras.utils.set_random_seed(0)
    decoder = FactorisedDecoder(SHAPE, MLPImage(SHAPE, (), 1))
    model = VAE(MLPEncoder(()), Hierarchy(made), decoder, Gaussian(1.0))
    model.build()
    out = model.decoder.network.output_layer
    out.kernel.assign(0.5 * out.kernel)
    for latent in model.latent.latents:  # not as far from the prior as Keras draws them
        posterior = latent.posterior
        posterior.mean_head.kernel.assign(0.3 * posterior.mean_head.kernel)
        posterior.scale_head.kernel.assign(tf.zeros_like(posterior.scale_head.kernel))
    for latent in model.latent.latents[1:]:
        _shaken(latent.prior.family.mean_head)
        head = latent.prior.family.scale_head
        head.kernel.assign(tf.zeros_like(head.kernel))
        head.bias.assign(tf.fill(head.bias.shape, -0.4))
    return model


def _exact(model, x):
    """log p(x): z3 of each component, z2 and z1 as they follow, x of them; all Gaussian."""
    top = model.latent.latents[0]
    u = tf.convert_to_tensor(top.prior.pseudo_inputs)
    q = top.posterior.distribution(model.encoder(u)).distribution
    kernel, bias = (v.numpy().astype(float) for v in model.decoder.trainable_variables)
    found = []
    for mean, scale in zip(q.loc.numpy().astype(float), q.scale.numpy().astype(float)):
        covariance = np.diag(scale**2)
        for latent in model.latent.latents[1:]:
            family = latent.prior.family
            w = family.mean_head.kernel.numpy().astype(float)
            own = np.exp(2 * 8 * np.tanh(family.scale_head.bias.numpy().astype(float) / 8))
            cross = covariance @ w
            mean = np.concatenate([mean, mean @ w + family.mean_head.bias.numpy()])
            covariance = np.block([[covariance, cross], [cross.T, w.T @ cross + np.diag(own)]])
        spread = kernel.T @ covariance @ kernel + np.eye(5)
        found.append(
            stats.multivariate_normal.logpdf(x.reshape(-1, 5), mean @ kernel + bias, spread)
        )
    return special.logsumexp(found, 0) - math.log(len(found))


def test_bounds_of_a_linear_ladder_of_three_levels():
    """ELBO <= IW-NLL <= log p; the last met to 0.05 nats by 40,000 draws of an untrained posterior."""
    model = _linear()
    x = 0.5 * np.random.default_rng(0).normal(size=(4, *SHAPE)).astype("float32")
    exact = _exact(model, x)
    found, size = model.importance(x, 40000, chunk=20000)
    assert np.min(size) > 5000
    np.testing.assert_allclose(found, exact, atol=0.05)  # at least three standard errors
    weights = np.array(model.log_weights(x, 2000, 1))
    error = 4 * weights.std(0) / np.sqrt(2000)
    few = np.mean([special.logsumexp(part, 0) for part in np.split(weights, 400)], 0) - np.log(5)
    assert (weights.mean(0) < few).all() and (few < exact + error).all()
    # p(z), at draws of it: the top level's mixture and the two below
    seed = tf.constant([0, 3])
    z = model.sample_codes(50, seed)
    parts = model.latent.parts(z)
    top, middle, bottom = model.latent.latents
    by_hand = top.log_prior(parts["z3"], model.passed(0))
    by_hand += middle.prior.family.distribution(parts["z3"]).log_prob(parts["z2"])
    both = tf.concat([parts["z3"], parts["z2"]], -1)
    by_hand += bottom.prior.family.distribution(both).log_prob(parts["z1"])
    np.testing.assert_allclose(model.log_prior(z), by_hand, rtol=1e-5)


def test_the_aggregate_of_all_levels_pair_by_pair():
    model = _linear()
    x = np.random.default_rng(0).normal(size=(7, *SHAPE)).astype("float32")
    draw = model.draw(x, 1)
    kept, features = model.latent.kept(draw), model.features(x).numpy()
    parts = {name: part.numpy() for name, part in model.latent.parts(draw.z).items()}
    whole = np.zeros((7, 7))
    found = model.latent.log_aggregates(kept, kept)
    for name, latent, join in zip(model.latent.names, model.latent.latents, model.latent.joins):
        for i in range(7):
            for j in range(7):
                own = features[j : j + 1]
                if join is not None:
                    above = [n for n in parts if n > name]
                    own = join(own, {n: parts[n][i : i + 1] for n in above})
                whole[i, j] += latent.posterior.distribution(own).log_prob(parts[name][i])[0]
        wanted = special.logsumexp(whole, 1) - np.log(7)
        np.testing.assert_allclose(found[name], wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(model.latent.log_aggregate(kept, kept), found["z1"])
    np.testing.assert_allclose(np.diag(whole), kept["log_posterior"], rtol=1e-4, atol=1e-4)


def _gated(number=6):
    """Three levels of 4x4 binary images, as the zoo makes them, a VampPrior on top."""
    keras.utils.set_random_seed(0)
    top = VampPrior((2,), models.SHAPE, number, True, (-1.0, 1.0), 0.0, 0.5)
    encoders = [MLPEncoder((8,), "gated") for _ in LEVELS]
    image = MLPImage(models.SHAPE, (8,), 1, "gated")
    decoder = FactorisedDecoder(models.SHAPE, GatedLevels(list(LEVELS.values()), 8, image))
    model = VAE(LevelEncoders(list(LEVELS), encoders), ladder(LEVELS, top, 8), decoder, Bernoulli())
    model.build()
    return model


@pytest.fixture(scope="module")
def gated():
    model = _gated()
    for latent in model.latent.latents:  # posteriors that say something
        _shaken(latent.posterior.mean_head, size=1.0)
    return model


def test_a_ladder_is_diagnosed_and_figures_of_the_levels_add_up(gated):
    x = models.images(60)
    found = diagnose(gated, x, num_samples=2, nll_examples=2)
    said = [line for line in found.evidence if line.startswith(("z3: ", "z2: ", "z1: "))]
    assert len(said) == 3 and "2 of 2 units active" in said[0]
    assert any("a Hierarchy cannot be moved for each x" in line for line in found.evidence)
    report = found.report
    assert list(report["rate_per_level"]) == list(LEVELS)
    total = sum(report["rate_per_level"].values())
    assert total == pytest.approx(report["rate"], rel=1e-5)
    for name in ("mutual_information", "marginal_kl"):
        parts = report[f"{name}_per_level"]
        assert sum(parts.values()) == pytest.approx(report[name], abs=1e-4), name
    # the top level by itself: its own aggregate, its own prior
    draw, top = gated.draw(x, 1), gated.latent.latents[0]
    level = gated.latent._level(draw, "z3")
    own, every = top.kept(level), gated.latent.kept(draw)
    wanted = top.log_aggregate(own, own)
    aggregate = gated.latent.log_aggregates(every, every)["z3"]
    np.testing.assert_allclose(aggregate, wanted, rtol=1e-4, atol=1e-4)
    assert report["latent_units_per_level"] == LEVELS
    assert sum(report["active_units_per_level"].values()) == report["active_units"] > 0
    page = diagnosis.diagnosis_html(found, "a ladder", {})
    assert all(f"<tr><td>{line.replace(': ', '<td>')}" in page for line in said)


def test_a_unit_that_copies_the_noise_above_it_is_not_active():
    """z2 ~ N(0, I) whatever x is, z1 = 3 tanh(z2 ...): it moves, and not with x."""
    made = [
        ("top", StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,)))),
        (
            "low",
            StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,))),
            JoinAbove(4),
        ),
    ]
    decoder = FactorisedDecoder(models.SHAPE, MLPImage(models.SHAPE, (), 1))
    model = VAE(MLPEncoder((4,)), Hierarchy(made), decoder, Bernoulli())
    model.build()
    top, low = model.latent.latents
    for head in (top.posterior.mean_head, top.posterior.scale_head):
        head.kernel.assign(tf.zeros_like(head.kernel))
    join = model.latent.joins[1].linear
    kernel = np.zeros(join.kernel.shape, "float32")
    kernel[-2:, :2] = np.eye(2)  # of features nothing
    join.kernel.assign(kernel)
    low.posterior.mean_head.kernel.assign(3 * np.eye(4, 2))
    x = models.images(60)
    draw = model.draw(x, 1)
    assert np.var(draw.posterior["low"].mean(), 0).min() > 1.0
    kept = model.latent.kept(draw)
    np.testing.assert_allclose(kept["low/mean"], np.zeros((60, 2)), atol=1e-6)
    np.testing.assert_array_equal(kept["mean"], model.encode(x))


def test_after_many_samples_the_nll_is_that_of_the_same_posterior(gated):
    """The bound takes draws of the encoder's q, which nobody refines."""
    x = models.images(6)
    found = diagnosis.measure(gated, x, num_samples=5, inference=many_samples(3))
    assert found["nll"] == pytest.approx(
        diagnosis.measure(gated, x, num_samples=5)["nll"], rel=1e-5
    )


def test_a_ladder_is_watched(gated):
    x = models.images(60)
    stage = types.SimpleNamespace(name=MAIN, model=gated, remedies=(), steps=500)
    monitor = run._watch(stage, x, None, True)
    monitor.set_model(gated)
    monitor.on_train_begin()
    assert set(monitor.look(200)) == {"step", "rate", "active_units", "mutual_information"}


def test_the_nll_of_a_ladder_encodes_pseudo_inputs_once(gated):
    x, seen, encoder = models.images(4), [], gated.encoder.encoders[0]
    encode = encoder.call
    encoder.call = lambda values: seen.append(values.shape[0]) or encode(values)
    try:
        gated.log_prob(x, 40, chunk=5)
    finally:
        encoder.call = encode
    assert sorted(seen) == [4, 6]


def test_two_replicas_end_as_one_device(two_replicas):
    """Pseudo-inputs, both kinds of networks and all levels."""

    def make():
        return _gated(), Joint(Update(elbo(), keras.optimizers.SGD(0.01)), seed=7)

    data = tf.data.Dataset.from_tensor_slices(models.images(48)).repeat().batch(16)
    one, two = (
        frames.fitted(strategy, make, data, 2)
        for strategy in (tf.distribute.get_strategy(), two_replicas)
    )
    frames.assert_same(one[0], two[0], atol=2e-6)
    pairs = zip(one[2].trainable_variables, _gated().trainable_variables)
    assert all(np.abs(moved.numpy() - start.numpy()).max() > 0 for moved, start in pairs)


def test_what_is_saved_says_the_same(gated, tmp_path):
    x = models.images(5)
    gated.save(tmp_path / "ladder.keras")
    again = keras.models.load_model(tmp_path / "ladder.keras")
    np.testing.assert_array_equal(again.log_prob(x, 5), gated.log_prob(x, 5))
    np.testing.assert_array_equal(again.sample(3), gated.sample(3))


def _lower_vamp():
    made = [
        ("top", StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,)))),
        ("low", StochasticLatent(GaussianPosterior((2,)), VampPrior((2,), (4,), 3)), JoinAbove(4)),
    ]
    decoder = FactorisedDecoder(models.SHAPE, MLPImage(models.SHAPE, (), 1))
    VAE(MLPEncoder((4,)), Hierarchy(made), decoder, Bernoulli()).elbo(models.images(2))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LevelPrior(JoinAbove(2), MLPEncoder(()), {"a": (2,)}), "must be a tfvae.latents.Post"),
        (lambda: LevelPrior(GaussianPosterior((2,)), MLPEncoder(()), {}), "at least one level above"),
        (
            lambda: LevelPrior(GaussianPosterior((2,)), MLPEncoder(()), {"a": (2,)}).given(Known()),
            "told the levels a above it, and here 'a' is not",
        ),
        (_lower_vamp, "in a Hierarchy on the top level"),
    ],
)  # fmt: skip
def test_levels_that_cannot_be_are_refused(make, says):
    with pytest.raises(UserError, match=says):
        make()
