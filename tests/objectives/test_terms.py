"""The terms of the objective: published values, NumPy, gradients, and shares of replicas."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import models
from tfvae.checks import UserError
from tfvae.distributions import OneHot, SideBySide
from tfvae.draw import Draw
from tfvae.objectives import (
    FREE_BITS_FORMS,
    BagOfWords,
    Capacity,
    CategoryLikelihood,
    Objective,
    cosine_similarity,
    distortion,
    elbo,
    free_bits,
    rate,
)
from tfvae.schedules import Constant, Linear

tfd = tfp.distributions
KL = np.array([[0.1, 0.6], [0.3, 0.2]], np.float32)
# the fixture of the methods page: means and log-variances of four examples in two dimensions
MEAN = np.array([[0.5, -1.0], [1.5, 0.25], [-0.75, 0.8], [0.0, -0.4]])
LOG_VARIANCE = np.array([[-1.0, -0.5], [-2.0, 0.0], [-0.3, -1.2], [-0.8, -0.1]])
RATE = (0.5 * (MEAN**2 + np.exp(LOG_VARIANCE) - LOG_VARIANCE - 1)).astype(np.float32)
VECTORS = np.array([[1, 2, 0], [0, 1, 1], [2, 0, -1], [1, 1, 1]], np.float32)
ROWS = np.random.default_rng(0).gamma(1.0, 0.5, (8, 6)).astype(np.float32)


def draw(kl=KL, features=None, z=None, batch=None, log_likelihood=None):
    """A record of which the terms read a part."""
    kl = tf.convert_to_tensor(kl)
    zeros = tf.zeros(tf.shape(kl)[0])
    return Draw(
        batch, features, None, z, kl, zeros if log_likelihood is None else log_likelihood, {}
    )


def mean(term, **parts):
    return float(tf.reduce_mean(term(draw(**parts))))


@pytest.mark.parametrize(
    "floor, form, golden",
    [
        (0.25, "example_group", 0.70),
        (0.25, "batch_group", 0.65),
        (0.50, "example_total", 0.60),
        (0.75, "batch_total", 0.75),
    ],
)
def test_free_bits_golden(floor, form, golden):
    assert mean(free_bits(floor, form)) == pytest.approx(golden, rel=1e-6)


@pytest.mark.parametrize(
    "floor, form, golden",
    [
        (0.5, "batch_group", 1.106983),
        (0.9, "batch_group", 1.8),
        (3.0, "batch_total", 3.0),
        (0.5, "example_group", 1.329133),
    ],
)
def test_free_bits_golden_of_the_fixture(floor, form, golden):
    assert RATE.sum(1).mean() == pytest.approx(0.916365525, rel=1e-6)
    assert mean(free_bits(floor, form), kl=RATE) == pytest.approx(golden, rel=1e-6)


def oracle(kl, floor, form):
    """The published formula, NumPy."""
    return {
        "batch_group": lambda: np.maximum(floor, kl.mean(0)).sum(),
        "example_group": lambda: np.maximum(floor, kl).sum(1).mean(),
        "example_total": lambda: np.maximum(floor, kl.sum(1)).mean(),
        "batch_total": lambda: np.maximum(floor, kl.sum(1).mean()),
    }[form]()


def value_and_gradient(term, kl, **parts):
    kl = tf.constant(kl)
    with tf.GradientTape() as tape:
        tape.watch(kl)
        value = tf.reduce_mean(term(draw(kl, **parts)))
    return float(value), tape.gradient(value, kl, unconnected_gradients="zero").numpy()


@pytest.mark.parametrize("form", FREE_BITS_FORMS)
@pytest.mark.parametrize("floor", [0.1, 0.48, 0.55, 2.5, 3.2])
def test_free_bits_and_their_slope_are_those_of_the_formula(form, floor):
    value, slope = value_and_gradient(free_bits(floor, form), ROWS)
    kl = ROWS.astype(float)
    assert value == pytest.approx(oracle(kl, floor, form), rel=1e-6)
    numeric, step = np.zeros_like(kl), 1e-5
    for place in itertools.product(*map(range, kl.shape)):
        for sign in (1, -1):
            moved = kl.copy()
            moved[place] += sign * step
            numeric[place] += sign * oracle(moved, floor, form) / (2 * step)
    np.testing.assert_allclose(slope, numeric, atol=1e-6)


@pytest.mark.parametrize("form", FREE_BITS_FORMS)
def test_below_the_floor_nothing_is_paid_and_nothing_pushes(form):
    value, slope = value_and_gradient(free_bits(50.0, form), ROWS)
    assert value == (300.0 if form.endswith("group") else 50.0)
    np.testing.assert_array_equal(slope, 0.0)


def test_free_bits_of_joined_groups():
    joined = ROWS.reshape(8, 2, 3).sum(-1)
    for form in FREE_BITS_FORMS:
        found = mean(free_bits(1.4, form, groups=2), kl=ROWS)
        assert found == pytest.approx(oracle(joined, 1.4, form), rel=1e-6)
    with pytest.raises(UserError, match="divide the latent's 6 groups, got 4"):
        free_bits(1.0, groups=4)(draw(ROWS))


@pytest.mark.parametrize("form", FREE_BITS_FORMS)
def test_a_floor_of_zero_is_the_rate_even_where_an_estimate_is_negative(form):
    noisy = ROWS - 1.0
    value, slope = value_and_gradient(free_bits(0.0, form), noisy)
    wanted, flat = value_and_gradient(rate, noisy)
    assert value == wanted
    np.testing.assert_array_equal(slope, flat)


def test_free_bits_refuse_what_they_do_not_know():
    with pytest.raises(UserError, match="did you mean batch_group"):
        free_bits(0.1, "batch_groups")
    with pytest.raises(UserError, match="floor of free bits must be .* got -0.1"):
        free_bits(-0.1)


@pytest.mark.parametrize(
    "target, golden", [(0.0, 916.365525), (1.0, 83.634475), (2.0, 1083.634475)]
)
def test_capacity_golden(target, golden):
    objective = Objective({"capacity": (1000.0, Capacity(Constant(target)))})
    loss, logs = objective(draw(RATE), tf.constant(0))
    assert float(loss) == pytest.approx(golden, rel=1e-5)
    assert float(logs["rate"]) == pytest.approx(0.916365525, rel=1e-6)


def test_capacity_takes_the_absolute_value_after_the_mean_and_reads_the_step():
    """Examples on both sides of C: each is pushed the way of the mean."""
    term = Capacity(Linear(0.0, 2.0, 10))
    for step, sign in ((0, 1.0), (2, 1.0), (9, -1.0), (90, -1.0)):
        at = tf.constant(step)
        value, slope = value_and_gradient(lambda d, at=at: term(d, at), RATE)
        assert value == pytest.approx(abs(0.916365525 - min(2.0, 0.2 * step)), rel=1e-5)
        np.testing.assert_allclose(slope, sign / 4, rtol=1e-6)


def test_cosine_golden():
    kl = np.zeros((4, 1), np.float32)
    assert mean(cosine_similarity, kl=kl, features=VECTORS) == pytest.approx(0.427586651, rel=1e-6)
    assert mean(cosine_similarity, kl=kl[:1], features=VECTORS[:1]) == pytest.approx(0, abs=1e-6)


def test_cosine_and_its_slope_are_those_of_all_pairs():
    features = np.random.default_rng(1).normal(size=(5, 2, 3)).astype(np.float32)

    def pairs(g):
        unit = g.reshape(5, -1) / np.linalg.norm(g.reshape(5, -1), axis=1, keepdims=True)
        return sum(unit[i] @ unit[j] for i, j in itertools.permutations(range(5), 2)) / 20

    at = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = tf.reduce_mean(cosine_similarity(draw(np.zeros((5, 1), np.float32), features=at)))
    slope, exact = tape.gradient(value, at).numpy(), features.astype(float)
    assert float(value) == pytest.approx(pairs(exact), rel=1e-5)
    for place in itertools.product(*map(range, features.shape)):
        ahead, behind = exact.copy(), exact.copy()
        ahead[place] += 1e-5
        behind[place] -= 1e-5
        assert slope[place] == pytest.approx((pairs(ahead) - pairs(behind)) / 2e-5, abs=1e-6)


SENTENCES = np.array([[4, 4, 5, 6, 0, 0], [7, 5, 2, 0, 0, 0]], np.int32)


def _bag(vocabulary=8, seed=0):
    bag = BagOfWords(vocabulary, units=5)
    model = models.plain()
    bag.build(model)
    rng = np.random.default_rng(seed)
    for v in bag.trainable_variables:
        v.assign(rng.normal(size=v.shape))
    return bag


def _bow(bag, tokens, z=None):
    z = np.random.default_rng(2).normal(size=(len(tokens), 3)) if z is None else z
    return bag(
        draw(np.zeros((len(tokens), 1), np.float32), z=tf.constant(z, tf.float32), batch=tokens)
    )


def test_bag_of_words_is_the_formula_and_knows_no_order():
    bag, rng = _bag(), np.random.default_rng(2)
    z = rng.normal(size=(2, 3)).astype(np.float32)
    kernel, bias, out, out_bias = (v.numpy().astype(float) for v in bag.trainable_variables)
    logits = np.tanh(z @ kernel + bias) @ out + out_bias
    log_probs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    wanted = [-sum(log_probs[b, t] for t in row if t) for b, row in enumerate(SENTENCES)]
    found = _bow(bag, SENTENCES, z).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    mixed = np.array([[5, 6, 4, 4, 0, 0], [2, 7, 5, 0, 0, 0]], np.int32)
    np.testing.assert_allclose(_bow(bag, mixed, z), found, rtol=1e-6)
    padded = np.pad(SENTENCES, [(0, 0), (0, 9)])
    # a longer sum of the same numbers is grouped otherwise on some processors: the last bit may differ
    np.testing.assert_allclose(_bow(bag, padded, z), found, rtol=1e-6)


def test_least_bag_of_words_is_the_entropy_of_the_counts():
    """T H(counts / T) = 4 ln 4 - 2 ln 2 for counts (2, 1, 1), reached by the head's bias alone."""
    bag = _bag()
    tokens, z = np.array([[4, 5, 4, 6]], np.int32), np.zeros((1, 3))
    for v in bag.trainable_variables:
        v.assign(tf.zeros_like(v))
    bias = bag.trainable_variables[-1]
    assert float(_bow(bag, tokens, z)[0]) == pytest.approx(4 * np.log(8), rel=1e-6)
    bias.assign(np.log([1e-30, 1e-30, 1e-30, 1e-30, 0.5, 0.25, 0.25, 1e-30]))
    with tf.GradientTape() as tape:
        least = _bow(bag, tokens, z)[0]
    assert float(least) == pytest.approx(4.158883083, rel=1e-7)
    np.testing.assert_allclose(tape.gradient(least, bias.value), 0.0, atol=1e-6)


def test_bag_of_words_reaches_the_encoder_and_its_head_and_no_decoder():
    model, bag = models.plain(), BagOfWords(4, units=5)
    objective = Objective({"bag": bag})
    objective.build(model)
    x = models.images(6)
    tokens = tf.constant(np.random.default_rng(0).integers(0, 4, (6, 5)))
    with tf.GradientTape(persistent=True) as tape:
        found = model.draw(x, 0)
        loss, logs = objective(found._replace(batch=tokens), tf.constant(0))
    for v in model.decoder.trainable_variables:
        assert tape.gradient(loss, v.value) is None
    for v in (*model.encoder.trainable_variables, *objective.trainable_variables):
        assert float(tf.reduce_max(tf.abs(tape.gradient(loss, v.value)))) > 1e-6
    # the reported bound knows nothing of it
    np.testing.assert_allclose(logs["distortion"] + logs["rate"], -np.mean(found.elbo), rtol=1e-6)
    assert len(objective.trainable_variables) == 4
    held = objective.state()  # a checkpoint has the head
    assert [held[f"weight_{i}"] is v.value for i, v in enumerate(bag.trainable_variables)] == [
        True
    ] * 4


def test_the_true_rate_is_logged_whatever_is_paid():
    terms = {"distortion": (0.5, distortion), "free": (2.0, free_bits(0.25, "example_group"))}
    likelihood = tf.constant([-3.0, -5.0])
    loss, logs = Objective(terms)(draw(log_likelihood=likelihood), tf.constant(0))
    logs = {name: float(value) for name, value in logs.items()}
    assert logs["rate"] == pytest.approx(0.6) and logs["distortion"] == pytest.approx(4.0)
    assert logs["term/free"] == pytest.approx(0.7) and logs["weight/free"] == 2.0
    assert float(loss) == pytest.approx(0.5 * 4.0 + 2.0 * 0.7) == logs["objective"]


def test_an_objective_refuses_names_of_the_logs_and_what_is_no_term():
    with pytest.raises(UserError, match="no term may be called 'elbo'"):
        Objective({"elbo": rate})
    with pytest.raises(UserError, match="term 'rate' must map a Draw to nats, got 3.0"):
        Objective({"rate": 3.0})
    with pytest.raises(UserError, match="at least one term"):
        Objective({})


def _shares(objective, strategy, kl, features, likelihood):
    """Loss, logs and gradients of one device, or added up over the strategy's replicas."""

    def share(kl, features, likelihood, count, replicas):
        with tf.GradientTape() as tape:
            tape.watch([kl, features])
            parts = draw(kl, features=features, log_likelihood=likelihood)
            loss, logs = objective(parts, tf.constant(3), count, replicas)
        return logs, *tape.gradient(loss, [kl, features], unconnected_gradients="zero")

    if strategy is None:
        return share(*map(tf.constant, (kl, features, likelihood)), len(kl), 1)

    def rows(array):
        half = len(array) // 2 - 1  # replicas of different sizes
        cut = [tf.constant(array[:half]), tf.constant(array[half:])]
        return strategy.experimental_distribute_values_from_function(
            lambda context: cut[context.replica_id_in_sync_group]
        )

    parts = [rows(a) for a in (kl, features, likelihood)]
    logs, *slopes = strategy.run(share, (*parts, len(kl), 2))
    logs = {k: strategy.reduce("SUM", v, axis=None) for k, v in logs.items()}
    return logs, *(tf.concat(strategy.experimental_local_results(s), 0) for s in slopes)


@pytest.mark.parametrize(
    "name, term",
    [
        *((form, free_bits(0.48, form)) for form in FREE_BITS_FORMS[:2]),
        *((form, free_bits(2.98, form)) for form in FREE_BITS_FORMS[2:]),
        ("cosine", cosine_similarity),
        ("capacity", Capacity(Linear(0.0, 5.0, 5))),
        ("scalar", lambda d: tf.constant(1.5)),
    ],
)
def test_shares_of_replicas_add_up_to_one_device(two_replicas, name, term):
    features = np.random.default_rng(3).normal(size=(8, 4)).astype(np.float32)
    likelihood = np.random.default_rng(4).normal(size=8).astype(np.float32)
    objective = Objective({"distortion": distortion, "rate": (0.1, rate), "own": (0.7, term)})
    # the floor lies between the means of some groups, and of the replicas
    one = _shares(objective, None, ROWS, features, likelihood)
    two = _shares(objective, two_replicas, ROWS, features, likelihood)
    assert set(one[0]) == set(two[0]) >= {"term/own", "weight/own", "objective"}
    for key in one[0]:
        assert float(one[0][key]) == pytest.approx(float(two[0][key]), rel=2e-6, abs=1e-6), key
    for a, b in zip(one[1:], two[1:]):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_the_elbo_is_the_sum_of_its_two_terms():
    likelihood = tf.constant([-3.0, -5.0])
    for beta, wanted in ((1.0, 4.6), (0.0, 4.0), (Linear(0.0, 1.0, 4), 4.3)):
        loss, _ = elbo(beta)(draw(log_likelihood=likelihood), tf.constant(2))
        assert float(loss) == pytest.approx(wanted, rel=1e-6)


# ------------------------------------------------------------------ codes of categories


def _categorised(logits, label=None):
    """A draw of one category and two numbers, whose rate is made up."""
    normal = tfd.Independent(tfd.Normal(tf.zeros([len(logits), 2]), 1.0), 1)
    posterior = SideBySide([OneHot(logits), normal])
    nats = tf.constant(np.arange(3 * len(logits)).reshape(-1, 3), tf.float32)
    z = tf.zeros([len(logits), logits.shape[1] + 2])
    return Draw(None, None, posterior, z, nats, tf.zeros(len(logits)), {}, label=label)


def test_a_capacity_of_some_groups_reads_these_alone():
    draw = _categorised(np.zeros((4, 3), "float32"))  # rates 0..2, 3..5, 6..8, 9..11
    first = Capacity(Constant(1.0), "categories", slice(1))
    rest = Capacity(Constant(1.0), "numbers", slice(1, None))
    assert float(tf.reduce_mean(first(draw, 0))) == pytest.approx(abs(4.5 - 1.0))
    assert float(tf.reduce_mean(rest(draw, 0))) == pytest.approx(abs(12.0 - 1.0))
    np.testing.assert_allclose(first.measured(draw)["rate_of_categories"], [0, 3, 6, 9])
    assert rest.of_means({"rate_of_numbers": 4.0, "rate": 9.0}) == 3.0
    assert Capacity(Constant(1.0)).measured(draw) == {}


def test_a_labelled_category_costs_its_cross_entropy_and_nothing_where_it_is_unknown():
    logits = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    draw = _categorised(logits, tf.constant([2, -1, 0, 1]))
    found = CategoryLikelihood()(draw)
    log_pi = np.log(np.exp(logits) / np.exp(logits).sum(1, keepdims=True))
    np.testing.assert_allclose(found, [-log_pi[0, 2], 0.0, -log_pi[2, 0], -log_pi[3, 1]], atol=1e-6)
    correct, counts = CategoryLikelihood().measured(draw)["category_accuracy"]
    right = [float(logits[i].argmax() == k) for i, k in ((0, 2), (2, 0), (3, 1))]
    np.testing.assert_allclose(np.asarray(correct)[[0, 2, 3]], right)
    np.testing.assert_array_equal(counts, [1.0, 0.0, 1.0, 1.0])
    with pytest.raises(UserError, match="begins with a category"):
        CategoryLikelihood()(draw._replace(posterior=draw.posterior.parts[1]))
