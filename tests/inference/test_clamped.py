"""The clamped pass: golden values, the replaced gradient, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import models
from tests.objectives.test_divergences import MEAN
from tfvae.checks import UserError
from tfvae.inference import amortised, clamp, clamped
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Update
from tfvae.randomness import seed_of

SEED, STEP = seed_of(3), tf.constant(5)


@pytest.mark.parametrize(
    ("kept", "values", "pull"),
    [
        ("mean", -0.0875, [-0.9125, 0.3375, 0.8875, -0.3125]),
        ("first", -1.0, [0.0, 1.25, 1.8, 0.6]),
    ],
)
def test_golden(kept, values, pull):
    """F4 of the methods page, the first latent free; whatever comes from above."""
    given, free = tf.constant(MEAN), tf.constant([True, False])
    rng = np.random.default_rng(0)
    for upstream in (np.ones([4, 2]), 100 * rng.normal(size=[4, 2])):
        with tf.GradientTape() as tape:
            tape.watch(given)
            made = clamp(given, free, 0.01 * 4, kept)  # c = s / B
        gradient = tape.gradient(made, given, tf.constant(upstream, tf.float32))
        np.testing.assert_allclose(made[:, 0], MEAN[:, 0])
        np.testing.assert_allclose(made[:, 1], [values] * 4, rtol=1e-6)
        np.testing.assert_allclose(gradient[:, 0], upstream[:, 0], rtol=1e-6)
        np.testing.assert_allclose(gradient[:, 1], 0.01 * np.array(pull), rtol=1e-5)


@pytest.mark.parametrize("kept", ["mean", "first"])
def test_two_replicas_clamp_to_what_one_device_does(two_replicas, kept):
    """Values and the replaced gradient, of shares of 1 and 3 examples."""
    free, rows = tf.constant([True, False]), tf.constant(MEAN, tf.float32)
    cut = [rows[:1], rows[1:]]
    parts = two_replicas.experimental_distribute_values_from_function(
        lambda context: cut[context.replica_id_in_sync_group]
    )

    def both(given):
        with tf.GradientTape() as tape:
            tape.watch(given)
            made = clamp(given, free, 0.04, kept)
        return made, tape.gradient(made, given)

    for found, one in zip(two_replicas.run(both, (parts,)), both(rows)):
        shares = two_replicas.experimental_local_results(found)
        np.testing.assert_allclose(tf.concat(shares, 0), one, rtol=1e-6)


def test_mean_and_variance_are_clamped_in_training_and_nothing_to_measure():
    model, x = models.plain(), models.images(6)
    inference = clamped((1, 2))
    label = tf.ones([6], tf.int32)
    draw = inference(model, x, SEED, STEP, label)
    for found, own in zip(
        (draw.posterior.mean(), draw.posterior.variance()),
        (model.posterior(x).mean(), model.posterior(x).variance()),
    ):
        assert np.ptp(found[:, 0]) == 0.0 and np.ptp(own[:, 0]) > 0
        np.testing.assert_allclose(found[:, 1:], own[:, 1:], rtol=1e-5)
    np.testing.assert_allclose(
        draw.posterior.mean()[0, 0], tf.reduce_mean(model.posterior(x).mean()[:, 0]), rtol=1e-5
    )
    measured = inference(model, x, SEED, None, label)
    np.testing.assert_array_equal(measured.z, amortised(model, x, SEED).z)


REFUSED = {
    "no widths": (lambda: clamped(()), "number of latents of each factor, got none"),
    "an empty factor": (lambda: clamped((1, 0)), "latents of a factor"),
    "no pull": (lambda: clamped((1,), 0.0), "strength of the clamp"),
    "another mean": (lambda: clamped((1,), kept="median"), "what a clamp keeps"),
    "widths of another z": (
        lambda: clamped((1, 1))(
            models.plain(), models.images(4), SEED, STEP, tf.zeros([4], tf.int32)
        ),
        r"z of 2 numbers \(1 \+ 1\)",
    ),
    "no factor": (
        lambda: clamped((1, 2))(models.plain(), models.images(4), SEED, STEP),
        "needs batches .x, the factor that varied",
    ),
    "data without factors": (
        lambda: zoo.build("dc_ign", "digits", backbone="mlp"),
        "batches=one_factor needs data with known factors of variation, and images has none",
    ),
    "usual batches": (
        lambda: zoo.build("vae", "squares", backbone="mlp", inference="clamped"),
        "needs batches in which one factor varies",
    ),
    "a memory of rows": (
        lambda: zoo.build("acn", "squares", backbone="mlp", batches="one_factor"),
        "needs batches of the next examples, which batches=one_factor does not leave",
    ),
    "unknown labels that are told": (
        lambda: zoo.build(
            "vae", "digits", backbone="mlp", condition="labels", batches="partly_labelled"
        ),
        "needs the label of each example, which batches=partly_labelled does not leave",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_refused_in_one_line(what):
    run, said = REFUSED[what]
    with pytest.raises(UserError, match=said) as caught:
        run()
    assert "\n" not in str(caught.value)


def test_batches_that_mix_factors_are_refused():
    label = tf.constant([0, 0, 1, 0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="in which one factor varies"):
        clamped((1, 2))(models.plain(), models.images(4), SEED, STEP, label)


def test_examples_that_are_weighted_and_losses_that_are_scaled_are_refused():
    """A clamp compares the examples of a batch, and its gradient is its own."""
    model, x = models.plain(), models.images(8)
    update = Update(elbo(), inference=clamped((1, 2)))
    model.compile(procedure=Joint(update))
    with pytest.raises(UserError, match="sample_weight|weight"):
        model.fit(x, np.ones(8, np.int32), sample_weight=np.zeros(8), verbose=0)
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())
    with pytest.raises(
        UserError, match="scales the loss, and this inference has gradients of its own"
    ):
        Update(elbo(), scaled, inference=clamped((1, 2)))
