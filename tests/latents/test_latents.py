"""Posteriors and priors: rates against TFP and floors."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import distributions
from tfvae.checks import UserError
from tfvae.draw import Pass
from tfvae.latents import (
    AR1Prior,
    AutoregressivePrior,
    FixedScalePosterior,
    GaussianPosterior,
    StandardNormalPrior,
    StochasticLatent,
)

tfd = tfp.distributions


def _features(*shape):
    return tf.constant(np.random.default_rng(0).normal(size=shape).astype("float32"))


def test_gaussian_rate_per_dimension_against_tfp():
    latent = StochasticLatent(GaussianPosterior((3,)), StandardNormalPrior((3,)))
    latent.build((None, 5))
    inferred = latent.infer(_features(4, 5), Pass.measuring())
    normal = inferred.posterior.distribution
    oracle = tfd.kl_divergence(normal, tfd.Normal(tf.zeros([3]), 1.0))
    np.testing.assert_allclose(inferred.rate, oracle, rtol=1e-5)
    np.testing.assert_allclose(latent.code(_features(4, 5)), normal.loc)


@pytest.mark.parametrize("scale", [0.02, 1.0])
def test_the_rate_of_a_fixed_scale_is_the_closed_form_and_its_draws_have_that_scale(scale):
    keras.utils.set_random_seed(0)  # a mean of almost 0 would leave no digit of its rate
    latent = StochasticLatent(FixedScalePosterior((3,), scale), StandardNormalPrior((3,)))
    latent.build((None, 5))
    features = tf.repeat(_features(1, 5), 4000, 0)
    posterior, z, rate, *_ = latent.infer(features, Pass.measuring())
    mean = latent.code(features).numpy()[0]
    wanted = 0.5 * (mean**2 + scale**2 - 1 - 2 * np.log(scale))
    np.testing.assert_allclose(rate[0], wanted, rtol=1e-5)
    # 12,000 numbers: a standard error of 0.65 %
    assert np.std(z.numpy() - mean) == pytest.approx(scale, rel=0.03)
    assert len(latent.trainable_variables) == 2
    with pytest.raises(UserError, match="scale of a posterior must be a number above 0, got 0"):
        FixedScalePosterior((3,), 0)


def test_the_head_of_released_codes_gives_the_same_posterior_with_half_the_gradient():
    """log sigma^2 = a and log sigma = a / 2 are one: d / d a of the one is half of d / d (a / 2)."""
    features, found = _features(4, 5), {}
    for head, factor in (("log_scale", 1.0), ("log_variance", 2.0)):
        posterior = GaussianPosterior((3,), initial_scale=0.3, head=head)
        posterior.build((None, 5))
        bias = posterior.scale_head.bias.numpy()
        np.testing.assert_allclose(bias, factor * np.log(0.3), rtol=1e-6)
        rng = np.random.default_rng(4)
        posterior.mean_head.kernel.assign(rng.normal(size=(5, 3)))
        posterior.scale_head.kernel.assign(factor * rng.normal(size=(5, 3)))
        with tf.GradientTape() as tape:
            q = posterior.distribution(features)
            loss = tf.reduce_sum(q.log_prob(tf.ones([4, 3])))
        weights = [v.value for v in (posterior.scale_head.kernel, posterior.mean_head.kernel)]
        found[head] = [q.stddev(), *tape.gradient(loss, weights)]
    (ours, scale, mean), (theirs, half, same) = found.values()
    np.testing.assert_allclose(theirs, ours, rtol=1e-5)
    np.testing.assert_allclose(half, scale / 2.0, rtol=1e-4)
    np.testing.assert_allclose(same, mean, rtol=1e-4)


def test_posterior_and_prior_of_different_shapes_are_refused_by_name():
    with pytest.raises(UserError, match=r"GaussianPosterior.*\(3,\).*StandardNormalPrior.*\(4,\)"):
        StochasticLatent(GaussianPosterior((3,)), StandardNormalPrior((4,)))


def test_sequence_posterior_refuses_a_vector_of_features():
    with pytest.raises(UserError, match="needs features"):
        GaussianPosterior((4, 2)).build((None, 7))


def test_delta_is_reached_at_the_minimiser():
    prior = AR1Prior.from_rate((6, 2), 3.0)
    assert prior.committed_rate.sum() == pytest.approx(3.0, rel=1e-9)
    a = np.asarray(prior.correlation, np.float32)
    variance = np.tile((1 - a**2) / (1 + a**2), (6, 1))
    variance[[0, -1]] = 1 - a**2
    q = tfd.Independent(tfd.Normal(tf.zeros([1, 6, 2]), np.sqrt(variance)[None]), 2)
    np.testing.assert_allclose(
        distributions.rate(q, prior.distribution(), None).nats[0], prior.committed_rate, rtol=1e-5
    )


def test_no_finite_features_make_an_infinite_rate():
    latent = StochasticLatent(GaussianPosterior((6, 2)), AR1Prior((6, 2), 0.99))
    latent.build((None, 6, 5))
    rate = latent.infer(1e6 * _features(3, 6, 5), Pass.measuring()).rate
    assert np.all(np.isfinite(rate))


def _auxiliary():
    base = AR1Prior((5, 2), (0.8, -0.4))
    prior = AutoregressivePrior(base, filters=8, num_layers=3, num_components=3)
    prior.build(None)
    return prior


def test_config_round_trip():
    latent = StochasticLatent(GaussianPosterior((5, 2)), _auxiliary())
    latent.build((None, 5, 3))
    config = keras.saving.serialize_keras_object(latent)
    copy = keras.saving.deserialize_keras_object(config)
    copy.build((None, 5, 3))
    copy.set_weights(latent.get_weights())
    z = latent.infer(_features(2, 5, 3), Pass.measuring(1))
    again = copy.infer(_features(2, 5, 3), Pass.measuring(1))
    np.testing.assert_array_equal(z.rate, again.rate)
    assert copy.prior.base.correlation == latent.prior.base.correlation
