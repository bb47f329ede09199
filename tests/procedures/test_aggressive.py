"""Aggressive training: both stopping rules against the published pseudo-code, who moves when."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tests import linear_gaussian, models
from tests.frames import assert_resumed
from tfvae.checks import UserError
from tfvae.likelihoods import Bernoulli
from tfvae.objectives import DualVariable, Objective, distortion, elbo, rate
from tfvae.procedures import Aggressive, Joint, Update
from tfvae.randomness import fold, seed_of
from tfvae.schedules import Linear, Piecewise


def sgd(rate=0.05):
    return keras.optimizers.SGD(rate)


def encoder(model):
    return [*model.encoder.trainable_variables, *model.latent.trainable_variables]


def run(model, procedure, data, steps):
    """The logs of each step."""
    model.compile(procedure=procedure)
    rows = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rows.append({k: float(v) for k, v in logs.items()})
    )
    model.fit(data, steps_per_epoch=steps, verbose=0, shuffle=False, callbacks=[callback])
    return rows


def stream(number=40, batch=16):
    images = models.images(number * batch)
    return tf.data.Dataset.from_tensor_slices(images).batch(batch).repeat()


# ---------------------------------------------------------------- the end of the inner loop


@keras.saving.register_keras_serializable(package="tests")
class Counted(Bernoulli):
    """An image that says in its second pixel of how many tokens it is."""

    def units(self, x):
        return x[:, 0, 1, 0]

    def check(self, array):
        """Any number: a pixel may be a loss."""


def scripted_model():
    model = models.plain()
    return tfvae.VAE(model.encoder, model.latent, model.decoder, Counted())


def scripted_batches(losses, units):
    """Two images a batch, whose first two pixels are their loss and their tokens."""
    x = np.zeros((len(losses), 2, *models.SHAPE), np.float32)
    x[:, :, 0, 0, 0], x[:, :, 0, 1, 0] = losses, units
    return tf.data.Dataset.from_tensor_slices(x)


def published_count(losses, units, window, most):
    """Sub-iterations of the released text.py and image.py, on sums over the batch."""
    before, total, number = 1e4, 0.0, 0.0
    for s in range(1, most + 1):
        total += losses[s - 1].sum()
        number += units[s - 1].sum()
        if s % window == 0:
            if total / number > before:
                return s
            before, total, number = total / number, 0.0, 0.0
    return most


@pytest.mark.parametrize(
    "window, allowed", [(15, {30, 45, 60, 75, 90, 99}), (10, {*range(20, 100, 10), 99})]
)
def test_inner_steps_are_those_of_the_published_loop(window, allowed):
    """30 loops on losses that fall more or less steadily; text (15) has sentences of any length."""
    rng = np.random.default_rng(window)
    number, cycles = 3000, 30
    slope = np.repeat(rng.uniform(0, 0.02, number // 50), 50)
    units = rng.integers(1, 9, (number, 2)) if window == 15 else np.ones((number, 2))
    losses = units * (rng.normal(100, 0.5, (number, 2)) - np.cumsum(slope)[:, None])
    losses = losses.astype(np.float32)
    objective = Objective({"script": lambda draw: draw.batch[:, 0, 0, 0]})
    procedure = Aggressive(sgd(), sgd(), None, 10**9, objective, window=window)
    rows = run(scripted_model(), procedure, scripted_batches(losses, units), cycles)
    at, found = 0, []
    for row in rows:
        wanted = published_count(losses[at:], units[at:], window, 99)
        assert row["inner_steps"] == wanted
        # the decoder's step is on the first batch of the loop
        assert row["objective"] == pytest.approx(losses[at].mean(), rel=1e-6)
        assert row["aggressive"] == 1.0
        found.append(wanted)
        at += wanted
    assert set(found) <= allowed and len(set(found)) >= 5
    assert procedure.position == at


def test_the_first_window_never_ends_the_loop():
    """The published 1e4 stands for infinity; the loss of a large image is above it."""
    losses = np.concatenate([np.full(3, 9e4), np.full(3, 8e4), np.full(9, 8.5e4)])
    data = scripted_batches(losses[:, None], np.ones((15, 1)))
    objective = Objective({"script": lambda draw: draw.batch[:, 0, 0, 0]})
    procedure = Aggressive(sgd(), sgd(), None, 10**9, objective, window=3)
    assert run(scripted_model(), procedure, data, 1)[0]["inner_steps"] == 9


# ---------------------------------------------------------------- who moves, on what


def test_who_moves():
    """The decoder once for each step, the encoder in every inner one; in neither the other."""
    frozen = {"encoder": (sgd(0.0), sgd()), "decoder": (sgd(), sgd(0.0))}
    for name, optimizers in frozen.items():
        model = models.plain()
        ours = encoder(model)
        theirs = model.decoder.trainable_variables
        before = {id(v): v.numpy() for v in (*ours, *theirs)}
        procedure = Aggressive(*optimizers, None, 10**9, window=2, inner_steps=5)
        inner = sum(row["inner_steps"] for row in run(model, procedure, stream(), 3))
        for own, still in ((ours, name == "encoder"), (theirs, name == "decoder")):
            for v in own:
                assert np.array_equal(v.numpy(), before[id(v)]) == still, v.path
        assert int(optimizers[0].iterations) == inner > 6
        assert int(optimizers[1].iterations) == 3


def by_hand(model, batches, steps, settings):
    """Algorithm 1 in plain Python with SGD; `aggressive[i]` says of each step what it is."""
    beta, window, most, clip, rate_of = (
        settings[k] for k in ("beta", "window", "most", "clip", "lr")
    )
    batches, counts = iter(batches), []

    def gradients(x, step, *index):
        seed = fold(seed_of(5), step, *index)
        with tf.GradientTape() as tape:
            draw = model.draw(x, seed, training=True)
            loss = tf.reduce_mean(draw.distortion + beta(step) * tf.reduce_sum(draw.rate, -1))
        weights = model.trainable_variables
        slopes = tape.gradient(loss, [v.value for v in weights])
        slopes, _ = tf.clip_by_global_norm(slopes, clip)
        return float(loss), {id(v): g for v, g in zip(weights, slopes)}

    def move(variables, slopes, step):
        for v in variables:
            v.assign_sub(rate_of(step) * slopes[id(v)])

    ours, theirs = encoder(model), model.decoder.trainable_variables
    for step, aggressive in enumerate(steps):
        step = tf.constant(step, tf.int64)
        first = x = next(batches)
        before, total = np.inf, 0.0
        for s in range(1, most + 1) if aggressive else ():
            x = first if s == 1 else next(batches)
            loss, slopes = gradients(x, step, s)
            move(ours, slopes, step)
            total += loss
            if s % window == 0:
                if total > before:
                    break
                before, total = total, 0.0
        counts.append(s if aggressive else 0)
        _, slopes = gradients(first, step)
        move(theirs if aggressive else (*ours, *theirs), slopes, step)
    return counts


def test_the_whole_algorithm_by_hand():
    """Weights after four aggressive and two joint steps: batches, clipping, weight, rate, seeds."""
    settings = {
        "beta": Linear(0.1, 1.0, 4),
        "window": 2,
        "most": 7,
        "clip": 0.7,
        "lr": Piecewise((3,), (0.2, 0.05)),
    }
    theirs = models.plain()
    steps = (True, True, True, True, False, False)
    counts = by_hand(theirs, iter(stream()), steps, settings)
    model = models.plain()
    start = [v.numpy() for v in model.trainable_variables]
    procedure = Aggressive(
        sgd(),
        sgd(),
        information=lambda m: -1.0,
        check_every=4,
        objective=elbo(settings["beta"]),
        inner_steps=7,
        window=2,
        clip_norm=0.7,
        learning_rate=settings["lr"],
        seed=5,
    )
    rows = run(model, procedure, stream(), 6)
    assert [row["inner_steps"] for row in rows] == counts
    assert len(set(counts)) > 2, counts
    assert [row["aggressive"] for row in rows] == [1, 1, 1, 0, 0, 0]  # as known after the step
    np.testing.assert_allclose(
        [row["weight/rate"] for row in rows], [0.1, 0.325, 0.55, 0.775, 1, 1], rtol=1e-6
    )
    for a, b, was in zip(model.trainable_variables, theirs.trainable_variables, start):
        assert np.abs(a.numpy() - was).max() > 1e-3
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-5)


def test_the_inner_loop_ends_at_the_posterior():
    """Linear-Gaussian: after 700 steps of the encoder its mean is the posterior's, its variance 1 / M.

    The points of the mean space lie on the diagonal; before, they were far from it.
    """
    model = linear_gaussian.model(4, 2, 0.5, seed=1)
    x = linear_gaussian.data((4.0, 2.0, 1.0, 0.5))
    mean, variance = linear_gaussian.exact_posterior(model, x)
    assert np.abs(model.encode(x) - mean).max() > 1.0
    rate = keras.optimizers.schedules.CosineDecay(0.03, 700)
    procedure = Aggressive(
        keras.optimizers.Adam(rate), sgd(0.0), None, 10**9, inner_steps=700, window=10**6
    )
    rows = run(model, procedure, tf.data.Dataset.from_tensors(x).repeat(), 1)
    assert rows[0]["inner_steps"] == 700
    again, _ = linear_gaussian.exact_posterior(model, x)
    np.testing.assert_array_equal(again, mean)  # the decoder stood still
    np.testing.assert_allclose(model.encode(x), mean, atol=0.02 * np.abs(mean).max())
    found = model.posterior(x).variance().numpy()
    np.testing.assert_allclose(found.mean(0), variance, rtol=0.02)


# ---------------------------------------------------------------- the end of being aggressive


def published_previous(values):
    """After each check: still aggressive? text.py; pre_mi = 0 at first."""
    before, on, found = 0.0, True, []
    for value in values:
        if on:
            if value < before:
                on = False
            before = value
        found.append(on)
    return found


def published_best(values, patience):
    """image.py: so many failures, not necessarily one after the other."""
    best, failures, on, found = 0.0, 0, True, []
    for value in values:
        if on:
            if value < best:
                failures += 1
                on = failures != patience
            else:
                best = value
        found.append(on)
    return found


class Script:
    """model -> the next figure; counts how often it was asked."""

    def __init__(self, values):
        self.values, self.asked = list(values), 0

    def __call__(self, model):
        self.asked += 1
        return self.values[self.asked - 1]


SCRIPTS = [
    ("previous", 1, [0.1, 0.1, 0.3, 0.2, 0.9, 1.0]),
    ("previous", 1, [-1e-6, 0.5, 0.6]),
    ("best", 2, [0.5, 0.4, 0.7, 0.69, 0.9, 1.0]),
    ("best", 3, [0.3, 0.3, 0.2, 0.3, 0.2, 0.4, 0.39]),
]


@pytest.mark.parametrize("rule, patience, values", SCRIPTS)
def test_it_ends_as_published_and_never_begins_again(rule, patience, values):
    """Checks after every second step; after the end nobody asks any more."""
    script = Script(values)
    procedure = Aggressive(
        sgd(), sgd(), script, 2, inner_steps=2, window=9, stopping=rule, patience=patience
    )
    rows = run(models.plain(), procedure, stream(), 2 * len(values))
    wanted = published_previous(values)
    if rule == "best":
        wanted = published_best(values, patience)
    assert wanted[-1] is False
    checked = [bool(row["aggressive"]) for row in rows[1::2]]
    assert checked == wanted
    until = 2 * (wanted.index(False) + 1)
    assert [row["inner_steps"] for row in rows] == [2] * until + [0] * (len(rows) - until)
    assert script.asked == until // 2
    assert procedure.position == 2 * until + len(rows) - until


@pytest.mark.parametrize("rule, patience", [("previous", 1), ("best", 1), ("best", 3), ("best", 5)])
def test_both_rules_on_200_random_sequences(rule, patience):
    """Rounded, so that equal figures come up often."""
    rng = np.random.default_rng(patience)
    lengths = set()
    procedure = Aggressive(sgd(), sgd(), None, 1, stopping=rule, patience=patience)
    for _ in range(200):
        values = (np.cumsum(rng.normal(0.05, 0.1, 30)) + 0.2).round(1).tolist()
        procedure.aggressive.assign(True)
        procedure.reference.assign(0.0)
        procedure.failures.assign(0)
        found = []
        for value in values:
            if procedure.aggressive.numpy():
                procedure._check(value)
            found.append(bool(procedure.aggressive.numpy()))
        wanted = published_previous(values)
        assert found == (wanted if rule == "previous" else published_best(values, patience))
        lengths.add(sum(found))
    assert len(lengths) > 3


def test_the_largest_number_of_steps_ends_it_without_a_check():
    script = Script([0.1])
    procedure = Aggressive(sgd(), sgd(), script, 2, inner_steps=2, window=9, largest=3)
    rows = run(models.plain(), procedure, stream(), 5)
    assert [row["inner_steps"] for row in rows] == [2, 2, 2, 0, 0]
    assert script.asked == 1


# ---------------------------------------------------------------- resume

RESUMED = {  # figures after steps 2, 4, ...; where it is cut; when it must end
    "previous": ({2: 0.1, 4: 0.3, 6: 0.5, 8: 0.2}, (7, 9), 8),
    "best": ({2: 0.5, 4: 0.4, 6: 0.3, 8: 0.2}, (7,), 8),
}


@pytest.mark.parametrize("rule", ["previous", pytest.param("best", marks=pytest.mark.slow)])
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path, rule):
    """Bit for bit: flag, last figure, failures, batches taken, both optimizers, the dual variable.

    What is compared with, and how often it failed, decide about step 8, after the cut at 7. Tracing
    each part of the run anew takes its seconds.
    """
    table, cuts, end = RESUMED[rule]

    def make(again):
        beta = DualVariable("rate", 1.0, step_size=0.05)
        procedure = Aggressive(
            keras.optimizers.SGD(0.05, momentum=0.9),
            keras.optimizers.SGD(0.02, momentum=0.5),
            lambda m: table[int(procedure.step.numpy())],
            2,
            Objective({"distortion": distortion, "rate": (beta, rate)}),
            window=2,
            inner_steps=6,
            stopping=rule,
            patience=3,
            seed=1,
        )
        return models.plain(seed=9 if again else 0), procedure

    kept = assert_resumed(tmp_path, make, stream(), 10, cuts)
    assert not kept["aggressive/0"] and int(kept["batches_taken/0"]) > 2 * end
    assert kept["rate_weight/0"] != 1.0


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"stopping": "prevous"}, "did you mean previous"),
        ({"window": 0}, "window must be a number above 0, got 0"),
        ({"inner_steps": 0}, "inner_steps must be a number above 0, got 0"),
        ({"check_every": 0}, "check_every must be a number above 0, got 0"),
    ],
)
def test_refusals(wrong, said):
    with pytest.raises(UserError, match=said):
        Aggressive(sgd(), sgd(), None, **{"check_every": 1, **wrong})


def test_two_optimizers_are_two():
    one = keras.optimizers.Adam()
    with pytest.raises(UserError, match="must be two, got one for both"):
        Aggressive(one, one, None, 1)
    by_name = Aggressive("adam", "adam", None, 1)
    assert by_name.inner.optimizer is by_name.optimizers["encoder"]
    assert by_name.decoder.optimizer is by_name.optimizers["decoder"]


def test_joint_takes_a_batch_a_step():
    procedure = Joint(Update(elbo(), sgd()))
    run(models.plain(), procedure, stream(), 3)
    assert procedure.position == 3
