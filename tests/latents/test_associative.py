"""A memory of codes: who is near to whom, what a neighbour's prior costs, and what is written when."""

import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import zoo
from tests import models
from tests.frames import assert_resumed, assert_same, fitted
from tfvae import diagnosis, distributions
from tfvae.checks import UserError
from tfvae.daydream import daydream
from tfvae.draw import Pass
from tfvae.latents import (
    AutoregressivePrior,
    CodeMemory,
    FixedScalePosterior,
    NeighbourPrior,
    StandardNormalPrior,
    memory,
)
from tfvae.objectives import elbo
from tfvae.procedures import Joint, KeepBest, Update, WriteCodes
from tfvae.randomness import seed_of
from tfvae.training import RunDirectory, train


def _memory(codes):
    made = CodeMemory(*codes.shape)
    made.build()
    made.codes.assign(codes)
    return made


@pytest.mark.parametrize("chunk", [7, 50, 1000])
def test_neighbours_are_those_of_brute_force(monkeypatch, chunk):
    """Over several chunks, and never an example's own row."""
    monkeypatch.setattr(memory, "_CHUNK", chunk)
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(100, 5)).astype(np.float32) * [1, 2, 3, 1, 1] + 4
    own = rng.integers(100, size=30).astype(np.int32)
    asked = codes[own] + 0.05 * rng.normal(size=(30, 5)).astype(np.float32)
    asked[:5] += 9  # whose own code is far from the nearest
    distance = ((asked[:, None] - codes) ** 2).sum(-1)
    found = _memory(codes).nearest(asked.astype(np.float32), 6).numpy()
    np.testing.assert_array_equal(found, distance.argsort(1)[:, :6])
    distance[np.arange(30), own] = np.inf
    found = _memory(codes).nearest(asked.astype(np.float32), 6, own).numpy()
    np.testing.assert_array_equal(found, distance.argsort(1)[:, :6])


def test_a_memory_too_small_is_refused():
    with pytest.raises(UserError, match="3 neighbours of an example need a memory of more than 3"):
        _memory(np.zeros((3, 2), np.float32)).nearest(tf.zeros([1, 2]), 3, tf.constant([0]))
    with pytest.raises(UserError, match="5 neighbours need a memory of more codes, got 5"):
        NeighbourPrior((2,), 5)


def _gaussian(event_shape, scale=1.0):
    """N(c', scale^2 I)."""
    prior = NeighbourPrior(event_shape, 9, units=4, num_layers=1, num_components=1)
    prior.build()
    bias = np.zeros(prior.head.bias.shape, np.float32)
    bias[2 * len(bias) // 3 :] = 3 * np.arctanh(np.log(scale) / 3)
    prior.head.bias.assign(bias)
    return prior


def test_rate_golden():
    """KL(N(.8, 1) || N(.5, 1.3^2)) = .08484947."""
    q = FixedScalePosterior((1,)).of(tf.constant([[0.8]]), tf.zeros([1, 1]))
    rate = distributions.rate(q, _gaussian((1,), 1.3).near(tf.constant([[0.5]])), None).nats
    assert float(rate[0, 0]) == pytest.approx(0.08484947, rel=1e-5)


def test_the_best_scale_of_a_prior_that_passes_the_neighbour_on():
    """s^2 = 1 + mean square / D = 1.25 for 16 numbers at a square distance of 4: 1.78514841 nats."""
    q = FixedScalePosterior((16,)).of(tf.fill([1, 16], 0.5), tf.zeros([1, 16]))

    def cost(square):
        rate = distributions.rate(
            q, _gaussian((16,), square**0.5).near(tf.zeros([1, 16])), None
        ).nats
        return float(tf.reduce_sum(rate))

    assert cost(1.25) == pytest.approx(1.78514841, rel=1e-5)
    assert cost(1.25) < min(cost(1.24), cost(1.26))


def test_the_cost_of_a_mixture_golden():
    """q = N(.8, 1), p = .3 N(0, 1) + .7 N(1, 1.2^2): .04463006, by quadrature over the draw."""
    prior = NeighbourPrior((1,), 9, units=4, num_layers=1, num_components=2)
    prior.build()
    stretch = [0.0, 3 * np.arctanh(np.log(1.2) / 3)]
    prior.head.bias.assign(np.concatenate([np.log([0.3, 0.7]), [0.0, 1.0], stretch]))
    z = np.linspace(-8, 9, 3401, dtype=np.float32)[:, None]
    q = FixedScalePosterior((1,)).of(tf.fill([len(z), 1], 0.8), tf.zeros([len(z), 1]))
    cost = distributions.rate(q, prior.near(tf.zeros([len(z), 1])), tf.constant(z)).nats.numpy()[
        :, 0
    ]
    weight = stats.norm.pdf(z[:, 0], 0.8, 1) * (z[1, 0] - z[0, 0])
    assert (cost * weight).sum() == pytest.approx(0.04463006, rel=1e-4)
    # the density itself, against SciPy
    wanted = 0.3 * stats.norm.pdf(z, 0, 1) + 0.7 * stats.norm.pdf(z, 1, 1.2)
    density = np.exp(prior.near(tf.zeros([len(z), 1])).log_prob(z))
    np.testing.assert_allclose(density, wanted[:, 0], rtol=1e-4)


@pytest.mark.statistical
def test_each_of_the_neighbours_is_taken_as_often():
    """8,000 choices of 4: chi-square of 3 degrees below 21.1, false fail 1e-4."""
    model = models.associative(num_neighbours=4)
    prior = model.latent.prior
    chosen = prior.neighbour(tf.zeros([8000, 3]), seed_of(0))
    rows = np.argmax((chosen.numpy()[:, None] == prior.memory.codes.numpy()).all(-1), 1)
    nearest = np.square(prior.memory.codes.numpy()).sum(-1).argsort()[:4]
    counts = np.array([(rows == row).sum() for row in nearest])
    assert counts.sum() == 8000 and ((counts - 2000) ** 2 / 2000).sum() < 21.1


def test_no_gradient_reaches_the_memory_or_passes_through_the_search():
    model = models.associative()
    table = model.latent.prior.memory.codes
    assert not any(v is table for v in model.trainable_variables)
    features = tf.constant(np.random.default_rng(0).normal(size=(6, 16)), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([features, table.value])
        inferred = model.latent.infer(features, Pass(seed_of(0), told=tf.range(6)))
        neighbour = tf.reduce_sum(inferred.aux["neighbour"])
        whole = tf.reduce_sum(inferred.rate)
    assert tape.gradient(neighbour, features) is None
    assert tape.gradient(whole, table.value) is None
    assert np.abs(tape.gradient(whole, features)).max() > 0
    again = model.latent.rate(inferred, Pass.measuring())
    np.testing.assert_array_equal(again, inferred.rate)


def _trained(model, x, after=None, optimizer="adam", epochs=1, batch_size=10):
    update = Update(elbo(), optimizer, after=after or WriteCodes())
    model.compile(procedure=Joint(update, seed=1))
    rows = np.arange(len(x))
    model.fit(x, rows, epochs=epochs, batch_size=batch_size, verbose=0, shuffle=True)
    return model


def test_after_a_pass_each_row_is_the_code_of_its_example():
    """With weights that do not move: no row is missed, none is another's."""
    model, x = models.associative(), models.images(40)
    _trained(model, x, optimizer=keras.optimizers.SGD(0.0))
    codes = model.latent.prior.memory.codes
    np.testing.assert_allclose(codes, model.encode(x), atol=1e-6)


def test_a_step_writes_the_codes_it_began_with_and_no_others():
    model, x = models.associative(), models.images(10)
    before = model.latent.prior.memory.codes.numpy()
    codes = model.encode(x).numpy()
    update = Update(elbo(), keras.optimizers.SGD(0.5), after=WriteCodes())
    model.compile(procedure=Joint(update))
    rows = np.array([3, 1, 39, 7, 8, 20, 11, 30, 2, 0])
    model.train_on_batch(x, rows)
    after = model.latent.prior.memory.codes.numpy()
    np.testing.assert_allclose(after[rows], codes, atol=1e-6)
    rest = np.setdiff1d(np.arange(40), rows)
    np.testing.assert_array_equal(after[rest], before[rest])
    assert np.abs(model.encode(x) - codes).max() > 1e-3


@pytest.mark.parametrize("way", ["arrays", "dataset", "train"])
def test_when_the_training_is_done_every_row_is_the_code_of_the_kept_weights(way, tmp_path):
    """The steps of the last epoch went on moving the encoder: its first rows would be an epoch old."""
    model, x, rows = models.associative(), models.images(40), np.arange(40)
    update = Update(elbo(), keras.optimizers.Adam(0.05), after=WriteCodes())
    procedure = Joint(update, learning_rate=KeepBest(0.05) if way == "train" else None)
    model.compile(procedure=procedure)
    data = tf.data.Dataset.from_tensor_slices((x, rows)).batch(12)
    if way == "arrays":
        model.fit(x, rows, batch_size=12, epochs=2, verbose=0)
    elif way == "dataset":
        model.fit(data, epochs=2, verbose=0)
    else:  # its stream goes on in the middle of an epoch, and older weights are taken back
        stream = lambda start: data.repeat().skip(start)  # noqa: E731
        losses = iter([3.0, 1.0, 2.0])
        evaluate = lambda: {"distortion": next(losses), "rate": 0.0}  # noqa: E731
        directory = RunDirectory.create(str(tmp_path / "run"), {"a": 1})
        train("train", model, procedure, stream, 6, directory, evaluate, 2, 2, progress=False)
    codes = model.latent.prior.memory.codes
    np.testing.assert_allclose(codes, model.encode(x), atol=1e-6)


def test_an_example_that_comes_twice_in_a_batch_is_written_as_it_first_came():
    writer, model = WriteCodes(), models.associative()
    writer.build(model)
    codes = tf.constant(np.arange(12, dtype=np.float32).reshape(4, 3))
    writer((codes, tf.constant([5, 2, 5, 9])), 0, seed_of(0))
    found = model.latent.prior.memory.codes.numpy()
    np.testing.assert_array_equal(found[[5, 2, 9]], codes.numpy()[[0, 1, 3]])


def test_with_its_own_code_allowed_an_example_is_its_own_neighbour():
    for exclude, same in ((True, False), (False, True)):
        model = models.associative(num_neighbours=1, exclude_own=exclude)
        x = np.unique(models.images(200), axis=0)[:40]
        _trained(model, x, optimizer=keras.optimizers.SGD(0.0))
        draw = model.draw(x, 0, label=np.arange(40))
        rows = np.abs(draw.aux["neighbour"] - draw.aux["code"]).max(1) < 1e-6
        assert rows.all() == same and rows.any() == same


def test_training_without_indices_is_refused_and_measuring_is_not():
    model, x = models.associative(), models.images(40)
    model.compile(procedure=Joint(Update(elbo(), after=WriteCodes())))
    with pytest.raises(UserError, match=r"this model needs batches \(x, index\)"):
        model.fit(x, verbose=0)
    with pytest.raises(UserError, match="needs to know which example is which"):
        WriteCodes().read(model.draw(x, 0))
    assert set(model.evaluate(x, verbose=0, return_dict=True)) >= {"conditional_objective"}
    with pytest.raises(UserError, match="WriteCodes needs a model whose prior has a memory"):
        WriteCodes().build(models.plain())


def test_its_objective_is_called_neither_elbo_nor_nll():
    model, x = models.associative(), models.images(40)
    values = model.evaluate(x, verbose=0, return_dict=True)
    assert "elbo" not in values
    assert values["conditional_objective"] == pytest.approx(values["distortion"] + values["rate"])
    with pytest.raises(UserError, match="knows p.z . a neighbour's code. and no p.z."):
        model.log_prob(x)
    fitted = model.with_prior(AutoregressivePrior(model.latent.prior, 4, 2, 2))
    report = diagnosis.measure(model, x, num_samples=5, auxiliary=fitted)
    assert report["elbo"] is None and report["nll"] is None and report["marginal_kl"] is None
    wanted = report["distortion"] + report["rate"]
    assert report["conditional_objective"] == pytest.approx(wanted, rel=1e-5)
    assert report["auxiliary_elbo"] <= -report["auxiliary_nll"] + 0.5
    assert "(not an NLL)" in diagnosis.sentence(report)


def test_a_fitted_prior_begins_at_the_codes_own_gaussian_and_keeps_the_memory(tmp_path):
    model, x = models.associative(), models.images(40)
    _trained(model, x, epochs=3)
    codes = model.latent.prior.memory.codes.numpy()
    fitted = model.with_prior(AutoregressivePrior(model.latent.prior, 4, 2, 2))
    for weight in fitted.latent.prior.head.weights:
        weight.assign(tf.zeros_like(weight.value))
    z = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    gaussian = stats.norm(codes.mean(0), np.sqrt(codes.var(0) + 1))
    np.testing.assert_allclose(
        fitted.prior().log_prob(z), gaussian.logpdf(z).sum(1), rtol=1e-4, atol=1e-4
    )
    assert fitted.latent.bound and fitted.sample(4, 0).shape == (4, *models.SHAPE)
    fitted.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.latent.neighbours().memory.codes, codes)
    np.testing.assert_array_equal(daydream(again, x[:3], 2), daydream(fitted, x[:3], 2))


def test_a_vector_has_an_auxiliary_prior_too():
    """The density of (D,) is that of D positions of one channel; so are its draws."""
    flat = AutoregressivePrior(StandardNormalPrior((4,)), 6, 2, 2)
    steps = AutoregressivePrior(StandardNormalPrior((4, 1)), 6, 2, 2)
    rng = np.random.default_rng(0)
    for prior in (flat, steps):
        prior.build()
    for one, other in zip(flat.weights, steps.weights):
        value = rng.normal(size=one.shape) * 0.3
        one.assign(value)
        other.assign(value)
    z = rng.normal(size=(7, 4)).astype(np.float32)
    np.testing.assert_allclose(flat.log_prob(z), steps.log_prob(z[..., None]), rtol=1e-5)
    drawn = flat.distribution().sample(3, seed=[1, 2])
    np.testing.assert_allclose(
        drawn, steps.distribution().sample(3, seed=[1, 2])[..., 0], rtol=1e-5
    )
    assert flat.distribution().log_prob(drawn).shape == (3,)


def test_a_dream_begins_at_its_examples_and_has_its_length():
    model, x = models.associative(), models.images(3)
    dream = daydream(model, x, 4, seed=1)
    assert dream.shape == (5, 3, *models.SHAPE)
    np.testing.assert_array_equal(dream[0], x)
    np.testing.assert_array_equal(dream, daydream(model, x, 4, seed=1))
    assert not np.array_equal(dream, daydream(model, x, 4, seed=2))
    with pytest.raises(UserError, match="only a model with a NeighbourPrior can daydream"):
        daydream(models.plain(), x)


def test_two_replicas_equal_one_device(two_replicas):
    def make():
        update = Update(elbo(), keras.optimizers.SGD(0.05), after=WriteCodes())
        return models.associative(), Joint(update, seed=3)

    data = _rows_too().batch(8).repeat()
    one, *_ = fitted(tf.distribute.get_strategy(), make, data, 12)
    two, *_ = fitted(two_replicas, make, data, 12)
    assert_same(one, two, rtol=1e-7, atol=5e-6)


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    def make(again):
        procedure = Joint(Update(elbo(), "adam", after=WriteCodes()), seed=1)
        return models.associative(seed=9 if again else 0), procedure

    assert_resumed(tmp_path, make, _rows_too().batch(10).repeat())


def _rows_too():
    return tf.data.Dataset.from_tensor_slices((models.images(40), np.arange(40)))


@pytest.mark.slow
def test_the_search_is_a_small_part_of_a_step():
    """50,000 codes of 98 numbers beside a step of MNIST; the share is printed (`-s`)."""
    model = zoo.build(
        "acn",
        "mnist",
        backbone="gated_pixelcnn",
        memory_size=50_000,
        code="sequence",
        latent_grid=(7, 7),
        latent_width=2,
    )
    rng = np.random.default_rng(0)
    x, rows = rng.integers(2, size=(100, 28, 28, 1)), np.arange(100, dtype=np.int32)
    batch = tf.data.Dataset.from_tensors((x.astype(np.float32), rows)).repeat()
    step = model.make_train_function()
    batches = iter(batch)
    codes = tf.constant(rng.normal(size=(100, 98)), tf.float32)
    search = tf.function(lambda: model.latent.prior.neighbour(codes, seed_of(0), rows))
    share = _seconds(search) / _seconds(lambda: step(batches))
    print(f"the search takes {share:.1%} of a step")
    assert share < 0.2


def _seconds(call) -> float:
    """The median of ten, after three."""
    taken = []
    for _ in range(13):
        started = time.perf_counter()
        tf.nest.map_structure(lambda t: t.numpy() if hasattr(t, "numpy") else t, call())
        taken.append(time.perf_counter() - started)
    return float(np.median(taken[3:]))
