"""Refinement: golden values of a quadratic, two ways back that agree, and what it buys."""

import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import models
from tfvae import diagnosis, inference
from tfvae.checks import UserError
from tfvae.draw import Draw, Pass
from tfvae.inference import refine
from tfvae.latents import Inferred
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Update
from tfvae.randomness import batch_normal, fold, seed_of
from tfvae.schedules import Constant

tfd = tfp.distributions

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


def test_each_tensor_is_clipped_over_the_whole_batch():
    """The published loop in NumPy, f = sum 0.5 a (lambda - t)^2: two tensors, one far from its end."""
    rng = np.random.default_rng(0)
    start = [rng.normal(size=(3, 2)), 0.01 * rng.normal(size=(3, 2))]
    target = [rng.normal(size=(3, 2)) * 9, np.zeros((3, 2))]
    rates = (0.7, 1.3)

    def loss(parameters, index):
        del index
        squares = [r * (p - t) ** 2 for r, p, t in zip(rates, parameters, target)]
        return 0.5 * tf.add_n([tf.reduce_sum(s) for s in squares])

    wanted, velocity = [s.copy() for s in start], [0.0, 0.0]
    for _ in range(6):
        for i in range(2):
            slope = rates[i] * (wanted[i] - target[i])
            slope *= min(1.0, 2.0 / np.linalg.norm(slope))
            velocity[i] = 0.4 * velocity[i] - slope
            wanted[i] += 0.3 * velocity[i]
    found = refine(loss, [tf.constant(s) for s in start], 6, 0.3, 0.4, 2.0)
    for a, b in zip(found, wanted):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    np.testing.assert_array_equal(refine(loss, start, 0)[0], start[0])


class Double:
    """What `semi_amortised` asks of a VAE, in float64: two weights each side, tanh in between."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        shapes = {"to_mean": (4, 2), "to_variance": (4, 2), "out": (2, 4), "bias": (4,)}
        self.weights = {k: tf.Variable(0.7 * rng.normal(size=s)) for k, s in shapes.items()}
        w = self.weights
        self.latent = types.SimpleNamespace(
            refinable=True,
            parameters=lambda h, pass_=None: (h @ w["to_mean"], h @ w["to_variance"]),
            of=lambda mean, log_variance: tfd.Normal(mean, tf.exp(0.5 * log_variance)),
            infer_from=self.infer_from,
        )

    @staticmethod
    def encoded(x, label=None, pass_=None):
        del label, pass_
        return tf.tanh(x), {}

    @staticmethod
    def passed(seed, step=None, training=False, label=None):
        del label
        return Pass(seed, step, training)

    @staticmethod
    def infer_from(posterior, pass_):
        z = posterior.loc + posterior.scale * batch_normal(
            tf.shape(posterior.loc), pass_.seed, tf.float64
        )
        zero = tf.zeros([], tf.float64)
        rate = tfd.kl_divergence(posterior, tfd.Normal(zero, zero + 1))
        return Inferred(posterior, z, rate, {}, None)

    def score(self, x, features, inferred, seed=None, label=None):
        mean = tf.tanh(inferred.z @ self.weights["out"]) + self.weights["bias"]
        log_likelihood = -2.0 * tf.reduce_sum((x - mean) ** 2, -1)
        return Draw.of(x, features, inferred, log_likelihood)


X = np.random.default_rng(5).normal(size=(3, 4))
OPTIONS = {"steps": 4, "step_size": 0.5, "radius": 1e-4}


def _loss(model, **options):
    draw = inference.semi_amortised(**{**OPTIONS, **options})(model, X, seed_of(3))
    return -tf.reduce_mean(draw.elbo)


@tf.function
def _slopes(model, clip, method, steps=4):
    with tf.GradientTape() as tape:
        loss = _loss(model, clip_norm=clip, method=method, steps=steps)
    return tape.gradient(loss, list(model.weights.values()))


def test_the_gradient_is_that_of_the_whole_thing():
    """Central differences of the loss by each weight, float64; no clip, whose factor is a constant."""
    model = Double()
    slopes = _slopes(model, None, "exact")
    compiled = tf.function(lambda: _loss(model, clip_norm=None))
    without = _slopes(model, None, "exact", 0)
    for slope, other, v in zip(slopes, without, model.weights.values()):
        assert np.abs(slope - other).max() > 0.1 * np.abs(slope).max()  # the steps matter
        for place in np.ndindex(*v.shape):
            was, step = v.numpy(), np.zeros(v.shape)
            step[place] = 1e-5
            v.assign(was + step)
            ahead = float(compiled())
            v.assign(was - step)
            numeric = (ahead - float(compiled())) / 2e-5
            v.assign(was)
            assert slope.numpy()[place] == pytest.approx(numeric, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("clip", [None, 0.3], ids=["free", "clipped"])
def test_both_ways_back_agree_in_double_precision(clip):
    model = Double(1)
    exact, differences = (_slopes(model, clip, method) for method in inference.METHODS)
    for a, b in zip(exact, differences):
        scale = float(tf.reduce_max(tf.abs(a)))
        assert scale > 1e-3
        np.testing.assert_allclose(a, b, atol=1e-6 * scale, rtol=1e-4)


def test_refinement_lowers_what_it_is_told_to_lower():
    """f(lambda_K) < f(lambda_0) with frozen noise, example by example and with momentum."""
    model = Double(2)
    x = np.random.default_rng(6).normal(size=(20, 4))
    start = model.latent.parameters(tf.tanh(x))

    def each(parameters, index=0):
        del index
        inferred = model.infer_from(model.latent.of(*parameters), Pass.measuring(1))
        draw = model.score(x, None, inferred)
        return draw.distortion + tf.reduce_sum(draw.rate, -1)

    found = refine(lambda p, k: tf.reduce_sum(each(p, k)), start, 30, 0.02, 0.5, None)
    assert (each(found) < each(start)).numpy().all()
    once = refine(lambda p, k: tf.reduce_sum(each(p, k)), start, 1, 0.02, 0.5, None)
    assert (each(found) < each(once)).numpy().all()


def _on_keras(model, x, **options):
    infer = inference.semi_amortised(steps=3, step_size=8.0, clip_norm=None, **options)

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            draw = infer(model, x, seed_of(3), tf.constant(0))
            loss = -tf.reduce_mean(draw.elbo)
        return loss, tape.gradient(loss, [v.value for v in model.trainable_variables])

    return run()


def test_both_ways_back_agree_on_a_keras_model():
    """Float32: differences of gradients are good to a few thousandths."""
    model, x = models.plain(), tf.constant(models.images(12))
    loss, exact = _on_keras(model, x)
    other, differences = _on_keras(model, x, method="finite_difference")
    assert float(loss) == pytest.approx(float(other), rel=1e-6)
    for a, b in zip(exact, differences):
        assert a is not None and b is not None
        scale = float(tf.reduce_max(tf.abs(a)))
        np.testing.assert_allclose(a, b, atol=5e-3 * scale + 1e-6)


def test_without_steps_it_is_the_amortised_posterior():
    model, x = models.plain(), models.images(5)
    for step in (None, tf.constant(3)):
        ours = inference.semi_amortised(steps=0)(model, x, seed_of(1), step)
        theirs = inference.amortised(model, x, seed_of(1), step)
        for name in ("z", "rate", "log_likelihood", "features"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_refinement_raises_the_bound():
    """Mean ELBO of 200 draws of each of 16 images: the paired gain is far above its error."""
    model, x = models.plain(), tf.constant(models.images(16))
    infer = inference.semi_amortised(steps=20, step_size=8.0)
    better = tf.function(lambda seed: infer(model, x, seed).elbo)
    plain = tf.function(lambda seed: inference.amortised(model, x, seed).elbo)
    seeds = [seed_of(s) for s in range(200)]
    gain = np.mean([better(s) - plain(s) for s in seeds], 0)
    assert gain.mean() > 3 * gain.std(ddof=1) / 4 and gain.mean() > 0.05


def test_measuring_is_at_the_refined_posterior_and_at_weight_1():
    """While training the refinement has the weight of the step; here 0, which runs away from p(z)."""
    model, x = models.plain(), tf.constant(models.images(8))
    infer = inference.semi_amortised(5, 8.0, beta=Constant(0.0))
    always = inference.semi_amortised(5, 8.0)
    measured, other = infer(model, x, seed_of(2)), always(model, x, seed_of(2))
    np.testing.assert_array_equal(measured.posterior.mean(), other.posterior.mean())
    training = infer(model, x, seed_of(2), tf.constant(0))
    assert np.mean(training.rate) > 1.2 * np.mean(measured.rate)
    start = model.posterior(x)
    assert np.abs(measured.posterior.mean() - start.mean()).max() > 0.05
    # the rate is that of the refined posterior, in closed form
    mean, variance = measured.posterior.mean().numpy(), measured.posterior.variance().numpy()
    closed = 0.5 * (mean**2 + variance - np.log(variance) - 1)
    np.testing.assert_allclose(measured.rate, closed, rtol=1e-4, atol=1e-6)


def test_an_example_is_refined_alike_in_any_batch():
    """With the batch size of training said; the mean over the batch at hand would step by 4 / 2."""
    model, x = Double(3), tf.constant(np.random.default_rng(7).normal(size=(4, 4)))
    z = tf.constant(
        np.random.default_rng(8).normal(size=(4, 2))
    )  # noise of the example, not the row

    def means(rows, **options):
        model.latent.infer_from = lambda posterior, pass_: Inferred(
            posterior,
            posterior.loc + posterior.scale * tf.gather(z, rows),
            tfd.kl_divergence(
                posterior, tfd.Normal(tf.zeros([], tf.float64), tf.ones([], tf.float64))
            ),
            {},
            None,
        )
        infer = inference.semi_amortised(3, 0.5, clip_norm=None, **options)
        return infer(model, tf.gather(x, rows), seed_of(1)).posterior.loc.numpy()

    whole, part = [0, 1, 2, 3], [2, 3]
    np.testing.assert_allclose(means(whole, batch_size=4), means(whole), rtol=1e-12)
    np.testing.assert_allclose(
        means(whole, batch_size=4)[2:], means(part, batch_size=4), rtol=1e-12
    )
    assert np.abs(means(whole)[2:] - means(part)).max() > 1e-2


def test_evaluate_measures_what_was_trained():
    """`evaluate` refines with the procedure's inference."""
    model, x = models.plain(), models.images(16)
    infer = inference.semi_amortised(3, 40.0)
    model.compile(procedure=Joint(Update(elbo(), "sgd", inference=infer)))
    found = model.evaluate(x, batch_size=16, verbose=0, return_dict=True)
    wanted = infer(model, x, fold(seed_of(20260), 0))
    assert found["elbo"] == pytest.approx(np.mean(wanted.elbo), rel=1e-5)
    assert found["rate"] == pytest.approx(np.sum(wanted.rate) / 16, rel=1e-5)
    measured, told = diagnosis.measure(model, x), diagnosis.measure(model, x, inference=infer)
    assert measured == told
    plain = inference.amortised(model, x, fold(seed_of(20260), 0))
    assert abs(found["rate"] - np.sum(plain.rate) / 16) > 0.01


@pytest.mark.parametrize(
    "arguments",
    [{"steps": -1}, {"steps": 1.5}, {"step_size": -1}, {"momentum": 2}, {"clip_norm": 0}, {"method": "x"},
     {"radius": -1}, {"batch_size": 0}],
    ids=str,
)  # fmt: skip
def test_what_is_out_of_range_is_refused_before_it_is_called(arguments):
    with pytest.raises(
        UserError, match=f"{'gradient' if 'method' in arguments else [*arguments][0]}"
    ):
        inference.semi_amortised(**arguments)


@pytest.mark.parametrize(
    "infer",
    [
        inference.amortised,
        inference.code_only,
        inference.encoder_only,
        inference.enumerated,
        inference.clamped([1]),
        inference.many_samples(2),
        inference.semi_amortised(2),
    ],
    ids=lambda infer: infer.__qualname__.split(".")[0],
)
def test_each_inference_says_whether_it_refines(infer):
    """One of somebody else's that does not may: it is measured by its own posterior."""
    assert inference.refines(infer) == infer.refines == hasattr(infer, "refinement")
    assert inference.refines(lambda *given: infer(*given))


def test_noise_is_fresh_in_each_step_and_kept_for_the_way_back():
    seen = {}

    def loss(parameters, index):
        noise = batch_normal([2], fold(seed_of(0), index), tf.float64)
        seen.setdefault(int(index), []).append(noise.numpy())
        return tf.reduce_sum(noise * parameters[0] ** 2)

    start = tf.ones([2], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(start)
        end = refine(loss, [start], 3, 0.1, 0.0, None, "finite_difference")[0]
    tape.gradient(end, start)
    first = [found[0] for _, found in sorted(seen.items())]
    assert len(first) == 3 and len({tuple(noise) for noise in first}) == 3
    for found in seen.values():
        assert len(found) == 4  # forward; backward, with one ahead and one behind
        np.testing.assert_array_equal(found, [found[0]] * 4)


@pytest.mark.parametrize("step", [None, 0], ids=["measuring", "training"])
def test_each_step_has_noise_of_its_own_and_the_last_draw_that_of_the_seed(step):
    model, drawn, trained = Double(), [], []
    infer_from, score = model.infer_from, model.score

    def spy(posterior, pass_):
        drawn.append(tuple(pass_.seed.numpy()))
        return infer_from(posterior, pass_)

    def listen(x, features, inferred, seed=None, label=None):
        trained.append(seed if seed is None else tuple(seed.numpy()))
        return score(x, features, inferred, seed)

    model.latent.infer_from, model.score = spy, listen
    one = tf.ones([], tf.float64)  # a schedule in double precision
    inference.semi_amortised(3, 0.1, beta=lambda at: one)(model, X, seed_of(7), step)
    assert len(drawn) == 4 == len(set(drawn)) and drawn[-1] == tuple(seed_of(7).numpy())
    assert trained == ([None] * 4 if step is None else drawn)


def test_the_code_alone_gives_the_encoder_no_gradient():
    model, x = models.plain(), models.images(5)
    with tf.GradientTape() as tape:
        draw = inference.code_only(model, x, seed_of(1), 0)
        loss = tf.reduce_sum(draw.rate)
    assert draw.log_likelihood is None
    np.testing.assert_array_equal(draw.z, inference.amortised(model, x, seed_of(1)).z)
    slopes = tape.gradient(loss, [v.value for v in model.encoder.trainable_variables])
    assert all(slope is None for slope in slopes)


def test_the_encoder_alone_has_the_gradient_of_its_codes_and_no_likelihood():
    model, x = models.plain(), models.images(5)
    slopes = []
    for way in (inference.encoder_only, inference.amortised):
        with tf.GradientTape() as tape:
            draw = way(model, x, seed_of(1), 0)
            loss = tf.reduce_sum(draw.rate + draw.z**2)
        slopes.append(tape.gradient(loss, [v.value for v in model.encoder.trainable_variables]))
    for alone, whole in zip(*slopes):
        np.testing.assert_array_equal(alone, whole)
        assert np.any(alone)
    assert inference.encoder_only(model, x, seed_of(1), 0).log_likelihood is None
    measured = inference.encoder_only(model, x, seed_of(1))
    np.testing.assert_array_equal(
        measured.log_likelihood, inference.amortised(model, x, seed_of(1)).log_likelihood
    )


def test_an_unknown_way_back_is_refused():
    with pytest.raises(UserError, match="did you mean finite_difference"):
        refine(lambda p, k: p[0], [tf.zeros([1])], 1, method="finite_differences")
