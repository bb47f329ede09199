"""The posterior whose means are normalised: its floor, its averages, its replicas."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tests import models
from tests.objectives.test_divergences import LOG_VARIANCE, MEAN
from tfvae import procedures
from tfvae.checks import UserError
from tfvae.draw import Pass
from tfvae.latents import (
    BatchNormalisedPosterior,
    GaussianPosterior,
    Hierarchy,
    StandardNormalPrior,
    StochasticLatent,
)
from tfvae.objectives import Objective, distortion, rate
from tfvae.randomness import seed_of
from tfvae.replicas import batch_moments

TRAINING = Pass(seed_of(0), 0, training=True)


def posterior(epsilon, gamma, centre):
    """Of the features themselves: m = x, log sigma^2 as in the fixture."""
    made = BatchNormalisedPosterior((2,), gamma=gamma, epsilon=epsilon, head="log_variance")
    made.build((None, 4))
    made.mean_head.kernel.assign(np.eye(4, 2))
    made.scale_head.kernel.assign(np.eye(4, 2, -2))
    made.scale_head.bias.assign([0.0, 0.0])
    made.centre.assign([centre, centre])
    return made


@pytest.mark.parametrize(
    ("gamma", "centre", "epsilon", "row", "nats", "floor"),
    [
        (0.6, 0.0, 1e-12, (0.13764944, -0.80903293), 0.66074052, 0.36),
        (0.6, 0.0, 1e-3, (0.13754652, -0.80815109), 0.66007927, 0.35933875),
        (0.5, 0.2, 1e-12, (0.31470787, -0.47419411), 0.59074052, 0.29),
    ],
)
def test_golden_and_the_floor_is_exact(gamma, centre, epsilon, row, nats, floor):
    made = posterior(epsilon, gamma, centre)
    bounded = 16 * np.arctanh(LOG_VARIANCE / 16)  # the layer bounds what it is given
    mean, log_variance = made.parameters(np.concatenate([MEAN, bounded], 1), TRAINING)
    np.testing.assert_allclose(mean[0], row, rtol=2e-5)
    found = tfvae.distributions.rate(
        made.of(mean, log_variance), StandardNormalPrior((2,)).distribution(), mean, None
    )
    assert float(tf.reduce_mean(tf.reduce_sum(found.nats, -1))) == pytest.approx(nats, rel=1e-5)
    of_variance = 0.5 * np.mean(np.sum(np.exp(LOG_VARIANCE) - LOG_VARIANCE - 1, 1))
    assert nats - of_variance == pytest.approx(floor, abs=1e-6)
    assert float(tf.reduce_mean(tf.reduce_sum(tf.square(mean), -1)) / 2) == pytest.approx(
        floor, rel=1e-5
    )


def test_an_encoder_cannot_shrink_below_the_floor():
    """Means that lie 1e-4 apart: their variance is a thousandth of the 1e-5 that usual layers add to it."""
    made = BatchNormalisedPosterior((2,), gamma=0.6, head="log_variance")
    made.build((None, 4))
    made.mean_head.kernel.assign(1e-4 * np.eye(4, 2))
    features = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
    mean, _ = made.parameters(features, TRAINING)
    np.testing.assert_allclose(np.std(mean, 0), 0.6, rtol=1e-3)


def model(**given):
    return models.plain(posterior=functools.partial(BatchNormalisedPosterior, **given))


def test_the_averages_are_those_of_the_batches_that_were_seen():
    """By plain compile, as a sum of weights g^(t-s) over the steps; a batch of one says nothing."""
    made, x = model(decay=0.8), models.images(33)
    own = made.latent.posterior
    made.compile(keras.optimizers.SGD(0.0))
    means = own.mean_head(made.features(x)).numpy()
    made.fit(x, batch_size=8, shuffle=False, verbose=0)
    assert float(own.moved) == 4.0
    share = 0.8 ** np.arange(3, -1, -1)
    parts = np.split(means[:32], 4)
    for average, of in ((own.moving_mean, np.mean), (own.moving_variance, np.var)):
        wanted = np.average([of(part, 0) for part in parts], 0, share)
        np.testing.assert_allclose(average, wanted, rtol=1e-4, atol=1e-6)


def test_measuring_takes_the_averages_and_training_the_batch():
    made, x = model(gamma=0.5), models.images(64)
    made.compile("adam")
    made.fit(x, batch_size=64, epochs=20, verbose=0)
    drawn = made.draw(x, 0, training=True, step=tf.constant(0))
    mean = drawn.posterior.mean().numpy() - made.latent.posterior.centre.numpy()
    np.testing.assert_allclose(mean.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(mean.std(0), 0.5, rtol=1e-3)
    # of an example alone: it is not normalised by itself
    few = made.draw(x[:1], 0).posterior.mean()
    np.testing.assert_allclose(few, made.draw(x, 0).posterior.mean()[:1], rtol=1e-5)
    measured = made.evaluate(x, verbose=0, return_dict=True)
    assert measured["rate"] > 0.8 * 3 * 0.5**2 / 2  # as far as the averages are the data's
    own, before = made.latent.posterior, made.latent.posterior.moving_mean.numpy()
    own.trainable = False
    made.compile("adam")
    made.fit(x, batch_size=64, verbose=0)
    np.testing.assert_array_equal(own.moving_mean, before)


def test_a_file_keeps_the_averages(tmp_path):
    made, x = model(), models.images(32)
    made.compile("adam")
    made.fit(x, batch_size=16, verbose=0)
    made.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.encode(x), made.encode(x))
    assert float(again.latent.posterior.moved) == 2.0


def test_moments_of_replicas_and_their_gradient_are_those_of_one_device(two_replicas):
    """Of unequal shares; a loss that asks each replica's rows about the moments of all."""
    rows = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    cut = [rows[:1], rows[1:]]
    cubes = tf.constant([1.0, -2.0, 3.0])

    def loss(values):
        mean, variance = batch_moments(values)
        return tf.reduce_sum(cubes * ((values - mean) * tf.math.rsqrt(variance + 1e-3)) ** 3)

    def gradient(values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            found = loss(values)
        return tape.gradient(found, values)

    parts = two_replicas.experimental_distribute_values_from_function(
        lambda context: tf.constant(cut[context.replica_id_in_sync_group])
    )
    run = tf.function(lambda values: two_replicas.run(gradient, (values,)), autograph=False)
    found = tf.concat(two_replicas.experimental_local_results(run(parts)), 0)
    np.testing.assert_allclose(found, gradient(tf.constant(rows)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"gamma": 0.0}, "gamma of a posterior"),
        ({"epsilon": -1.0}, "epsilon of a posterior"),
        ({"decay": 1.0}, "decay of a posterior"),
    ],
)
def test_settings_that_are_none_are_refused(given, says):
    with pytest.raises(UserError, match=says):
        BatchNormalisedPosterior((2,), **given)


def test_what_cannot_keep_the_averages_is_refused_in_one_line():
    made, x = model(), models.images(16)
    made.compile("adam")
    with pytest.raises(UserError, match="sample_weight cannot go with MovingMoments"):
        made.fit(x, sample_weight=np.ones(16), batch_size=8, verbose=0)
    averaged = keras.optimizers.Adam(use_ema=True)
    objective = Objective({"distortion": distortion, "rate": rate})
    with pytest.raises(UserError, match="moves the moments of a batch-normalised posterior"):
        procedures.Update(objective, averaged).build(made)
    lower = StochasticLatent(GaussianPosterior((2,)), StandardNormalPrior((2,)))
    levels = Hierarchy([("top", made.latent), ("low", lower)])
    with pytest.raises(UserError, match="level 'top' has a posterior that is kept up"):
        levels.upkeep()
