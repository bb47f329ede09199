"""Posteriors on spheres in a model: one rate that nothing moves, and everything that measures."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special

import zoo
from tests import models
from tfvae import VAE, UserError, diagnosis, distributions, metrics
from tfvae.draw import Pass
from tfvae.latents import (
    GaussianPosterior,
    Hierarchy,
    LearnedPowerSphericalPosterior,
    LearnedVonMisesFisherPosterior,
    PowerSphericalPosterior,
    StandardNormalPrior,
    StochasticLatent,
    UniformNormPrior,
    UniformSpherePrior,
    VMFNormPosterior,
    VonMisesFisherPosterior,
)
from tfvae.likelihoods import Bernoulli
from tfvae.networks import FactorisedDecoder, MLPEncoder, MLPImage
from tfvae.objectives import elbo, rejection_correction
from tfvae.procedures import Joint, Update
from tfvae.randomness import seed_of
from zoo.command import plan

tfd = tfp.distributions
HELD = {
    "vmf": (VonMisesFisherPosterior, distributions.von_mises_fisher_constants),
    "power": (PowerSphericalPosterior, distributions.power_spherical_constants),
}
LEARNED = {
    "vmf": (LearnedVonMisesFisherPosterior, tfd.VonMisesFisher),
    "power": (LearnedPowerSphericalPosterior, tfd.PowerSpherical),
}


def _latent(posterior, shape=(6,), spheres=1, **settings):
    keras.utils.set_random_seed(1)
    made = posterior(shape, spheres=spheres, **settings)
    return StochasticLatent(made, UniformSpherePrior(shape, spheres))


def _model(latent):
    keras.utils.set_random_seed(0)
    decoder = FactorisedDecoder(models.SHAPE, MLPImage(models.SHAPE, (16,), 1))
    model = VAE(MLPEncoder((16,), "tanh"), latent, decoder, Bernoulli())
    model.build()
    return model


def _features(*shape):
    return tf.constant(np.random.default_rng(0).normal(size=shape).astype("float32"))


@pytest.mark.parametrize("family", HELD)
def test_the_rate_that_is_held(family):
    """The float64 constant for every x and sphere, at every position alike; exact; no gradient at all."""
    make, constants = HELD[family]
    for shape, spheres, positions in (((6,), 1, 1), ((6,), 3, 1), ((4, 6), 2, 4)):
        latent = _latent(make, shape, spheres, concentration=7.5)
        latent.build((None, *shape[:-1], 5))
        features = _features(9, *shape[:-1], 5)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(features)
            inferred = latent.infer(features, Pass.measuring())
            somewhere = inferred.z * _features(9, *shape)
        wanted = positions * constants(6 // spheres, 7.5).rate
        np.testing.assert_array_equal(inferred.rate, np.full((9, spheres), np.float32(wanted)))
        assert inferred.at_draw.rate_is_exact and inferred.z.shape == (9, *shape)
        weights = [v.value for v in latent.trainable_variables]
        assert len(weights) == 2
        assert all(g is None for g in tape.gradient(inferred.rate, [features, *weights]))
        moved = tape.gradient(somewhere, [features, *weights])
        assert all(np.abs(g).max() > 0 for g in moved)
        points = tf.reshape(inferred.z, [9, -1, 6 // spheres])
        np.testing.assert_allclose(tf.norm(points, axis=-1), 1.0, atol=1e-6)


@pytest.mark.statistical
@pytest.mark.parametrize("family", LEARNED)
def test_the_rate_that_is_learned(family):
    """KL in closed form of each sphere; log q - log p on average (4,000 draws, 5 errors: 1e-6 a row)."""
    make, theirs = LEARNED[family]
    latent = _latent(make, (6,), 2)
    latent.build((None, 5))
    features = tf.repeat(_features(1, 5) * 3.0, 4000, 0)
    inferred = latent.infer(features, Pass.measuring())
    direction, raw = latent.parameters(features[:1])
    kappa = 1.0 + np.log1p(np.exp(raw.numpy()))
    q = theirs(tf.reshape(direction, [1, 2, 3]), tf.constant(kappa, tf.float32))
    np.testing.assert_allclose(
        inferred.rate[:1], tfd.kl_divergence(q, tfd.SphericalUniform(3)), rtol=1e-5
    )
    nats = -inferred.log_ratio().numpy()
    assert abs(nats.mean() - np.sum(inferred.rate[0])) < 5 * nats.std() / np.sqrt(4000)
    np.testing.assert_allclose(latent.code(features[:1]), direction, rtol=1e-6)
    again = latent.of(*latent.posterior.parameters_of(inferred.posterior))
    np.testing.assert_allclose(
        again.each.concentration, inferred.posterior.each.concentration, rtol=1e-6
    )
    z, ratio = latent.proposal(features[:3], Pass.measuring())(5, seed_of(1))
    assert z.shape == (5, 3, 6) and ratio.shape == (5, 3)
    same = latent.log_prior(z, Pass.measuring()) - inferred.posterior[:3].log_prob(z)
    np.testing.assert_allclose(ratio, same, atol=1e-4)


@pytest.fixture(scope="module")
def fitted():
    """(model, x) of two spheres of three numbers, after some epochs."""
    model, x = (
        _model(_latent(VonMisesFisherPosterior, (6,), 2, concentration=8.0)),
        models.images(96),
    )
    model.compile(keras.optimizers.Adam(2e-2))
    model.fit(x, batch_size=32, epochs=15, verbose=0)
    return model, x


def test_everything_is_measured_on_the_sphere(fitted):
    model, x = fitted
    found = diagnosis.diagnose(
        model, x, num_samples=50, nll_examples=96, gap_examples=4, gap_steps=10
    )
    report = found.report
    constant = distributions.von_mises_fisher_constants(3, 8.0).rate
    assert report["rate_per_group"] == pytest.approx([constant] * 2, rel=1e-6)
    whole = report["mutual_information"] + report["marginal_kl"]
    assert whole == pytest.approx(report["rate"], abs=0.25)  # 96 draws of log q - log p
    assert report["mutual_information"] > 0.5 and report["nll"] < -report["elbo"]
    assert 1 <= report["active_units"] <= 6 and report["latent_units"] == 6
    assert report["refined_rate"] == pytest.approx(report["rate"], rel=1e-5)
    assert report["amortisation_gap"] > -3 * report["amortisation_gap_stderr"]
    assert report.get("effective_weight") is None  # no scale that could tell
    assert "no Gaussian" not in str(found)


def test_active_units_are_counted_by_the_spread_of_the_prior():
    """A number of a uniform point has variance 1 / d, and counts as 1; of E[z] = A(kappa) mu A(kappa)^2 is
    left, A = I_(d/2) / I_(d/2 - 1)."""
    latent = _latent(VonMisesFisherPosterior, (400,), concentration=50.0)
    latent.build((None, 400))
    latent.posterior.direction_head.set_weights(
        [np.eye(400, dtype="float32"), np.zeros(400, "float32")]
    )
    mean = latent.kept(latent.infer(_features(500, 400), Pass.measuring()))["mean"].numpy()
    shorter = special.ive(200, 50.0) / special.ive(199, 50.0)
    assert np.var(mean, 0).mean() == pytest.approx(shorter**2, rel=0.02)
    np.testing.assert_allclose(
        np.linalg.norm(latent.code(_features(3, 400)), axis=-1), 1.0, rtol=1e-5
    )


def test_the_way_between_codes_stays_on_the_sphere(fitted):
    """Sphere by sphere, in equal steps of arc; of levels each in its own way."""
    model, x = fitted
    codes = np.asarray(model.encode(x[:2]))
    share = np.linspace(0, 1, 6, dtype=np.float32)[:, None]
    way = np.asarray(model.latent.between(codes[:1], codes[1:], share)).reshape(6, 2, 3)
    np.testing.assert_allclose(np.linalg.norm(way, axis=-1), 1.0, atol=1e-5)
    steps = np.linalg.norm(np.diff(way, axis=0), axis=-1)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[:1], steps.shape), atol=1e-5)
    np.testing.assert_allclose(way[[0, -1]], codes.reshape(2, 2, 3), atol=1e-5)
    flat = StochasticLatent(GaussianPosterior((3,)), StandardNormalPrior((3,)))
    levels = Hierarchy([("top", flat), ("bottom", _latent(VonMisesFisherPosterior))])
    ends = tf.concat([_features(2, 3), distributions.unit(_features(2, 6))], -1)
    both = levels.between(ends[:1], ends[1:], share)
    np.testing.assert_allclose(both[:, :3], ends[0, :3] * (1 - share) + ends[1, :3] * share)
    np.testing.assert_allclose(tf.norm(both[:, 3:], axis=-1), 1.0, atol=1e-5)
    assert levels.confined_to == "a point on a sphere" and not flat.confined_to
    figures = diagnosis.collect(model, x, columns=4)
    assert figures["interpolation"].shape == (4, 4, *models.SHAPE)


@pytest.mark.statistical
@pytest.mark.parametrize("spheres", [1, 2])
def test_a_length_beside_the_direction(spheres):
    """Of each point the rate of the direction and ln norm_max; log q - log p is that on average.

    20,000 draws, 5 standard errors a figure: false-fail rate below 1e-5 in all.
    """
    keras.utils.set_random_seed(1)
    shape, points = (6,), 6 // spheres
    latent = StochasticLatent(
        VMFNormPosterior(shape, 7.5, 4.0, spheres=spheres), UniformNormPrior(shape, 4.0, spheres)
    )
    latent.build((None, 5))
    features = tf.repeat(2.0 * _features(1, 5), 20_000, 0)
    inferred = latent.infer(features, Pass.measuring())
    constant = distributions.von_mises_fisher_constants(points, 7.5).rate + np.log(4.0)
    np.testing.assert_allclose(inferred.rate, np.full((20_000, spheres), constant), rtol=1e-6)
    assert inferred.at_draw.rate_is_exact
    nats = -inferred.log_ratio().numpy()
    assert np.isfinite(nats).all()
    assert abs(nats.mean() - spheres * constant) < 5 * nats.std() / np.sqrt(20_000)
    _, raw = latent.parameters(features[:1])
    low = 3.0 / (1.0 + np.exp(-raw.numpy()[0]))
    length = np.linalg.norm(inferred.z.numpy().reshape(-1, spheres, points), axis=-1)
    assert np.all(np.abs(length.mean(0) - low - 0.5) < 5 * np.sqrt(1 / 12 / 20_000))
    assert np.all(length >= low - 1e-5) and np.all(length <= low + 1 + 1e-5)
    code = latent.code(features[:1])
    size = np.linalg.norm(code.numpy().reshape(spheres, points), axis=-1)
    np.testing.assert_allclose(size, low + 0.5, rtol=1e-5)
    again = latent.of(*latent.posterior.parameters_of(inferred.posterior))
    np.testing.assert_allclose(again.each.low, inferred.posterior.each.low, rtol=1e-4)
    share = np.linspace(0, 1, 5, dtype="float32")[:, None]
    way = latent.between(code, -3.0 * code, share).numpy().reshape(5, spheres, points)
    times = np.array([1, 1.5, 2, 2.5, 3])[:, None]
    np.testing.assert_allclose(np.linalg.norm(way, axis=-1), size * times, rtol=1e-4)
    kept = {name: value[:500] for name, value in latent.kept(inferred).items()}
    own = inferred.posterior[:500].log_prob(kept["z"])
    np.testing.assert_allclose(latent.log_aggregate(kept, kept), own, atol=1e-3)


@pytest.mark.statistical
def test_a_length_s_density_is_one_of_numbers():
    """Of d = 2, by importance: the mean of q / u over 200,000 uniform points u of a square is 1 / area."""
    q = VMFNormPosterior((2,), 2.0, 3.0).of(tf.constant([[1.0, 2.0]]), tf.constant([[0.3]]))
    z = 6.0 * np.random.default_rng(0).random((200_000, 2), "float32") - 3.0
    mass = 36.0 * np.exp(q.log_prob(z).numpy().astype(float))
    assert abs(mass.mean() - 1.0) < 5 * mass.std() / np.sqrt(200_000)  # one in a million fails


def test_a_length_needs_room():
    with pytest.raises(UserError, match="norm_max must be above 1, .* got 1.0"):
        VMFNormPosterior((6,), norm_max=1.0)


def test_no_plane_of_means_on_a_circle():
    model = _model(_latent(VonMisesFisherPosterior, (2,)))
    with pytest.raises(UserError, match="here z is a point on a sphere"):
        diagnosis.posterior_means(model, models.images(4))


def test_saved_and_exported(fitted, tmp_path):
    model, x = fitted
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.log_prob(x[:8], 5), model.log_prob(x[:8], 5))
    model.export(tmp_path / "saved")
    saved = tf.saved_model.load(tmp_path / "saved")
    np.testing.assert_array_equal(
        saved.sample(tf.constant(3), tf.constant(5)), model.sample(3, seed=5)
    )
    np.testing.assert_allclose(saved.elbo(x[:8], tf.constant(1)), model.elbo(x[:8], 1), rtol=1e-5)


def _weights(make, strategy, x):
    with strategy.scope():
        model = _model(make())
        model.compile(procedure=Joint(Update(elbo(), keras.optimizers.SGD(0.05)), seed=7))
        data = tf.data.Dataset.from_tensor_slices(x).batch(16).repeat()
        model.fit(data, steps_per_epoch=2, verbose=0, shuffle=False)
    return [v.numpy() for v in model.trainable_variables]


@pytest.mark.parametrize("family", LEARNED)
def test_two_replicas_draw_what_one_device_draws(family, two_replicas):
    """Also where an example of one of them needs more proposals than any of the other; gradients too."""
    draw = {"vmf": distributions.draw_von_mises_fisher, "power": distributions.draw_power_spherical}
    mu = distributions.unit(_features(8, 2, 3))
    kappa = 1.0 + 9.0 * tf.abs(_features(8, 2))

    def one(mu, kappa):
        with tf.GradientTape() as tape:
            tape.watch([mu, kappa])
            z = draw[family](mu, kappa, seed_of(3))
            value = tf.reduce_sum(z**3)
        return z, *tape.gradient(value, [mu, kappa])

    def halves(values):
        cut = tf.split(values, 2)
        return two_replicas.experimental_distribute_values_from_function(
            lambda context: cut[context.replica_id_in_sync_group]
        )

    parts = tf.function(lambda *given: two_replicas.run(one, given))(halves(mu), halves(kappa))
    for whole, part in zip(one(mu, kappa), parts):
        np.testing.assert_allclose(tf.concat(part.values, 0), whole, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("family", LEARNED)
def test_two_replicas_equal_one_device(family, two_replicas):
    make, _ = LEARNED[family]
    x = models.images(32)
    one = _weights(lambda: _latent(make, (4,), 2), tf.distribute.get_strategy(), x)
    two = _weights(lambda: _latent(make, (4,), 2), two_replicas, x)
    for ours, theirs in zip(one, two):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_the_correction_has_no_value_and_a_gradient_in_kappa_alone():
    model, x = _model(_latent(LearnedVonMisesFisherPosterior, (2,))), models.images(64)
    head = model.latent.posterior.concentration_head.kernel
    with tf.GradientTape() as tape:
        term = rejection_correction(model.draw(x, 1))
    direction = model.latent.posterior.direction_head.kernel
    of_kappa, of_mu = tape.gradient(term, [head.value, direction.value])
    np.testing.assert_array_equal(term, np.zeros(64))
    assert np.abs(of_kappa).max() > 1e-3 and of_mu is None


WORDS = {"dataset": "digits", "backbone": "mlp"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"concentration": 0.0}, "'concentration' must be from 0.001 to 100000, got 0.0"),
        ({"concentration": -3.0}, "'concentration' must be from 0.001"),
        (
            {"prior": "normal"},
            "posterior=vmf needs a prior on the unit sphere, .*prior=uniform_sphere",
        ),
        (
            {"prior": "ar1", "code": "sequence"},
            "needs a (prior on the unit|posterior of independent)",
        ),
        ({"beta": 0.5}, "posterior=vmf, which leaves no rate_weight"),
        ({"rate_budget": "free_bits"}, "posterior=vmf leaves no rate_budget"),
        ({"terms": "+total_correlation"}, "total_correlation needs a posterior of independent"),
        ({"terms": "+rejection_correction"}, "needs a posterior whose draws are proposals"),
        ({"inference": "semi_amortised"}, "semi_amortised needs a posterior whose mean and scale"),
        ({"stages": "+auxiliary_prior"}, "needs a prior that can be fitted anew"),
        (
            {"posterior": "vmf_norm", "prior": "uniform_sphere"},
            "needs a prior of directions and lengths",
        ),
        ({"posterior": "vmf_norm", "norm_max": 1.0}, "'norm_max' must be from 1.001"),
        (
            {"posterior": "gaussian", "prior": "uniform_sphere"},
            "needs a posterior on the unit sphere",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_one_line(settings, says):
    with pytest.raises(UserError, match=says) as caught:
        plan.resolve("vmf_vae", values=settings, **WORDS)
    assert "\n" not in str(caught.value)


def test_no_gamma_draws_under_xla():
    for posterior in ("power_spherical", "power_spherical_learned"):
        with pytest.raises(UserError, match="needs a run without --jit_compile"):
            plan.resolve("vmf_vae", values={"posterior": posterior}, jit_compile=True, **WORDS)
    assert plan.resolve("vmf_vae", jit_compile=True, **WORDS)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"latent_width": 1}, "a z of 1 numbers must be cut into points of 2 numbers or more"),
        ({"latent_width": 6, "spheres": 4}, "a z of 6 numbers must be cut into points"),
        ({"latent_width": 6, "spheres": 6}, "a point of one number would be a sign"),
    ],
    ids=str,
)
def test_what_is_no_sphere_is_refused(settings, says):
    from zoo.modalities import images

    with pytest.raises(UserError, match=says):
        zoo.build("vmf_vae", "digits", images.Space((8, 8, 1), 1), backbone="mlp", **settings)


def test_posterior_and_prior_of_other_spheres_are_refused():
    latent = StochasticLatent(VonMisesFisherPosterior((6,), spheres=3), UniformSpherePrior((6,), 2))
    latent.build((None, 5))
    with pytest.raises(UserError, match="spheres of one size, got points of 2 and of 3 numbers"):
        latent.infer(_features(2, 5), Pass.measuring())


def test_rate_weights_of_a_learned_concentration_have_an_effect():
    point = plan.resolve(
        "vmf_vae",
        values={"posterior": "vmf_learned", "beta": 0.5, "rate_budget": "free_bits"},
        **WORDS,
    ).point
    assert point["rate_weight"].beta == 0.5 and point["prior"].name == "uniform_sphere"


@pytest.mark.parametrize("family", LEARNED)
def test_directions_that_are_hardly_meant_are_no_active_units(family):
    """kappa = 1 for each x on a sphere of 32 numbers: the directions differ, and say nothing."""
    latent = _latent(LEARNED[family][0], (32,))
    latent.build((None, 32))
    latent.posterior.direction_head.set_weights([np.eye(32, dtype="f4"), np.zeros(32, "f4")])
    latent.posterior.concentration_head.set_weights([np.zeros((32, 1)), np.full(1, -30.0)])
    inferred = latent.infer(_features(300, 32), Pass.measuring())
    assert float(tf.reduce_mean(tf.reduce_sum(inferred.rate, -1))) < 0.05
    mean = latent.kept(inferred)["mean"].numpy()
    assert metrics.active_units(np.var(mean, 0, ddof=1)) == 0
