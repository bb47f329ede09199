"""The VAE as a Keras model: identities, round trips, training effects."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tests import models
from tfvae.objectives import Objective, distortion, elbo, rate
from tfvae.procedures import Joint, Update
from tfvae.schedules import Linear

MAKERS = {"plain": models.plain, "delta": models.delta, "exact": models.exact}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_elbo_is_minus_distortion_minus_rate_and_below_the_iw_bound(make):
    model, x = make(), models.images(40)
    draw = model.draw(x, 3)
    np.testing.assert_allclose(
        draw.elbo, -(draw.distortion + tf.reduce_sum(draw.rate, -1)), rtol=1e-5
    )
    np.testing.assert_array_equal(model.elbo(x, 3), draw.elbo)
    assert np.mean(model.log_prob(x, 50)) >= np.mean(draw.elbo) - 0.3


def test_without_a_latent_everything_is_exact_and_rates_are_empty():
    model, x = models.exact(), models.images(9)
    np.testing.assert_allclose(model.log_prob(x, 7, seed=1), model.elbo(x, seed=2), rtol=1e-6)
    assert model.draw(x, 0).rate.shape == (9, 0)
    assert model.encode(x).shape == (9, 0)
    assert model.posterior(x) is None


def test_without_a_latent_the_probabilities_of_all_images_sum_to_1():
    """2x2 images: all 16 of them."""
    from tfvae.latents import NoLatent
    from tfvae.likelihoods import Bernoulli
    from tfvae.networks import AutoregressiveDecoder, DenseHead, GatedPixelCNN, NoEncoder

    decoder = AutoregressiveDecoder((2, 2, 1), GatedPixelCNN(8, 2, 3, 3), DenseHead(1))
    model = tfvae.VAE(NoEncoder(), NoLatent(), decoder, Bernoulli())
    model.build()
    x = np.array([[(i >> b) & 1 for b in range(4)] for i in range(16)], "float32").reshape(
        -1, 2, 2, 1
    )
    assert np.exp(model.log_prob(x).numpy().astype(float)).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_weight_gets_a_gradient_and_is_a_keras_weight(make):
    model, x = make(), models.images(16)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.elbo(x, 0))
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    without = [v.path for v, g in zip(model.trainable_variables, gradients) if g is None]
    assert not without
    assert len(model.trainable_variables) == len(model.variables) > 0


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_keras_file_round_trip_is_exact(make, tmp_path):
    model, x = make(), models.images(8)
    model.compile("adam")
    model.fit(x, batch_size=8, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(copy.elbo(x, 5), model.elbo(x, 5))
    np.testing.assert_array_equal(copy.sample(3, seed=4), model.sample(3, seed=4))
    assert len(copy.variables) == len(model.variables)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_eager_and_compiled_agree(make):
    model, x = make(), tf.constant(models.images(8))
    for function in (
        model.encode,
        model.reconstruct,
        lambda x: model.elbo(x, 1),
        lambda x: model.log_prob(x, 6),
    ):
        np.testing.assert_allclose(tf.function(function)(x), function(x), rtol=2e-5, atol=1e-5)


def test_fit_on_an_array_lowers_the_loss_and_runs_callbacks():
    model, x = models.plain(), models.images(256)
    seen = []
    model.compile(keras.optimizers.Adam(1e-2))
    before = model.evaluate(x, batch_size=100, verbose=0, return_dict=True)
    history = model.fit(
        x,
        batch_size=32,
        epochs=8,
        verbose=0,
        validation_data=(x,),
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: seen.append(logs))],
    )
    after = model.evaluate(x, batch_size=100, verbose=0, return_dict=True)
    assert after["elbo"] > before["elbo"] + 1.5
    assert {"objective", "rate", "distortion", "val_elbo"} <= set(seen[-1])
    assert len(history.history["objective"]) == 8
    assert after["elbo"] == pytest.approx(-(after["distortion"] + after["rate"]), rel=1e-6)
    labelled = tf.data.Dataset.from_tensor_slices((x, np.zeros(256))).batch(32)
    model.fit(labelled, epochs=1, verbose=0)


def test_evaluate_weighs_a_short_last_batch_by_its_examples():
    model, x = models.exact(), models.images(10)
    whole = model.evaluate(x, batch_size=10, verbose=0, return_dict=True)
    parts = model.evaluate(x, batch_size=4, verbose=0, return_dict=True)
    assert parts["elbo"] == pytest.approx(whole["elbo"], rel=1e-6)


def test_wrong_arrays_are_refused_by_name():
    model = models.plain()
    model.compile()
    with pytest.raises(
        tfvae.UserError, match=r"takes x of shape \[N, 4, 4, 1\], got \[5, 3, 3, 1\]"
    ):
        model.fit(np.zeros((5, 3, 3, 1), "float32"), verbose=0)
    with pytest.raises(tfvae.UserError, match="0 or 1"):
        model.fit(np.full((5, 4, 4, 1), 255.0), verbose=0)
    with pytest.raises(tfvae.UserError, match="its own"):
        model.compile(objective=elbo(), procedure=Joint())


def test_iw_bound_grows_with_the_number_of_samples():
    """With 1, 4 and 64 samples the bound rises; 3,000 examples, gaps of over 6 standard errors."""
    model, x = models.plain(), models.images(3000)
    values = [model.log_prob(x, s, seed=1, chunk=16).numpy() for s in (1, 4, 64)]
    for low, high in zip(values, values[1:]):
        gap = high - low
        assert gap.mean() > 6 * gap.std() / np.sqrt(len(gap))


def test_delta_model_never_pays_less_than_delta():
    model, x = models.delta(rate=2.0), models.images(64)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(x, batch_size=32, epochs=20, verbose=0)
    paid = tf.reduce_sum(model.draw(x, 0).rate, -1).numpy()
    assert paid.min() >= 2.0 - 1e-4


def test_objective_weights_and_raw_terms():
    model, x = models.plain(), models.images(6)
    draw = model.draw(x, 0)
    objective = Objective({"distortion": distortion, "rate": (Linear(0.0, 1.0, 10), rate)})
    loss, logs = objective(draw, tf.constant(5))
    expected = np.mean(draw.distortion) + 0.5 * np.mean(tf.reduce_sum(draw.rate, -1))
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(logs["weight/rate"]) == 0.5
    assert float(logs["rate"]) == pytest.approx(np.mean(tf.reduce_sum(draw.rate, -1)), rel=1e-5)


def test_clipping_bounds_the_step_of_plain_gradient_descent():
    model, x = models.plain(), models.images(32)
    before = [w.numpy() for w in model.trainable_variables]
    model.compile(procedure=Joint(Update(elbo(), keras.optimizers.SGD(1.0), clip_norm=0.01)))
    model.fit(x, batch_size=32, epochs=1, verbose=0)
    moved = sum(np.sum((w.numpy() - b) ** 2) for w, b in zip(model.trainable_variables, before))
    assert np.sqrt(moved) == pytest.approx(0.01, rel=1e-3)


def test_the_keras_optimizers_own_clipping_is_refused():
    with pytest.raises(tfvae.UserError, match="clip_norm"):
        Update(elbo(), keras.optimizers.Adam(global_clipnorm=1.0))


def test_the_auxiliary_prior_moves_nothing_else_and_lowers_the_rate():
    from tfvae.inference import code_only
    from tfvae.latents import AutoregressivePrior

    model, x = models.delta(rate=2.0), models.images(256)
    frozen = [w.numpy() for w in model.variables]
    served = model.with_prior(AutoregressivePrior(model.latent.prior, 16, 2, 2))
    before = served.evaluate(x, verbose=0, return_dict=True)
    update = Update(
        Objective({"rate": rate}),
        keras.optimizers.Adam(1e-2),
        variables=lambda m: m.latent.prior.trainable_variables,
        inference=code_only,
    )
    served.compile(procedure=Joint(update))
    served.fit(x, batch_size=64, epochs=20, verbose=0)
    after = served.evaluate(x, verbose=0, return_dict=True)
    assert after["rate"] < before["rate"] - 0.5
    for was, is_now in zip(frozen, model.variables):
        np.testing.assert_array_equal(was, is_now.numpy())
