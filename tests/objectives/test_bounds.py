"""The bound of many samples: against a linear Gaussian model, where log p(x) is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import linear_gaussian, models
from tfvae import objectives
from tfvae.checks import UserError
from tfvae.inference import amortised, many_samples
from tfvae.objectives import ManySampleBound, Objective
from tfvae.procedures import Joint, Update
from tfvae.randomness import seed_of

BOUND = ManySampleBound()


def exact(model, x):
    """log p(x) of each example, and the ELBO in closed form, float64 [N]."""
    kernel, bias = (v.numpy().astype(float) for v in model.decoder.trainable_variables)
    s2 = model.likelihood.variance
    centred = x.reshape(len(x), -1).astype(float) - bias
    covariance = kernel.T @ kernel + s2 * np.eye(kernel.shape[1])
    square = np.sum(centred * np.linalg.solve(covariance, centred.T).T, 1)
    log_p = -0.5 * (square + np.linalg.slogdet(2 * np.pi * covariance)[1])
    q = model.posterior(x)
    mean, scale = (v.numpy().astype(float) for v in (q.mean(), q.stddev()))
    left = np.sum((centred - mean @ kernel) ** 2, 1) + scale**2 @ np.sum(kernel**2, 1)
    distortion = 0.5 * (left / s2 + kernel.shape[1] * np.log(2 * np.pi * s2))
    rate = 0.5 * np.sum(mean**2 + scale**2 - 1 - 2 * np.log(scale), 1)
    return log_p, distortion, rate


@pytest.fixture(scope="module")
def linear():
    """The planted optimum, its q beside the posterior: (model, x, log p(x), distortion, rate).

    In each of five dimensions by sigma / sqrt 5, so that KL(q || p(z|x)) = 1/2 and Var(w) / E(w)^2 = e - 1.
    """
    model, x = linear_gaussian.planted()
    sigma = model.posterior(x[:1]).stddev()[0]
    bias = model.latent.posterior.mean_head.bias
    bias.assign(bias + sigma / np.sqrt(5.0))
    return model, x[:100], *exact(model, x[:100])


def draws(model, x, num, count):
    """`count` passes: [count, N, K] log-weights and the draws."""
    infer = many_samples(num)
    step = tf.function(lambda seed: infer(model, tf.constant(x), seed)[4:7])
    found = [step(seed_of(number)) for number in range(count)]
    return np.stack([aux["log_weights"] for _, _, aux in found]), found


def test_one_sample_is_the_elbo_more_samples_are_more_and_never_log_p(linear):
    """Means over 100 examples and some passes, within five standard errors."""
    model, x, log_p, distortion, rate = linear
    np.testing.assert_allclose(-distortion - rate - log_p, -0.5, atol=1e-4)
    found = {}
    for num, passes in ((1, 200), (5, 150), (50, 100)):
        weights, _ = draws(model, x, num, passes)
        bound = np.log(np.mean(np.exp(weights - log_p[:, None]), -1)).mean(1)
        found[num] = bound.mean(), 5 * bound.std() / np.sqrt(passes)
    assert abs(found[1][0] + 0.5) < found[1][1] < 0.1
    assert found[1][0] + found[1][1] < found[5][0] - found[5][1]
    assert found[5][0] + found[5][1] < found[50][0] - found[50][1]
    assert found[50][0] + found[50][1] < 0
    # to the first order in 1 / K the gap is Var(w) / (2 K E(w)^2)
    assert found[50][0] == pytest.approx(-(np.e - 1) / 100, abs=found[50][1])


def test_where_q_is_the_posterior_every_sample_says_log_p():
    """The planted optimum: diagonal W'W. Then w = p(x) whatever z, and the bound is tight for each K."""
    model, x = linear_gaussian.planted()
    log_p, _, _ = exact(model, x[:20])
    for num in (1, 7):
        weights, _ = draws(model, x[:20], num, 1)
        np.testing.assert_allclose(weights[0], np.repeat(log_p[:, None], num, 1), rtol=1e-4)


def test_the_term_is_the_log_of_the_mean_weight(linear):
    model, x, *_ = linear
    draw = many_samples(6)(model, tf.constant(x[:9]), seed_of(0))
    weights = draw.aux["log_weights"].numpy().astype(float)
    assert weights.shape == (9, 6)
    np.testing.assert_allclose(BOUND(draw), -np.log(np.exp(weights).mean(1)), rtol=1e-5)
    far = draw._replace(aux={"log_weights": draw.aux["log_weights"] - 5000.0})
    np.testing.assert_allclose(BOUND(far), BOUND(draw) + 5000.0, rtol=1e-6)


def test_one_sample_is_the_amortised_draw_and_more_leave_rate_and_distortion_true(linear):
    model, x, _, distortion, rate = linear
    one, plain = (f(model, tf.constant(x), seed_of(4)) for f in (many_samples(1), amortised))
    for name in ("z", "rate", "log_likelihood"):
        np.testing.assert_array_equal(getattr(one, name), getattr(plain, name))
    prior, q = (d.log_prob(plain.z) for d in (model.prior(), model.posterior(x)))
    elbo = plain.log_likelihood + prior - q
    np.testing.assert_allclose(-BOUND(one), elbo, rtol=1e-5, atol=1e-5)
    _, found = draws(model, x, 20, 10)
    rates = np.stack([rate.numpy().sum(-1) for rate, _, _ in found])
    np.testing.assert_allclose(rates, np.broadcast_to(rate, rates.shape), rtol=1e-4)
    each = np.mean([-log_likelihood.numpy() for _, log_likelihood, _ in found], 0)
    # 200 draws of each of 100 examples
    assert each.mean() == pytest.approx(distortion.mean(), rel=0.01)


@pytest.mark.parametrize("num", [1, 2])
def test_a_graph_that_knows_no_batch_size_knows_the_number_of_samples(linear, num):
    """As the last batch of an `evaluate` is traced: the bound is that of the eager call."""
    model, x, *_ = linear

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, *x.shape[1:]])])
    def traced(x):
        return BOUND(many_samples(num)(model, x, seed_of(5)))

    eager = BOUND(many_samples(num)(model, tf.constant(x[:7]), seed_of(5)))
    np.testing.assert_allclose(traced(x[:7]), eager, rtol=1e-5)


def test_its_gradient_is_that_of_differences(linear):
    """Central differences along a direction of all weights, the noise held."""
    model, x, *_ = linear
    infer, moving = many_samples(5), model.trainable_variables
    rng = np.random.default_rng(0)
    direction = [tf.constant(rng.normal(size=v.shape), tf.float32) for v in moving]

    def value():
        return tf.reduce_mean(BOUND(infer(model, tf.constant(x), seed_of(2))))

    with tf.GradientTape() as tape:
        loss = value()
    gradients = tape.gradient(loss, [v.value for v in moving])
    slope = sum(float(tf.reduce_sum(g * d)) for g, d in zip(gradients, direction))
    ends = []
    for sign in (2, -1):  # then back to 0
        for v, d in zip(moving, direction):
            v.assign_add(1e-3 * (1 if sign == 2 else -2) * d)
        ends.append(float(value()))
    for v, d in zip(moving, direction):
        v.assign_add(1e-3 * d)
    assert (ends[0] - ends[1]) / 2e-3 == pytest.approx(slope, rel=2e-2)
    assert all(float(tf.norm(g)) > 1e-3 for g in gradients)  # encoder, heads and decoder


def trained(strategy, num=3):
    with strategy.scope():
        model = models.plain()
        objective = Objective({"bound": BOUND, "rate": (0.1, objectives.rate)})
        update = Update(objective, keras.optimizers.SGD(0.02), inference=many_samples(num))
        procedure = Joint(update, seed=3)
    model.compile(procedure=procedure)
    data = tf.data.Dataset.from_tensor_slices(models.images(64)).batch(16)
    with strategy.scope():
        logs = model.fit(data, verbose=0, shuffle=False).history
    return model, {name: values[0] for name, values in logs.items()}


def test_two_replicas_equal_one_device_and_terms_stand_beside(two_replicas):
    model, logs = trained(tf.distribute.get_strategy())
    other, theirs = trained(two_replicas)
    start = models.plain().trainable_variables
    moved = [np.abs(a.numpy() - b.numpy()).max() for a, b in zip(model.trainable_variables, start)]
    assert max(moved) > 1e-3
    for a, b in zip(model.trainable_variables, other.trainable_variables):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=2e-6)
    assert logs == pytest.approx(theirs, rel=1e-4)
    assert logs["objective"] == pytest.approx(logs["term/bound"] + 0.1 * logs["rate"], rel=1e-5)
    assert logs["term/bound"] < logs["distortion"] + logs["rate"]
    found = model.evaluate(models.images(64), verbose=0, return_dict=True)
    assert found["elbo"] == pytest.approx(-found["distortion"] - found["rate"], rel=1e-5)
    assert found["elbo"] < found["bound"]
    judged = model.procedure.objective.judge(found)
    assert judged == pytest.approx(found["loss"], rel=1e-4)
    assert judged == pytest.approx(-found["bound"] + 0.1 * found["rate"], rel=1e-5)


def test_what_has_no_weights_is_refused():
    with pytest.raises(UserError, match="needs an inference that draws many"):
        BOUND(models.plain().draw(models.images(3), 0))
    for model in (models.discrete(), models.exact(), models.associative()):
        with pytest.raises(UserError, match=f"a {type(model.latent).__name__} has no such weights"):
            many_samples(3)(model, models.images(3), seed_of(0))
    with pytest.raises(UserError, match="num of many_samples must be a whole number from 1 on"):
        many_samples(0)
