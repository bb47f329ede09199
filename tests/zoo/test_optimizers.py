"""Which optimizer moves the encoder and which the decoder, how far, by the settings."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tfvae.checks import UserError
from tfvae.procedures import encoder_variables
from tfvae.randomness import fold, seed_of
from zoo import models
from zoo.command import assemble, plan, run
from zoo.modalities import images, text

BITS = images.Space((8, 8, 1), 1)
X = np.random.default_rng(0).integers(0, 2, (8, 8, 8, 1)).astype("float32")
RUN = {"size": "tiny", "backbone": "mlp", "batch_size": 8, "train_steps": 10}
ONE_INNER = {
    "procedure": "aggressive",
    "inner_steps": 1,
    "check_every": 100,
    "clip_norm": 2.0,
}
RATE = 0.5


def _built(**given):
    return zoo.build("vae", "digits", BITS, **RUN, **ONE_INNER, **given)


def _gradients(model, weights, *index):
    """Clipped over all, of step 0."""
    with tf.GradientTape() as tape:
        draw = model.draw(X, fold(seed_of(0), 0, *index), training=True)
        loss = tf.reduce_mean(draw.distortion + tf.reduce_sum(draw.rate, -1))
    every = model.trainable_variables
    slopes, norm = tf.clip_by_global_norm(tape.gradient(loss, [v.value for v in every]), 2.0)
    assert norm > 2.0
    taken = {id(v): slope.numpy() for v, slope in zip(every, slopes)}
    return [taken[id(v)] for v in weights]


def _sgd(slope, rate):
    return -rate * slope


def _adam(slope, rate):
    """Its first step; Keras adds the epsilon to the root before the bias is corrected."""
    return -rate * slope / (np.abs(slope) + 1e-7 / np.sqrt(1e-3))


@pytest.mark.parametrize(
    ("given", "encoder", "decoder"),
    [
        ({"optimizer": "sgd"}, (_sgd, RATE), (_sgd, RATE)),
        (
            {"optimizer": "sgd", "encoder_optimizer": "adam", "encoder_learning_rate": 0.01},
            (_adam, 0.01),
            (_sgd, RATE),
        ),
        (
            {"optimizer": "adam", "encoder_optimizer": "sgd", "encoder_learning_rate": 0.2},
            (_sgd, 0.2),
            (_adam, RATE),
        ),
        ({"encoder_learning_rate": 0.003}, (_adam, 0.003), (_adam, RATE)),
    ],
    ids=["sgd both", "adam, sgd", "sgd, adam", "adam both"],
)
def test_each_part_moves_by_its_own_optimizer_at_its_own_rate(given, encoder, decoder):
    """One inner step and one of the decoder, the latter with the encoder that has moved."""
    model = _built(learning_rate=RATE, **given)
    ours, theirs = encoder_variables(model), model.decoder.trainable_variables
    before = [v.numpy() for v in (*ours, *theirs)]
    first = _gradients(model, ours, 1)
    procedure = model.procedure
    procedure.build(model, tf.distribute.get_strategy(), run_eagerly=True)(iter([tf.constant(X)]))
    after = [v.numpy() for v in (*ours, *theirs)]
    for v, was in zip(theirs, before[len(ours) :]):
        v.assign(was)
    slopes = [*first, *_gradients(model, theirs)]
    rules = [encoder] * len(ours) + [decoder] * len(theirs)
    for was, now, slope, (rule, rate) in zip(before, after, slopes, rules):
        np.testing.assert_allclose(now - was, rule(slope, rate), atol=2e-6 + 1e-4 * rate)
        assert np.abs(now - was).max() > 0.01 * rate


def test_one_schedule_lowers_both_rates():
    """`drop`: a fifth from step 7 of 10 on."""
    model = _built(
        learning_rate=RATE,
        optimizer="sgd",
        encoder_optimizer="adam",
        encoder_learning_rate=0.01,
        aggressive_steps=1,
    )
    procedure, seen = model.procedure, []
    cycle = procedure.build(model, tf.distribute.get_strategy(), run_eagerly=True)
    for step in (0, 6, 7):
        procedure.step.assign(step)
        cycle(iter([tf.constant(X)] * 2))
        seen.append([float(procedure.optimizers[k].learning_rate) for k in ("encoder", "decoder")])
    np.testing.assert_allclose(seen, [[0.01, 0.5], [0.01, 0.5], [0.002, 0.1]], rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"encoder_optimizer": "sgd"}, "encoder_optimizer=sgd needs encoder_learning_rate"),
        ({"encoder_learning_rate": 0.0}, "'encoder_learning_rate' must be .*, got 0"),
    ],
)
def test_a_rate_that_suits_no_optimizer_is_refused(given, words):
    with pytest.raises(UserError, match=words):
        _built(**given)


@pytest.mark.parametrize(
    ("backbone", "given", "kind", "rate"),
    [
        ("lstm", {}, keras.optimizers.SGD, 1.0),
        ("lstm", {"learning_rate": 0.25}, keras.optimizers.SGD, 0.25),
        ("lstm", {"optimizer": "adam"}, keras.optimizers.Adam, 1e-3),
        ("dilated_cnn", {}, keras.optimizers.Adam, 1e-3),
        ("gated_pixelcnn", {}, keras.optimizers.Adam, 1e-3),
        ("gated_pixelcnn", {"optimizer": "sgd"}, keras.optimizers.SGD, 1e-3),
    ],
)
def test_aggressive_vae_stands_on_the_released_optimizers(backbone, given, kind, rate):
    """He et al. 2019, text.py: SGD, 1.0; image.py: Adam, 1e-3. Another one takes Adam's usual rate."""
    settings = {k: v for k, v in given.items() if k != "learning_rate"}
    fields = {k: v for k, v in given.items() if k == "learning_rate"}
    dataset, space = ("digits", BITS) if "pixel" in backbone else ("pydoc", text.Space(30, 9))
    made = plan.resolve(
        "aggressive_vae", (), settings, dataset=dataset, backbone=backbone, **fields
    )
    context = run.context(made, space)
    stage = next(assemble.stages(models.load("aggressive_vae"), context, None))
    assert [type(o) for o in stage.procedure.optimizers.values()] == [kind, kind]
    assert float(stage.procedure.learning_rate(0)) == pytest.approx(rate)


@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 1e-3), ("adam", 0.02)])
def test_the_stage_of_moments_has_a_rate_of_adam(optimizer, rate):
    """Its optimizer is Adam in any case, for which SGD's rate of 1 is a hundred times too large."""
    settings = {"optimizer": optimizer, "stages": "+moments"}
    fields = {} if optimizer == "sgd" else {"learning_rate": rate}
    made = plan.resolve("aggressive_vae", (), settings, dataset="pydoc", **fields)
    context = run.context(made, text.Space(30, 9))
    described = models.load("aggressive_vae")
    vae = assemble.model(described, context)
    stage = next(assemble.stages(described, context, vae))
    assert stage.name == "moments" and float(stage.procedure.learning_rate(0)) == pytest.approx(
        rate
    )
