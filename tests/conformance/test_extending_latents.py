"""What a latent, its family, its prior or an encoder may be: each a toy that only this file knows."""

import types
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

from tests import linear_gaussian, models
from tfvae import VAE, UserError, diagnose, diagnosis
from tfvae.draw import Pass
from tfvae.latents import (
    Codebook,
    DiscreteLatent,
    DrawnPosterior,
    GaussianPosterior,
    Hierarchy,
    MeanFieldPosterior,
    Posterior,
    Prior,
    Quantised,
    StandardNormalPrior,
    StochasticLatent,
    UniformCodes,
)
from tfvae.likelihoods import Bernoulli, Gaussian
from tfvae.networks import FactorisedDecoder, JoinAbove, MLPEncoder, MLPImage
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Update
from tfvae.randomness import batch_normal, batch_uniform, fold, seed_of
from tfvae.replicas import whole_batch
from tfvae.training import CollapseMonitor

tfd = tfp.distributions
register = keras.saving.register_keras_serializable(package="tests")


def _model(latent, encoder=None, shape=models.SHAPE, likelihood=None):
    keras.utils.set_random_seed(0)
    decoder = FactorisedDecoder(shape, MLPImage(shape, (8,), 1))
    model = VAE(encoder or MLPEncoder((8,)), latent, decoder, likelihood or Bernoulli())
    model.build()
    return model


def _fitted(make, strategy, x):
    """The weights after three steps of SGD."""
    with strategy.scope():
        model = make()
        model.compile(procedure=Joint(Update(elbo(), keras.optimizers.SGD(0.05)), seed=7))
        data = tf.data.Dataset.from_tensor_slices(x).batch(16).repeat()
        model.fit(data, steps_per_epoch=3, verbose=0, shuffle=False)
    return [v.numpy() for v in model.trainable_variables]


def _same_on_two_replicas(make, two_replicas, x):
    one = _fitted(make, tf.distribute.get_strategy(), x)
    start = [v.numpy() for v in make().trainable_variables]
    assert all(np.abs(a - b).max() > 0 for a, b in zip(one, start))
    for a, b in zip(one, _fitted(make, two_replicas, x)):
        np.testing.assert_allclose(a, b, atol=2e-6)


def _again(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.models.load_model(tmp_path / "model.keras")


# ---------------------------------------------------------------- an encoder that is given the pass


@register
class NoisyEncoder(MLPEncoder):
    """Features with noise in training, less of it with every step."""

    takes_pass = True

    def call(self, x, pass_=None):
        features = super().call(x)
        if pass_ is None or not pass_.training:
            return features
        size = 1.0 / (1.0 + tf.cast(pass_.step, tf.float32))
        return features + size * batch_normal(tf.shape(features), pass_.seed)


def _noisy_latent():
    return StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,)))


def _noisy():
    return _model(_noisy_latent(), NoisyEncoder((8,)))


def test_an_encoder_with_noise_of_its_own(two_replicas):
    model, x = _noisy(), models.images(6)
    plain = model.draw(x, 1)
    np.testing.assert_array_equal(plain.features, model.features(x))
    early, late, other = (
        model.draw(x, seed, True, step=step).features - plain.features
        for seed, step in ((1, 0), (1, 3), (2, 0))
    )
    np.testing.assert_allclose(late, early / 4, atol=1e-6)  # the same noise
    assert 0.7 < np.std(early) < 1.3 and not np.allclose(early, other)
    # and not the noise of z
    z = (model.draw(x, 1, True, step=0).z - plain.z).numpy()
    assert abs(np.corrcoef(early[:, 0], z[:, 0])[0, 1]) < 0.999
    np.testing.assert_array_equal(model.encode(x), model.latent.code(plain.features))
    _same_on_two_replicas(_noisy, two_replicas, models.images(48))


# ---------------------------------------------------------------- families


class Shaken(NamedTuple):
    """No distribution: what the auxiliary posterior is made of."""

    mean: tf.Tensor


@register
class AuxiliaryPosterior(DrawnPosterior):
    """q(z|x) = int N(a; 0, 1) N(z; mu(x) + .3 a, .7^2 I) da, known by r(a|x, z) = N(0, .7^2) alone."""

    def __init__(self, event_shape, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.head = keras.layers.Dense(event_shape[-1], name="mean")

    def build(self, features_shape):
        self.head.build(features_shape)
        self.built = True

    def parameters(self, features, pass_=None):
        return (self.head(features),)

    def of(self, mean):
        return Shaken(mean)

    def parameters_of(self, posterior):
        return tuple(posterior)

    def scored(self, posterior, seed):
        mean = posterior.mean
        a = batch_normal([tf.shape(mean)[0], 1], fold(seed, 1))
        z = mean + 0.3 * a + 0.7 * batch_normal(tf.shape(mean), seed)

        def log_posterior():
            of_z = tf.reduce_sum(tfd.Normal(mean + 0.3 * a, 0.7).log_prob(z), -1)
            return (
                of_z + (tfd.Normal(0.0, 1.0).log_prob(a) - tfd.Normal(0.0, 0.7).log_prob(a))[:, 0]
            )

        return z, log_posterior

    def code(self, posterior):
        return posterior.mean


def _auxiliary():
    """The linear Gaussian model at its optimum, with a posterior about the true one."""
    known, x = linear_gaussian.planted(squares=(3.0, 2.0, 1.5, 1.0, 1.0), width=2)
    width = known.latent.event_shape[0]
    latent = StochasticLatent(AuxiliaryPosterior((width,)), StandardNormalPrior((width,)))
    model = VAE(known.encoder, latent, known.decoder, known.likelihood)
    model.build()
    latent.posterior.head.set_weights(known.latent.posterior.mean_head.get_weights())
    return model, x


def test_a_posterior_without_a_density_meets_the_exact_likelihood(tmp_path):
    """IW-NLL of 20,000 draws to 0.02 nats; the rate is that of z and a together, on average."""
    model, x = _auxiliary()
    some = (x[:8] / 3).astype("float32")
    kernel, bias = (v.numpy().astype(float) for v in model.decoder.trainable_variables)
    exact = stats.multivariate_normal.logpdf(
        some.reshape(8, -1), bias, kernel.T @ kernel + model.likelihood.variance * np.eye(len(bias))
    )
    np.testing.assert_allclose(model.log_prob(some, 20000, chunk=5000), exact, atol=0.02)
    inferred = model.latent.infer(
        model.features(np.tile(some[:1], (20000, 1, 1, 1))), Pass.measuring()
    )
    assert not inferred.at_draw.rate_is_exact and inferred.rate.shape == (20000, 1)
    np.testing.assert_allclose(inferred.log_ratio(), -inferred.rate[:, 0], atol=1e-5)
    mean = model.encode(some[:1]).numpy()
    of_a = np.log(0.7) + (1 - 0.7**2) / (2 * 0.7**2)
    of_z = 0.5 * (mean**2 + 0.3**2 + 0.7**2 - 1).sum() - mean.size * np.log(0.7)
    error = np.std(inferred.rate) / np.sqrt(20000)  # five of them: one in a million fails
    assert abs(np.mean(inferred.rate) - of_a - of_z) < 5 * error
    again = _again(model, tmp_path)
    np.testing.assert_array_equal(again.log_prob(some, 20), model.log_prob(some, 20))


def test_a_posterior_without_a_density_is_trained_and_measured(two_replicas):
    model, x = _auxiliary()
    found = diagnose(model, x[:60], num_samples=3, nll_examples=10, gap_examples=3, gap_steps=2)
    report = found.report
    assert report["mutual_information"] is None and report["marginal_kl"] is None
    assert report["active_units"] == 2 and report["nll"] == pytest.approx(-report["elbo"], rel=0.1)
    monitor = CollapseMonitor(x[:60])
    monitor.set_model(model)
    monitor.on_train_begin()
    assert set(monitor.look(200)) == {"step", "rate", "active_units"}
    _same_on_two_replicas(lambda: _auxiliary()[0], two_replicas, x[:48])


@register
class OnSphere(Posterior):
    """A power spherical distribution about mu(x) / |mu(x)|, as concentrated as |mu(x)| says."""

    def __init__(self, event_shape, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.head = keras.layers.Dense(event_shape[-1], name="mean")

    def build(self, features_shape):
        self.head.build(features_shape)
        self.built = True

    def parameters(self, features, pass_=None):
        raw = self.head(features)
        return tf.linalg.l2_normalize(raw, -1), 1.0 + 4.0 * tf.norm(raw, axis=-1)

    def of(self, direction, concentration):
        return tfd.PowerSpherical(direction, concentration)

    def parameters_of(self, posterior):
        return posterior.mean_direction, posterior.concentration

    def draw(self, posterior, seed):
        return posterior.sample(seed=seed)


@register
class UniformOnSphere(Prior):
    """The same everywhere on the sphere."""

    def distribution(self):
        return tfd.SphericalUniform(self.event_shape[-1])


@register
class Concrete(OnSphere):
    """A relaxed one-hot vector (Maddison et al. 2017), cooler with every step: 1/2 + 2 / (1 + step)."""

    def parameters(self, features, pass_=None):
        logits = self.head(features)
        step = None if pass_ is None else pass_.step
        warm = 0.0 if step is None else 2.0 / (1.0 + tf.cast(step, tf.float32))
        return logits, tf.zeros_like(logits[:, 0]) + 0.5 + warm

    def of(self, logits, temperature):
        return tfd.RelaxedOneHotCategorical(temperature, logits)

    def parameters_of(self, posterior):
        return posterior.logits, posterior.temperature

    def draw(self, posterior, seed):
        uniform = batch_uniform(tf.shape(posterior.logits), seed)
        gumbel = -tf.math.log(-tf.math.log(tf.clip_by_value(uniform, 1e-6, 1 - 1e-6)))
        return tf.nn.softmax((posterior.logits + gumbel) / posterior.temperature[:, None])

    def code(self, posterior):
        return tf.nn.softmax(posterior.logits)


@register
class EvenConcrete(Prior):
    """Every category alike."""

    def distribution(self):
        return tfd.RelaxedOneHotCategorical(0.5, tf.zeros(self.event_shape))


FAMILIES = {
    "power spherical": (OnSphere, UniformOnSphere, True),
    "concrete": (Concrete, EvenConcrete, False),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_that_is_not_gaussian(family, tmp_path):
    """Learned, measured, saved; its rate is log q - log p on average (4,000 draws, 5 errors)."""
    posterior, prior, closed = FAMILIES[family]
    model, x = _model(StochasticLatent(posterior((4,)), prior((4,)))), models.images(60)
    model.compile("adam")
    model.fit(x, epochs=2, verbose=0)
    report = diagnosis.measure(model, x, num_samples=3, nll_examples=10)
    assert np.isfinite([report[k] for k in ("nll", "mutual_information", "marginal_kl")]).all()
    assert report["rate_is_exact"] == closed
    whole = report["mutual_information"] + report["marginal_kl"]
    assert whole == pytest.approx(report["rate"], abs=0.25 if closed else 1e-3)
    inferred = model.latent.infer(model.features(np.tile(x[:1], (4000, 1, 1, 1))), Pass.measuring())
    assert inferred.at_draw.rate_is_exact == closed
    ratio = -inferred.log_ratio().numpy()
    error = ratio.std() / np.sqrt(4000)
    assert abs(ratio.mean() - np.mean(inferred.rate)) < 5 * error
    np.testing.assert_array_equal(_again(model, tmp_path).elbo(x, 1), model.elbo(x, 1))
    if not closed:
        early, late = (model.draw(x, 1, True, step=step).z.numpy() for step in (0, 10**6))
        np.testing.assert_allclose(late, model.draw(x, 1).z, atol=1e-3)  # as it is measured
        assert late.max(-1).mean() > early.max(-1).mean() + 0.1


@register
class BatchNormalised(MeanFieldPosterior):
    """Means of deviation 1/2 over the batch (Zhu et al. 2020), over what was seen of late to measure."""

    def build(self, features_shape):
        self.head = keras.layers.Dense(self.event_shape[-1], name="mean")
        self.head.build(features_shape)
        for name, start in (("centre", "zeros"), ("square", "ones")):
            options = {"trainable": False, "aggregation": "only_first_replica"}
            setattr(
                self,
                name,
                self.add_weight(name=name, shape=self.event_shape, initializer=start, **options),
            )
        self.built = True

    def parameters(self, features, pass_=None):
        raw = self.head(features)
        centre, square = tf.convert_to_tensor(self.centre), tf.convert_to_tensor(self.square)
        if pass_ is not None and pass_.training:
            rows = tf.stop_gradient(whole_batch(raw))  # of all replicas
            centre, square = tf.reduce_mean(rows, 0), tf.reduce_mean(rows**2, 0)
        mean = 0.5 * (raw - centre) / tf.sqrt(square - centre**2 + 1e-6)
        return mean, tf.zeros_like(mean)


class MovingMoments:
    """What no gradient moves: the moments that a `BatchNormalised` measures with."""

    def build(self, model):
        self.posterior = model.latent.posterior

    def read(self, draw):
        return tf.stop_gradient(self.posterior.head(draw.features))

    def __call__(self, seen, step, seed):
        rows = whole_batch(seen)
        for weight, power in ((self.posterior.centre, 1), (self.posterior.square, 2)):
            weight.assign(0.5 * weight + 0.5 * tf.reduce_mean(rows**power, 0))

    def state(self):
        return {}


def test_means_that_are_normalised_over_the_batch(two_replicas):
    x = models.images(48)

    def fitted(strategy, steps=3):
        with strategy.scope():
            latent = StochasticLatent(BatchNormalised((2,)), StandardNormalPrior((2,)))
            model = _model(latent)
            update = Update(elbo(), keras.optimizers.SGD(0.05), after=MovingMoments())
            model.compile(procedure=Joint(update, seed=7))
            data = tf.data.Dataset.from_tensor_slices(x).batch(16).repeat()
            model.fit(data, steps_per_epoch=steps, verbose=0, shuffle=False)
        return model

    model = fitted(tf.distribute.get_strategy())
    code = model.latent.code(model.features(x), Pass.measuring().but(training=True)).numpy()
    np.testing.assert_allclose(code.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(code.std(0), 0.5, rtol=1e-3)
    assert np.abs(model.latent.posterior.centre.numpy()).max() > 1e-3
    one, rest = model.encode(x[:1]), model.encode(x)
    np.testing.assert_allclose(one[0], rest[0], rtol=1e-4)  # of the batch at hand it knows nothing
    for ours, theirs in zip(model.weights, fitted(two_replicas).weights):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=2e-6)


# ---------------------------------------------------------------- priors


@register
class PseudoInputs(Prior):
    """p(z) = 1/K sum_k q(z|u_k) (Tomczak and Welling 2018)."""

    def __init__(self, event_shape, data_shape, number, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.data_shape, self.number = tuple(data_shape), number

    def build(self, input_shape=None):
        shape = (self.number, *self.data_shape)
        self.u = self.add_weight(name="u", shape=shape, initializer="random_normal")
        self.built = True

    def given(self, known):
        q = known.encode(tf.sigmoid(tf.convert_to_tensor(self.u)))
        even = tfd.Categorical(logits=tf.zeros(self.number))
        return types.SimpleNamespace(distribution=lambda: tfd.MixtureSameFamily(even, q))

    def get_config(self):
        return {**super().get_config(), "data_shape": self.data_shape, "number": self.number}


def test_a_prior_that_asks_the_encoder(tmp_path):
    model, x = models.plain().with_prior(PseudoInputs((3,), models.SHAPE, 5)), models.images(40)
    model.compile("adam")
    before = [v.numpy() for v in model.trainable_variables]
    model.fit(x, epochs=2, verbose=0)
    assert all(np.abs(v.numpy() - b).max() > 0 for v, b in zip(model.trainable_variables, before))
    z = np.random.default_rng(0).normal(size=(7, 3)).astype("float32")
    q = model.latent.posterior.distribution(model.encoder(tf.sigmoid(model.latent.prior.u.value)))
    by_hand = tf.reduce_logsumexp(q.log_prob(z[:, None]), -1) - np.log(5.0)
    np.testing.assert_allclose(model.log_prior(z), by_hand, rtol=1e-5)
    draw = model.draw(x, 3)
    nats = draw.posterior.log_prob(draw.z) - model.log_prior(draw.z)
    np.testing.assert_allclose(draw.rate[:, 0], nats, rtol=1e-4, atol=1e-5)
    again = _again(model, tmp_path)
    np.testing.assert_array_equal(again.log_prob(x, 5), model.log_prob(x, 5))
    np.testing.assert_array_equal(again.sample(3), model.sample(3))
    assert again.sample(3).shape == (3, *models.SHAPE)


# ---------------------------------------------------------------- levels


@register
class Below(Prior):
    """p(z|above) = N(.3 z of one level above, I)."""

    def __init__(self, event_shape, level, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.level = level

    def given(self, known):
        normal = tfd.Independent(tfd.Normal(0.3 * known.above[self.level], 1.0), 1)
        return types.SimpleNamespace(distribution=lambda: normal)

    def get_config(self):
        return {**super().get_config(), "level": self.level}


@register
class Features(keras.layers.Layer):
    """An encoder with features of each level by name."""

    def __init__(self, names, **kwargs):
        super().__init__(**kwargs)
        self.names = list(names)
        self.heads = [keras.layers.Dense(4, name=name) for name in self.names]

    def build(self, shape):
        for head in self.heads:
            head.build((None, int(np.prod(shape[1:]))))
        self.built = True

    def call(self, x):
        flat = tf.reshape(x, [tf.shape(x)[0], int(np.prod(x.shape[1:]))])
        return {name: head(flat) for name, head in zip(self.names, self.heads)}

    def get_config(self):
        return {**super().get_config(), "names": self.names}


LEVELS = ("top", "middle", "bottom")
SHAPE = (1, 5, 1)


def _levels(names=LEVELS):
    """z_1 ~ N(0, I), z_2 ~ N(.3 z_1, I), z_3 ~ N(.3 z_2, I), x ~ N(W z + m, I): x is Gaussian."""
    latent = Hierarchy(
        [
            ("top", StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,)))),
            ("middle", StochasticLatent(GaussianPosterior((2,)), Below((2,), "top")), JoinAbove(3)),
            (
                "bottom",
                StochasticLatent(GaussianPosterior((2,)), Below((2,), "middle")),
                JoinAbove(3),
            ),
        ]
    )
    keras.utils.set_random_seed(0)
    decoder = FactorisedDecoder(SHAPE, MLPImage(SHAPE, (), 1))
    model = VAE(Features(names), latent, decoder, Gaussian(1.0))
    model.build()
    return model


def test_a_hierarchy_of_three_levels_meets_the_exact_likelihood(tmp_path):
    model = _levels()
    x = 0.5 * np.random.default_rng(0).normal(size=(6, *SHAPE)).astype("float32")
    model.decoder.network.output_layer.kernel.assign(
        0.5 * model.decoder.network.output_layer.kernel
    )
    kernel, bias = (v.numpy().astype(float) for v in model.decoder.trainable_variables)
    chain = np.kron([[1, 0, 0], [0.3, 1, 0], [0.09, 0.3, 1]], np.eye(2))  # z of independent noise
    spread = kernel.T @ chain @ chain.T @ kernel + np.eye(5)
    exact = stats.multivariate_normal.logpdf(x.reshape(6, 5), bias, spread)
    found, size = model.importance(x, 200000, chunk=20000)
    assert np.min(size) > 500
    np.testing.assert_allclose(found, exact, atol=0.1)
    assert np.mean(model.elbo(x, 1)) < exact.mean()
    # of N(0, C): log p(z), and draws (4,000: 5 standard errors)
    z = model.sample_codes(4000, seed_of(1))
    wanted = stats.multivariate_normal.logpdf(z, np.zeros(6), chain @ chain.T)
    np.testing.assert_allclose(model.log_prior(z), wanted, rtol=1e-4, atol=1e-4)
    covariance = chain @ chain.T
    np.testing.assert_allclose(np.cov(z.numpy().T), covariance, atol=5 * 2.1 * np.sqrt(2 / 4000))
    again = _again(model, tmp_path)
    np.testing.assert_array_equal(again.log_prob(x, 10), model.log_prob(x, 10))


def test_the_levels_of_a_hierarchy_have_names():
    model, x = _levels(), np.random.default_rng(0).normal(size=(40, *SHAPE)).astype("float32")
    draw = model.draw(x, 3)
    parts = model.latent.parts(draw.z)
    assert list(parts) == list(LEVELS) and all(part.shape == (40, 2) for part in parts.values())
    np.testing.assert_array_equal(tf.concat(list(parts.values()), -1), draw.z)
    np.testing.assert_array_equal(
        tf.concat([draw.aux[f"{name}/rate"] for name in LEVELS], -1), draw.rate
    )
    p = tfd.Normal(0.3 * parts["middle"], 1.0)
    wanted = tfd.kl_divergence(draw.posterior["bottom"].distribution, p)
    np.testing.assert_allclose(draw.aux["bottom/rate"], wanted, rtol=1e-4, atol=1e-5)
    nats = draw.at_draw.log_prior() - draw.at_draw.log_posterior()
    np.testing.assert_allclose(
        draw.at_draw.log_prior(), model.log_prior(draw.z), rtol=1e-4, atol=1e-4
    )
    assert np.isfinite(nats).all() and draw.at_draw.rate_is_exact
    report = diagnosis.measure(model, x, num_samples=3, nll_examples=10)
    assert len(report["rate_per_group"]) == 6 and report["latent_units"] == 6
    # of 40 draws, where the rate is the closed form: within 5 standard errors
    whole = report["mutual_information"] + report["marginal_kl"]
    error = np.std(nats) / np.sqrt(40)
    assert whole == pytest.approx(report["rate"], abs=5 * error) and np.isfinite(report["nll"])


@pytest.mark.slow  # one of real parts is in tests/latents/test_ladder.py
def test_a_hierarchy_on_two_replicas(two_replicas):
    x = np.random.default_rng(0).normal(size=(48, *SHAPE)).astype("float32")
    _same_on_two_replicas(_levels, two_replicas, x)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: _levels(("top", "low")), "gives features of top, low, .* are top, middle, bottom"),
        (lambda: Hierarchy([("top", models.plain().latent)]), "two levels or more"),
        (lambda: Hierarchy([("a", models.plain().latent), ("b", JoinAbove(2))]), "must be a latent"),
        (
            lambda: Hierarchy([("a", models.plain().latent, JoinAbove(2)), ("b", models.plain().latent)]),
            "nothing to join",
        ),
        (lambda: _model(_noisy_latent(), Features(("a", "b"))), "by name .a, b., which a Hierarchy"),
        (lambda: StochasticLatent(GaussianPosterior((2,)), JoinAbove(2)), "must be a tfvae.latents.Prior"),
        (lambda: _levels().prior(), "no prior that is one distribution"),
        (lambda: _levels().with_prior(StandardNormalPrior((6,))), "no prior that could be another"),
    ],
)  # fmt: skip
def test_levels_that_do_not_fit_are_refused(make, says):
    with pytest.raises(UserError, match=says):
        make()


# ---------------------------------------------------------------- several codebooks


@register
class TwoBooks(keras.layers.Layer):
    """A product of two codebooks: each quantises a projection of its own."""

    event_shape, codes_shape, num_codes = (2, 3), (2,), 5

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.books = [Codebook((3,), 5) for _ in range(2)]

    def build(self, features_shape):
        for book in self.books:
            book.build(features_shape)
        self.built = True

    def codebooks(self):
        return list(self.books)

    def quantise(self, features):
        found = [book.quantise(features) for book in self.books]
        return Quantised(*(tf.stack(parts, 1) for parts in zip(*found)))

    def parts(self, found):
        return [Quantised(*(part[:, i] for part in found)) for i in range(2)]

    def together(self, codes):
        return tf.stack(codes, 1)

    def lookup(self, codes):
        return tf.stack([book.lookup(codes[:, i]) for i, book in enumerate(self.books)], 1)


def test_several_codebooks(tmp_path):
    model, x = _model(DiscreteLatent(TwoBooks(), UniformCodes((2,), 5))), models.images(64)
    model.compile("adam")
    before = [book.vectors.numpy() for book in model.latent.codebooks()]
    logs = model.fit(x, epochs=2, batch_size=32, verbose=0).history
    for book, old in zip(model.latent.codebooks(), before):
        assert np.abs(book.vectors.numpy() - old).max() > 0 and book.counts.numpy().sum() > 0
    draw = model.draw(x, 0)
    gaps = [draw.aux[f"{i}/encoded"] - draw.aux[f"{i}/vectors"] for i in range(2)]
    assert logs["term/commitment"][0] > 0 and draw.rate.shape == (64, 2)
    codes = np.stack([draw.aux[f"{i}/codes"] for i in range(2)], 1)
    _, counts = np.unique(codes, axis=0, return_counts=True)
    share = counts / 64
    report = diagnosis.measure(model, x, reference=64)
    assert report["mutual_information"] == pytest.approx(-(share * np.log(share)).sum(), rel=1e-5)
    usages = [np.bincount(own, minlength=5) / 64 for own in codes.T]
    perplexities = [np.exp(-sum(p * np.log(p) for p in own if p)) for own in usages]
    assert report["codebook_perplexity"] == pytest.approx(np.mean(perplexities), rel=1e-5)
    assert report["num_codes"] == 10 and len(gaps) == 2
    again = _again(model, tmp_path)
    np.testing.assert_array_equal(again.elbo(x, 1), model.elbo(x, 1))
