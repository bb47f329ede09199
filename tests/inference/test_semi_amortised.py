"""Refinement: golden values of a quadratic, two ways back that agree, and what it buys."""

import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tfvae import inference
from tfvae.inference import refine
from tfvae.randomness import seed_of

# A = 0.3, a = 2, alpha = 1, gamma = 0.5, lambda_0 = 0; the methods page, section 5
REFINED = {1: 0.6, 2: 1.32, 5: 2.29896, 20: 2.000211394}
SLOPE = {1: 0.7, 2: 0.34, 5: -0.14948, 20: -1.05697e-4}


def _quadratic(steps, method, target=None):
    curvature = tf.Variable(0.3, dtype=tf.float64)
    start = tf.zeros([1], tf.float64)

    def loss(parameters, index):
        del index
        return 0.5 * curvature * tf.reduce_sum((parameters[0] - 2.0) ** 2)

    with tf.GradientTape() as tape:
        tape.watch(start)
        refined = refine(loss, [start], steps, 1.0, 0.5, None, method, radius=1e-3)[0]
        out = refined if target is None else target(refined, curvature)
    return refined, tape.gradient(out, [start, curvature])


@pytest.mark.parametrize("method", inference.METHODS)
@pytest.mark.parametrize("steps", [1, 2, 5, 20])
def test_the_quadratic_of_the_page(steps, method):
    refined, (slope, _) = _quadratic(steps, method)
    assert float(refined[0]) == pytest.approx(REFINED[steps], rel=1e-6)
    assert float(slope[0]) == pytest.approx(SLOPE[steps], rel=1e-5)


@pytest.mark.parametrize("method", inference.METHODS)
@pytest.mark.parametrize(
    "steps, value, by_start, by_curvature",
    [(2, 0.06936, -0.06936, -0.7752), (5, 0.01340656224, -0.01340656224, 0.1474470721)],
)
def test_gradients_through_the_loop_reach_start_and_weights(
    method, steps, value, by_start, by_curvature
):
    def objective(refined, curvature):
        return 0.5 * tf.stop_gradient(curvature) * tf.reduce_sum((refined - 2.0) ** 2)

    refined, (start, curvature) = _quadratic(steps, method, objective)
    assert 0.15 * float(refined[0] - 2.0) ** 2 == pytest.approx(value, rel=1e-8)
    assert float(start[0]) == pytest.approx(by_start, rel=1e-8)
    assert float(curvature) == pytest.approx(by_curvature, rel=1e-5)


def _gradients(model, x, **options):
    infer = inference.semi_amortised(steps=4, step_size=8.0, **options)

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            draw = infer(model, x, seed_of(3), tf.constant(0))
            loss = -tf.reduce_mean(draw.elbo)
        return loss, tape.gradient(loss, [v.value for v in model.trainable_variables])

    return run()


def test_both_ways_back_agree_on_a_model():
    model, x = models.plain(), tf.constant(models.images(12))
    loss, exact = _gradients(model, x, clip_norm=None)
    other, differences = _gradients(model, x, clip_norm=None, method="finite_difference")
    assert float(loss) == pytest.approx(float(other), rel=1e-6)
    for a, b in zip(exact, differences):
        assert a is not None and b is not None
        scale = float(tf.reduce_max(tf.abs(a)))
        np.testing.assert_allclose(a, b, atol=5e-3 * scale + 1e-6)


def test_the_gradient_is_that_of_the_whole_thing():
    """Central differences of the loss along a random direction of all weights, float32."""
    model, x = models.plain(), tf.constant(models.images(12))
    _, gradients = _gradients(model, x, clip_norm=None)
    rng = np.random.default_rng(0)
    ways = [rng.normal(size=v.shape).astype("float32") for v in model.trainable_variables]
    along = sum(float(tf.reduce_sum(g * w)) for g, w in zip(gradients, ways))
    values = []
    for sign in (1.0, -1.0):
        for v, w in zip(model.trainable_variables, ways):
            v.assign_add(sign * 1e-3 * w)
        values.append(float(_gradients(model, x, clip_norm=None)[0]))
        for v, w in zip(model.trainable_variables, ways):
            v.assign_sub(sign * 1e-3 * w)
    assert (values[0] - values[1]) / 2e-3 == pytest.approx(along, rel=2e-2)


def test_without_steps_it_is_the_amortised_posterior():
    model, x = models.plain(), models.images(5)
    none = inference.semi_amortised(steps=0)(model, x, seed_of(1))
    features = model.encoder(model.likelihood.preprocess(x))
    np.testing.assert_array_equal(none.posterior.mean(), model.posterior(x).mean())
    np.testing.assert_array_equal(none.features, features)


def test_refinement_raises_the_bound():
    """Mean ELBO of 200 draws of each of 16 images: the paired gain is far above its error."""
    model, x = models.plain(), tf.constant(models.images(16))
    infer = inference.semi_amortised(steps=20, step_size=8.0)
    refined = [infer(model, x, seed_of(s)).elbo for s in range(200)]
    amortised = [inference.amortised(model, x, seed_of(s)).elbo for s in range(200)]
    gain = np.mean(refined, 0) - np.mean(amortised, 0)
    assert gain.mean() > 3 * gain.std(ddof=1) / 4 and gain.mean() > 0.05
