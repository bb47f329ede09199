"""Discrete codes: golden values, who gets which gradient, running averages, priors over indices."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tests.frames import assert_resumed, assert_same, fitted
from tfvae.checks import UserError
from tfvae.draw import Pass
from tfvae.latents import (
    AutoregressiveCodes,
    Codebook,
    DiscreteLatent,
    Quantised,
    UniformCodes,
)
from tfvae.metrics import codebook_perplexity
from tfvae.objectives import Objective, codebook_distance, commitment, distortion, elbo
from tfvae.procedures import Joint, MovingCodebook, RestartedCodebook, Update
from tfvae.randomness import seed_of

VECTORS = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
ENCODED = np.array([[0.2, 0.1], [0.9, 0.2], [0.4, 0.7], [0.1, 0.8]], np.float32)


def _book(vectors=VECTORS, positions=None, averaged=False):
    """A codebook whose z_e are its features."""
    shape = vectors.shape[1:] if positions is None else (positions, vectors.shape[1])
    book = Codebook(shape, len(vectors), averaged)
    book.build((None, *shape))
    book.projection.kernel.assign(np.eye(vectors.shape[1]))
    book.vectors.assign(vectors)
    return book


def _latent(**arguments):
    book = _book(**arguments)
    return DiscreteLatent(book, UniformCodes(book.event_shape[:-1], book.num_codes))


def test_nearest_golden():
    found = _book().quantise(tf.constant(ENCODED))
    assert isinstance(found, Quantised)
    np.testing.assert_array_equal(found.codes, [0, 1, 2, 2])
    square = (found.encoded - found.vectors).numpy() ** 2
    assert square.mean() == pytest.approx(0.05) and square.sum(-1).mean() == pytest.approx(0.10)
    assert codebook_perplexity(np.bincount(found.codes)) == pytest.approx(2.82842712)


def test_nearest_is_that_of_all_distances():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 5)).astype(np.float32)
    encoded = rng.normal(size=(300, 7, 5)).astype(np.float32)
    found = _book(vectors, 7).quantise(tf.constant(encoded))
    distance = ((encoded[:, :, None] - vectors) ** 2).sum(-1)
    np.testing.assert_array_equal(found.codes, distance.argmin(-1))
    np.testing.assert_array_equal(found.vectors, vectors[distance.argmin(-1)])


def test_the_value_is_the_code_the_gradient_that_of_the_identity():
    latent, encoded = _latent(), tf.constant(ENCODED)
    weights = tf.constant(np.random.default_rng(1).normal(size=ENCODED.shape), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(encoded)
        posterior, z, rate, aux, _ = latent.infer(encoded, Pass.measuring())
        loss = tf.reduce_sum(weights * z**3)
    assert posterior is None
    np.testing.assert_allclose(z, VECTORS[[0, 1, 2, 2]], atol=1e-7)
    np.testing.assert_allclose(rate, np.full((4, 1), np.log(3)), rtol=1e-6)
    np.testing.assert_array_equal(aux["codes"], [0, 1, 2, 2])
    # the decoder's gradient at z_q, copied
    np.testing.assert_allclose(tape.gradient(loss, encoded), weights * 3 * z**2, rtol=1e-6)
    assert tape.gradient(loss, latent.codebook.vectors.value) is None


@pytest.mark.parametrize("positions", [None, 2])
def test_commitment_moves_the_encoder_and_the_codebook_term_the_codes(positions):
    encoded = ENCODED if positions is None else ENCODED.reshape(2, 2, 2)
    latent, encoded = _latent(positions=positions), tf.constant(encoded)
    vectors = latent.codebook.vectors.value
    for term, moves_codes in ((commitment, False), (codebook_distance, True)):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(encoded)
            inferred = latent.infer(encoded, Pass.measuring())
            draw = models.plain().draw(models.images(4), 0)._replace(aux=inferred.aux)
            value = tf.reduce_mean(term(draw))
        assert float(value) == pytest.approx(0.10)
        of_codes = tape.gradient(value, vectors)
        of_encoder = tape.gradient(value, encoded)
        assert (of_codes is not None) == moves_codes and (of_encoder is None) == moves_codes
        gap = ENCODED - VECTORS[[0, 1, 2, 2]]
        if moves_codes:
            wanted = np.stack([-gap[0], -gap[1], -gap[2] - gap[3]]) * 2 / 4
            np.testing.assert_allclose(tf.convert_to_tensor(of_codes), wanted, atol=1e-6)
        else:
            np.testing.assert_allclose(tf.reshape(of_encoder, [4, 2]), gap * 2 / 4, atol=1e-6)


def test_perplexity_of_known_usage():
    assert codebook_perplexity(np.full(512, 7)) == pytest.approx(512)
    assert codebook_perplexity([0, 9, 0]) == 1.0
    with pytest.raises(UserError, match="at least one choice"):
        codebook_perplexity([0, 0])


# ---------------------------------------------------------------- the running average


def _moving(start="random", revive_below=0.0, vectors=VECTORS, decay=0.99, kind=MovingCodebook):
    moving = kind(decay, revive_below, start)
    latent = _latent(vectors=vectors, averaged=kind is MovingCodebook)

    class Model:
        pass

    model = Model()
    model.latent = latent
    moving.build(model)
    return moving, latent.codebook


def test_running_average_golden():
    """One step from N = (1, 1, 1), m = e."""
    moving, book = _moving()
    found = book.quantise(tf.constant(ENCODED))
    moving([(found.encoded, found.codes)], tf.constant(0), seed_of(0))
    np.testing.assert_allclose(book.counts, [1, 1, 1.01], rtol=1e-6)
    wanted = [[0.002, 0.001], [0.998999967, 0.002], [0.004950495, 0.99504957]]
    np.testing.assert_allclose(book.vectors, wanted, rtol=1e-4)


def test_running_average_is_that_of_numpy_over_several_steps():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(6, 2)).astype(np.float32)
    moving, book = _moving(vectors=vectors)
    counts, sums, e = np.ones(6), vectors.astype(float), vectors.astype(float)
    for step in range(12):
        z = rng.normal(size=(30, 2)).astype(np.float32)
        found = book.quantise(tf.constant(z))
        codes = ((z[:, None] - e) ** 2).sum(-1).argmin(1)
        np.testing.assert_array_equal(found.codes, codes)
        moving([(found.encoded, found.codes)], tf.constant(step), seed_of(step))
        hot = np.eye(6)[codes]
        counts = 0.99 * counts + 0.01 * hot.sum(0)
        sums = 0.99 * sums + 0.01 * hot.T @ z
        smooth = (counts + 1e-5) / (counts.sum() + 6e-5) * counts.sum()
        e = sums / smooth[:, None]
        np.testing.assert_allclose(book.vectors, e, atol=1e-5)


@pytest.mark.parametrize("kind", [MovingCodebook, RestartedCodebook])
def test_clusters_of_the_first_batch_are_found_and_dead_codes_come_back(kind):
    """Six far clusters. k-means finds them, each code the mean of what chose it; revival alone leaves no
    code unused, though two may share a cluster; with neither all is left to one code."""
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(6, 2)).astype(np.float32) * 10
    far = np.full((6, 2), 100.0, np.float32) + np.arange(6, dtype=np.float32)[:, None]

    def points(number):
        noise = 0.1 * rng.normal(size=(number, 2))
        return (centres[rng.integers(6, size=number)] + noise).astype(np.float32)

    for start, revive, used in (("kmeans", 0.1, 6), ("random", 0.1, 6), ("random", 0.0, 1)):
        moving, book = _moving(start, revive, far, 0.9, kind)
        for step in range(100):
            batch = points(60)
            found = book.quantise(tf.constant(batch))
            moving([(found.encoded, found.codes)], tf.constant(step), seed_of(step))
            if start == "kmeans" and step == 0:
                codes = book.nearest(tf.constant(batch)).numpy()
                means = [batch[codes == k].mean(0) for k in range(6)]
                np.testing.assert_allclose(book.vectors, means, atol=1e-3)
        found = book.quantise(tf.constant(points(600)))
        assert len(set(found.codes.numpy())) == used, start
        if start == "kmeans" and kind is MovingCodebook:  # no gradient moves the other one here
            assert np.abs(found.vectors - found.encoded).max() < 1.0


def test_a_restarted_codebook_counts_as_numpy_does_and_moves_only_what_is_dead():
    """Half-life of one step; of the codes, the second is chosen in the first step alone."""
    moving, book = _moving("random", 0.1, decay=0.5, kind=RestartedCodebook)
    once, later = ENCODED[[0, 1, 2]], ENCODED[[0, 2, 0]]
    counts, died = np.ones(3), False
    for step in range(6):
        before = book.vectors.numpy()
        found = book.quantise(tf.constant(once if step == 0 else later))
        moving([(found.encoded, found.codes)], tf.constant(step), seed_of(step))
        counts = 0.5 * counts + 0.5 * np.bincount(found.codes, minlength=3)
        dead = counts < 0.1 * counts.mean()
        assert dead.sum() == dead[1]
        counts = np.where(dead, counts.mean(), counts)
        np.testing.assert_allclose(book.counts, counts, rtol=1e-6)
        np.testing.assert_array_equal(book.vectors.numpy()[~dead], before[~dead])
        if dead[1]:
            died = True
            assert (book.vectors.numpy()[1] == later).all(1).any()
    assert died


@pytest.mark.parametrize("kind", [MovingCodebook, RestartedCodebook])
def test_clusters_are_looked_for_once_in_the_life_of_a_codebook(kind):
    """Who goes on with a codebook that was trained (a new procedure, a file) leaves it where it is: the
    first step moves it as any other step would."""
    rng = np.random.default_rng(0)
    points = [rng.normal(size=(40, 2)).astype(np.float32) for _ in range(3)]
    moving, book = _moving("kmeans", 0.0, kind=kind)

    def step(moving, book, batch):
        found = book.quantise(tf.constant(batch))
        moving([(found.encoded, found.codes)], tf.constant(0), seed_of(0))
        return book.vectors.numpy(), book.counts.numpy()

    step(moving, book, points[0])
    begun, vectors = [weight.numpy() for weight in book.weights], book.vectors.numpy()
    wanted = step(moving, book, points[1])
    again, other = _moving("kmeans", 0.0, kind=kind)
    for weight, value in zip(other.weights, begun):
        weight.assign(value)
    for got, want in zip(step(again, other, points[1]), wanted):
        np.testing.assert_array_equal(got, want)
    if kind is MovingCodebook:
        assert 0 < np.abs(wanted[0] - vectors).max() < 0.1


@pytest.mark.parametrize("kind", [MovingCodebook, RestartedCodebook])
def test_a_frozen_codebook_stays(kind):
    moving, book = _moving("kmeans", 1.0, kind=kind)
    book.trainable = False
    before = [weight.numpy() for weight in book.weights]
    found = book.quantise(tf.constant(ENCODED))
    moving([(found.encoded, found.codes)], tf.constant(0), seed_of(0))
    for weight, value in zip(book.weights, before):
        np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize("averaged", [True, False])
def test_a_codebook_of_a_file_without_counts_was_trained(averaged):
    book = Codebook((2,), 3, averaged)
    book.build((None, 2))
    book.load_own_variables({"0": np.float32(VECTORS)})
    np.testing.assert_array_equal(book.vectors, VECTORS)
    np.testing.assert_array_equal(book.counts, 1)


def test_codebooks_are_told_how_they_move():
    for kind in (MovingCodebook, RestartedCodebook):
        with pytest.raises(UserError, match="start of a codebook 'kmean'.* kmeans"):
            kind(start="kmean")
        with pytest.raises(UserError, match="revive_below must be a number from 0.0 to 1.0"):
            kind(revive_below=2)
    for model in (models.plain(), models.discrete(averaged=True)):
        with pytest.raises(UserError, match=r"needs a model with a Codebook\(averaged=False\)"):
            RestartedCodebook().build(model)


def test_a_moving_codebook_wants_an_averaged_one():
    for model in (models.plain(), models.discrete(averaged=False)):
        with pytest.raises(UserError, match=r"needs a model with a Codebook\(averaged=True\)"):
            MovingCodebook().build(model)


# ---------------------------------------------------------------- priors


def test_uniform_codes_are_uniform():
    """8,000 draws of 5: chi-square of 4 degrees below 23.5, false fail 1e-4."""
    prior = UniformCodes((4,), 5)
    drawn = prior.sample(2000, seed_of(0)).numpy()
    counts = np.bincount(drawn.ravel(), minlength=5)
    assert drawn.shape == (2000, 4) and ((counts - 1600) ** 2 / 1600).sum() < 23.5


def _random(prior, seed=0):
    prior.build(None)
    rng = np.random.default_rng(seed)
    for weight in prior.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) * 0.5)
    return prior


def test_autoregressive_codes_are_a_distribution_and_causal():
    prior = _random(AutoregressiveCodes((4,), 3, (2, 2), 6, 2))
    everything = np.array(list(itertools.product(range(3), repeat=4)), np.int32)
    rates = prior.rate(everything).numpy()
    assert np.exp(-rates.sum(1)).sum() == pytest.approx(1, rel=1e-5)
    for i in range(4):  # -log p(k_i | k_<i) does not know what comes later
        groups = {}
        for codes, rate in zip(everything, rates):
            groups.setdefault(tuple(codes[: i + 1]), []).append(rate[i])
        assert all(np.ptp(group) < 1e-5 for group in groups.values())
        if i:  # and knows what came before
            last = [np.mean(g) for key, g in groups.items() if key[-1] == 0]
            assert np.ptp(last) > 1e-3


def test_draws_of_autoregressive_codes_have_its_probabilities():
    """20,000 draws of 9 outcomes: chi-square of 8 degrees below 31.8, false fail 1e-4."""
    prior = _random(AutoregressiveCodes((2,), 3, (1, 2), 5, 2), seed=1)
    everything = np.array(list(itertools.product(range(3), repeat=2)), np.int32)
    p = np.exp(-prior.rate(everything).numpy().sum(1))
    drawn = prior.sample(20000, seed_of(1)).numpy()
    counts = np.bincount(drawn[:, 0] * 3 + drawn[:, 1], minlength=9)
    assert ((counts - 20000 * p) ** 2 / (20000 * p)).sum() < 31.8


def test_one_code_has_a_learned_table():
    prior = _random(AutoregressiveCodes((), 4))
    rate = prior.rate(np.arange(4, dtype=np.int32)).numpy()
    assert rate.shape == (4, 1) and np.exp(-rate).sum() == pytest.approx(1, rel=1e-5)
    assert prior.sample(3, seed_of(0)).shape == (3,)


def test_codebook_and_prior_must_fit():
    with pytest.raises(UserError, match=r"shape \(4,\) below 6, prior UniformCodes expects \(\)"):
        DiscreteLatent(Codebook((4, 2), 6), UniformCodes((), 6))
    with pytest.raises(UserError, match="at least 2 codes, got 1"):
        Codebook((4, 2), 1)
    with pytest.raises(UserError, match=r"needs features \[B, 4, F\], got \(None, 7\)"):
        Codebook((4, 2), 6).build((None, 7))


# ---------------------------------------------------------------- models


def objective():
    return Objective({"distortion": distortion, "commitment": (0.25, commitment)})


def test_a_model_with_codes_is_a_model(tmp_path):
    model, x = models.discrete(), models.images(20)
    bound = model.elbo(x).numpy()
    np.testing.assert_allclose(model.log_prob(x, 50), bound, rtol=1e-6)
    draw = model.draw(x, 0)
    np.testing.assert_allclose(draw.rate, np.full((20, 4), np.log(6)), rtol=1e-6)
    assert model.posterior(x) is None and model.encode(x).shape == (20, 4, 3)
    assert model.sample(5, 0).shape == (5, *models.SHAPE)
    model.compile(procedure=Joint(Update(objective(), after=MovingCodebook())))
    model.fit(x, epochs=2, batch_size=10, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.elbo(x), model.elbo(x))


def test_another_prior_keeps_the_codes_and_changes_the_rate():
    model, x = models.discrete(), models.images(20)
    prior = _random(AutoregressiveCodes((4,), 6, (2, 2), 6, 2))
    other = model.with_prior(prior)
    assert other.latent.codebook is model.latent.codebook
    np.testing.assert_array_equal(other.encode(x), model.encode(x))
    codes = model.draw(x, 0).aux["codes"]
    np.testing.assert_allclose(other.draw(x, 0).rate, prior.rate(codes), rtol=1e-6)


@pytest.mark.parametrize(
    "averaged",
    [True, pytest.param(False, marks=pytest.mark.slow)],  # the same counts, restarted
)
def test_two_replicas_equal_one_device(two_replicas, averaged):
    def make():
        terms = {"distortion": distortion, "commitment": (0.25, commitment)}
        if not averaged:
            terms["codebook"] = codebook_distance
        moving = (MovingCodebook if averaged else RestartedCodebook)(0.9, 0.3)
        update = Update(Objective(terms), keras.optimizers.SGD(0.01), after=moving)
        return models.discrete(averaged=averaged), Joint(update, seed=3)

    data = tf.data.Dataset.from_tensor_slices(models.images(160)).batch(16).repeat()
    one, *_ = fitted(tf.distribute.get_strategy(), make, data, 8)
    two, *_ = fitted(two_replicas, make, data, 8)
    assert_same(one, two, rtol=1e-7, atol=5e-6)


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    def make(again):
        update = Update(objective(), "adam", after=MovingCodebook(0.9, 0.3))
        return models.discrete(seed=9 if again else 0), Joint(update, seed=1)

    data = tf.data.Dataset.from_tensor_slices(models.images(300)).batch(10).repeat()
    assert_resumed(tmp_path, make, data)


def test_the_elbo_trains_nothing_of_an_averaged_codebook():
    model = models.discrete()
    before = model.latent.codebook.vectors.numpy()
    model.compile(procedure=Joint(Update(elbo())))
    model.fit(models.images(40), batch_size=10, verbose=0)
    np.testing.assert_array_equal(before, model.latent.codebook.vectors)


@pytest.mark.parametrize("averaged", [True, False])
def test_averaged_weights_beside_a_codebook_that_moves_by_hand_are_refused(averaged):
    """The average of the encoder is steps behind, and the codebook is not."""
    keep = (MovingCodebook if averaged else RestartedCodebook)()
    update = Update(elbo(), keras.optimizers.Adam(use_ema=True), after=keep)
    with pytest.raises(
        UserError, match=f"use_ema averages .*{type(keep).__name__} moves the codebook"
    ):
        update.build(models.discrete(averaged=averaged))
