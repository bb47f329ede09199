"""The posterior with an auxiliary variable: its bound against exact likelihoods."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tests import models
from tests.frames import fitted
from tests.linear_gaussian import GOLDEN_DIAGONAL, GOLDEN_LOG_P, golden, golden_data
from tfvae.checks import UserError
from tfvae.latents import AuxiliaryPosterior, StandardNormalPrior, StochasticLatent
from tfvae.likelihoods import Gaussian
from tfvae.networks import FactorisedDecoder, MLPEncoder, MLPImage
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Update


def _with(posterior, decoder, variance, width=3):
    latent = StochasticLatent(posterior, StandardNormalPrior(posterior.event_shape))
    shape = (1, width, 1)
    network = MLPImage(shape, (), 1)
    made = tfvae.VAE(MLPEncoder(()), latent, FactorisedDecoder(shape, network), Gaussian(variance))
    made.build()
    network.output_layer.kernel.assign(decoder)
    return made


def _set(gaussian, kernel, variance):
    """N(kernel . inputs, variance)."""
    gaussian.mean_head.kernel.assign(kernel)
    gaussian.scale_head.kernel.assign(np.zeros_like(kernel))
    gaussian.scale_head.bias.assign(np.zeros(1) + 8 * np.arctanh(np.log(variance) / 16))


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("slope", "variance", "lost"),
    [(0.8, 0.36, 0.0), (0.5, 0.5, 0.11425203), (0.0, 1.0, 0.51082562)],
)
def test_what_r_does_not_know_is_lost(slope, variance, lost):
    """q(a) = N(0, 1), q(z|a) = N(.8 a, .36), so q(z) = N(0, 1), which here is the posterior.

    r = N(slope z, variance) costs its divergence from q(a|z). 50,000 draws, five standard errors: 1 of a
    million fails; with the right r every draw says log p.
    """
    model = _with(AuxiliaryPosterior((1,), 1, ()), np.zeros((1, 3)), 0.5)
    posterior = model.latent.posterior
    _set(posterior.auxiliary, np.zeros((3, 1)), 1.0)
    _set(posterior.given, np.array([[0], [0], [0], [0.8]]), 0.36)
    _set(posterior.reverse, np.array([[0], [0], [0], [slope]]), variance)
    x = golden_data(1)
    log_p = -0.5 * (np.sum(x**2) / 0.5 + 3 * np.log(2 * np.pi * 0.5))
    found = model.log_weights(x, 50_000).numpy().astype(float)[:, 0]
    error = 5 * found.std() / np.sqrt(len(found)) + 1e-5
    assert abs(log_p - lost - found.mean()) < error < 0.03
    assert (found.std() < 1e-5) == (lost == 0.0)
    if slope == 0.0:
        return  # weights of infinite variance
    # of many it is log p, whatever r is
    assert float(model.log_prob(x, 50_000, chunk=50_000)[0]) == pytest.approx(log_p, abs=0.03)


@pytest.mark.statistical
@pytest.mark.parametrize("seed", range(4))
def test_the_bound_is_never_above_log_p(seed):
    """Of networks as they are drawn, about the posterior: 20,000 draws, four standard errors: 1 of 30,000."""
    keras.utils.set_random_seed(seed)
    model = _with(AuxiliaryPosterior((2,), 3, (8,), "tanh"), golden().decoder.get_weights()[0], 0.5)
    posterior = model.latent.posterior
    for head in (posterior.auxiliary, posterior.given, posterior.reverse):
        head.mean_head.kernel.assign(head.mean_head.kernel * 0.3)
    posterior.given.mean_head.bias.assign([0.178, 0.672])
    posterior.given.scale_head.bias.assign([-0.7, -0.7])
    found = model.log_weights(golden_data(1), 20_000).numpy()[:, 0]
    assert found.mean() < GOLDEN_LOG_P + 4 * found.std() / np.sqrt(len(found))
    assert found.mean() > GOLDEN_LOG_P - 1.0  # near enough for a mistake to be seen
    of_all = float(tf.reduce_logsumexp(found)) - np.log(len(found))
    assert of_all == pytest.approx(GOLDEN_LOG_P, abs=0.05)


@pytest.mark.statistical
def test_it_has_a_form_that_no_diagonal_gaussian_has():
    """Trained on the golden example: above the best diagonal's bound, below log p.

    20,000 draws, whose standard error is below 0.004; four of them.
    """
    keras.utils.set_random_seed(1)
    model = _with(AuxiliaryPosterior((2,), 2, ()), golden().decoder.get_weights()[0], 0.5)
    model.decoder.trainable = False
    update = Update(elbo(), keras.optimizers.Adam(0.02))
    model.compile(procedure=Joint(update))
    data = tf.data.Dataset.from_tensors(golden_data(64)).repeat()
    model.fit(data, steps_per_epoch=400, verbose=0, shuffle=False)
    found = model.log_weights(golden_data(1), 20_000).numpy()[:, 0]
    error = 4 * found.std() / np.sqrt(len(found))
    assert GOLDEN_DIAGONAL + error < found.mean() < GOLDEN_LOG_P + error


def test_z_and_a_have_noise_of_their_own_and_positions_are_apart():
    posterior = AuxiliaryPosterior((3, 2), 2, (4,))
    posterior.build((None, 3, 5))
    features = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
    other = features.copy()
    other[:, 1] += 1.0
    (one, log_one), (two, _), (third, _) = (
        posterior.scored(posterior.distribution(f), tf.constant([s, 0]))
        for f, s in ((features, 0), (other, 0), (features, 1))
    )
    changed = np.abs(one - two).max((0, 2)) > 0
    assert list(changed) == [False, True, False]
    assert log_one().shape == (2,) and not np.allclose(one, third)
    q = posterior.distribution(features)
    noise_of_a, noise_of_z = (
        tf.random.stateless_normal([2, 3, 2], seed).numpy()
        for seed in (tfvae.randomness.fold(tf.constant([0, 0]), 0xA0C), tf.constant([0, 0]))
    )
    assert not np.allclose(noise_of_a, noise_of_z)
    a = q.mean + tf.exp(q.log_variance / 2) * noise_of_a
    hidden = posterior.given_layers[0](tf.concat([features, a], -1))
    of_z = posterior.given.distribution(hidden)
    np.testing.assert_allclose(one, of_z.mean() + of_z.stddev() * noise_of_z, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_two_replicas_end_as_one_device_and_a_file_is_the_model(tmp_path, two_replicas):
    def make():
        return models.auxiliary(), Joint(Update(elbo(), keras.optimizers.SGD(0.05)), seed=3)

    data = tf.data.Dataset.from_tensor_slices(models.images(32)).batch(16).repeat()
    one, rows, model, _ = fitted(tf.distribute.get_strategy(), make, data, 2)
    two, *_ = fitted(two_replicas, make, data, 2)
    start = models.auxiliary().trainable_variables
    assert all(np.abs(a - b).max() > 0 for a, b in zip(model.trainable_variables, start))
    for name, value in one.items():
        np.testing.assert_allclose(value, two[name], atol=2e-6, err_msg=name)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = models.images(5)
    np.testing.assert_array_equal(again.log_weights(x, 3), model.log_weights(x, 3))
    np.testing.assert_array_equal(again.encode(x), model.encode(x))


def test_what_is_no_width_or_has_no_positions_is_refused():
    with pytest.raises(UserError, match="width of an auxiliary variable must be a whole number"):
        AuxiliaryPosterior((2,), 0)
    with pytest.raises(UserError, match=r"AuxiliaryPosterior with event shape \(3, 2\) needs"):
        AuxiliaryPosterior((3, 2)).build((None, 5))
