"""The three gradients of the bound of many samples, on the linear Gaussian model of the golden gaps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import linear_gaussian, models
from tests.frames import fitted
from tests.linear_gaussian import GOLDEN_W, GOLDEN_X, golden, golden_data
from tfvae.checks import UserError
from tfvae.inference import GRADIENTS, many_samples
from tfvae.objectives import ManySampleBound, Objective
from tfvae.procedures import Joint, Update
from tfvae.randomness import seed_of

S2 = 0.5
BOUND = ManySampleBound()


@pytest.fixture(scope="module")
def linear():
    return golden()


def gradients(model, gradient, num, rows, count):
    """[count, 4] of `count` passes: by the mean and the log-scale of q, mean over `rows` examples."""
    infer = many_samples(num, gradient)
    x = tf.constant(golden_data(rows))
    posterior = model.latent.posterior
    biases = [posterior.mean_head.bias.value, posterior.scale_head.bias.value]
    chain = 1 - (np.log(0.3) / 16) ** 2  # of log sigma = 8 tanh(a / 8)

    @tf.function
    def one(seed):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(BOUND(infer(model, x, seed)))
        return tape.gradient(loss, biases)

    found = [np.concatenate(one(seed_of(number))) for number in range(count)]
    return np.stack(found) / [1, 1, chain, chain]


def by_hand(gradient, z):
    """The same of draws z [B, K, 2], float64: [B, 4]."""
    noise = (z - 0.4) / np.sqrt(0.3)
    error = GOLDEN_X - z @ GOLDEN_W.T
    log_w = -0.5 * (error**2).sum(-1) / S2 - 0.5 * (z**2 - noise**2).sum(-1)
    share = np.exp(log_w - log_w.max(1, keepdims=True))
    share = (share / share.sum(1, keepdims=True))[..., None]
    through = error @ GOLDEN_W / S2 - z + noise / np.sqrt(0.3)
    each = np.concatenate([through, through * noise * np.sqrt(0.3)], -1)
    score = np.concatenate([noise / np.sqrt(0.3), noise**2 - 1], -1)
    weight = share**2 if gradient == "doubly_reparameterised" else share
    found = (weight * each).sum(1)
    return -(found - (share * score).sum(1) if gradient == "plain" else found)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_each_is_its_formula(linear, gradient, monkeypatch):
    """Of the draws that were scored, and the decoder's gradient is the same for all three."""
    seen, score = [], type(linear).score

    def watched(self, x, features, inferred, *rest):
        seen.append(inferred.z.numpy().astype(float))
        return score(self, x, features, inferred, *rest)

    monkeypatch.setattr(type(linear), "score", watched)
    x = tf.constant(golden_data(7))
    posterior = linear.latent.posterior
    of = [posterior.mean_head.bias, posterior.scale_head.bias, *linear.decoder.trainable_variables]
    found = {}
    for name in ("plain", gradient):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(BOUND(many_samples(5, name)(linear, x, seed_of(3))))
        found[name] = [g.numpy() for g in tape.gradient(loss, [v.value for v in of])]
    np.testing.assert_array_equal(*seen)
    expected = by_hand(gradient, seen[0].reshape(7, 5, 2)).mean(0)
    chain = 1 - (np.log(0.3) / 16) ** 2
    np.testing.assert_allclose(found[gradient][0], expected[:2], rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(found[gradient][1] / chain, expected[2:], rtol=2e-4, atol=2e-5)
    for one, other in zip(found["plain"][2:], found[gradient][2:]):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.statistical
def test_their_means(linear):
    """200 passes of 50 examples each: 10,000 draws of K = 5. Five standard errors: 1 of 100,000 fails.

    Doubly reparameterised as plain, with less variance; sticking the landing is off by what its formula says.
    """
    found = {name: gradients(linear, name, 5, 50, 200) for name in GRADIENTS}
    mean = {name: g.mean(0) for name, g in found.items()}
    variance = {name: g.var(0, ddof=1) for name, g in found.items()}

    def apart(name, expected=0.0):
        error = np.sqrt((variance["plain"] + variance[name]) / 200)
        return (mean[name] - mean["plain"] - expected) / error

    assert np.abs(apart("doubly_reparameterised")).max() < 5
    assert (variance["doubly_reparameterised"] < 0.7 * variance["plain"]).all()
    assert np.abs(apart("sticking_the_landing")).max() > 8
    z = 0.4 + np.sqrt(0.3) * np.random.default_rng(0).normal(size=(100_000, 5, 2))
    bias = by_hand("sticking_the_landing", z) - by_hand("doubly_reparameterised", z)
    assert np.abs(apart("sticking_the_landing", bias.mean(0))).max() < 5


def test_one_sample_sticks_the_landing(linear):
    """K = 1: two names of one gradient, which is 0 at the posterior, where the plain one is noise."""
    stuck, doubly = (gradients(linear, name, 1, 4, 3) for name in GRADIENTS[1:])
    np.testing.assert_allclose(stuck, doubly, rtol=1e-6)
    model, x = linear_gaussian.planted()
    weights = [v.value for v in model.latent.posterior.trainable_variables]
    size = {}
    for name in GRADIENTS:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(BOUND(many_samples(1, name)(model, tf.constant(x), seed_of(0))))
        size[name] = float(tf.linalg.global_norm(tape.gradient(loss, weights)))
    assert size["sticking_the_landing"] < 1e-4 < 1e-2 < size["plain"]


@pytest.mark.slow
def test_two_replicas_end_as_one_device(two_replicas):
    """Doubly reparameterised: the factors are of each replica's own examples."""

    def make():
        update = Update(
            Objective({"bound": BOUND}),
            keras.optimizers.SGD(0.05),
            inference=many_samples(3, "doubly_reparameterised"),
        )
        return models.plain(), Joint(update, seed=3)

    data = tf.data.Dataset.from_tensor_slices(models.images(32)).batch(16).repeat()
    one, _, model, _ = fitted(tf.distribute.get_strategy(), make, data, 2)
    two, *_ = fitted(two_replicas, make, data, 2)
    start = models.plain().trainable_variables
    assert all(np.abs(a - b).max() > 0 for a, b in zip(model.trainable_variables, start))
    for name, value in one.items():
        np.testing.assert_allclose(value, two[name], atol=2e-6, err_msg=name)


def test_an_unknown_gradient_is_refused():
    with pytest.raises(UserError, match="unknown gradient of many_samples 'pathwise'"):
        many_samples(2, "pathwise")


@pytest.mark.parametrize("gradient", GRADIENTS[1:])
def test_a_posterior_known_at_its_draws_alone_is_refused(gradient):
    """Whose score cannot be left out; the plain gradient it has."""
    model = models.auxiliary()
    assert many_samples(2)(model, models.images(3), seed_of(0)).aux["log_weights"].shape == (3, 2)
    with pytest.raises(UserError, match="AuxiliaryPosterior is known at its own draws alone"):
        many_samples(2, gradient)(model, models.images(3), seed_of(0))
    with pytest.raises(UserError, match="sample_gradient|density is known of every z"):
        zoo.build("iwae", "digits", posterior="auxiliary", sample_gradient=gradient)
