"""Critics: what they read, what they may know, how steep they are; by closed forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tfvae.checks import UserError
from tfvae.draw import Draw
from tfvae.objectives import (
    WASSERSTEIN,
    Bottleneck,
    Critic,
    CriticInformation,
    DualVariable,
    GradientPenalty,
    Objective,
    PriorCritic,
    PriorCriticLoss,
    PriorPlayer,
    SpectralNorm,
)
from tfvae.randomness import seed_of

STEP = tf.constant(0)


def draw(z, **more):
    z = tf.constant(z, tf.float32)
    known = {"rate": tf.zeros([len(z), 1]), "log_likelihood": tf.zeros(len(z)), "aux": {}}
    fields = dict.fromkeys(Draw._fields) | known | {"z": z} | more
    return Draw(**fields)


class Sloped:
    """D(z) = a . z, whose weight is a."""

    inputs, after = ("z",), ()

    def __init__(self, slope):
        self.slope = keras.Variable(np.array(slope, np.float32))
        self.trainable_variables = [self.slope]

    def build(self, model):
        del model

    def __call__(self, draw, seed=None):
        del seed
        return tf.linalg.matvec(draw.z, self.slope)[:, None]


def test_the_penalty_of_a_plane_is_that_of_its_slope_and_moves_it_to_one():
    """(|a| - 1)^2 wherever it is taken, derivative 2 (|a| - 1) a / |a|: a gradient of a gradient."""
    critic = Sloped([3.0, -4.0])
    loss = PriorCriticLoss(critic, game=WASSERSTEIN)
    loss.build(models.plain(width=2))
    codes = draw(np.random.default_rng(0).normal(size=(7, 2)))
    with tf.GradientTape() as tape:
        found = GradientPenalty(loss)(codes, STEP)
    assert float(found) == pytest.approx(16.0, rel=1e-5)
    gradient = tape.gradient(found, critic.slope.value)
    np.testing.assert_allclose(gradient, [8 * 0.6, -8 * 0.8], rtol=1e-5)
    assert float(GradientPenalty(loss, slope=0.0)(codes, STEP)) == pytest.approx(25.0, rel=1e-5)


def test_who_pays_what_in_the_game_of_wasserstein():
    model, critic = models.plain(width=2), Sloped([1.0, 2.0])
    loss = PriorCriticLoss(critic, 0, WASSERSTEIN)
    codes = draw([[0.5, 1.0], [-1.0, 0.25]])
    loss.build(model)
    real, own = loss.sides(codes, STEP)
    np.testing.assert_array_equal(own.z, codes.z)
    height = tf.reduce_mean(critic(real))
    assert float(loss(codes, STEP)) == pytest.approx(float(tf.reduce_mean(critic(codes)) - height))
    np.testing.assert_allclose(PriorCritic(critic, WASSERSTEIN)(codes), [-2.5, 0.5])
    player = PriorPlayer(critic, 0, WASSERSTEIN)
    player.build(model)
    other = model.sample_codes(2, tf.random.fold_in(player.seed, 0))
    assert float(player(codes, STEP)) == pytest.approx(
        float(tf.reduce_mean(other @ [[1.0], [2.0]]))
    )


def trained(objective, codes, width, steps, rate=1e-2):
    """The logs of each step of an objective of a critic alone."""
    objective.build(models.plain(width=width))
    variables = objective.trainable_variables
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(variables)

    @tf.function
    def step(number):
        with tf.GradientTape() as tape:
            value, logs = objective(draw(codes), number)
        optimizer.apply(tape.gradient(value, [v.value for v in variables]), variables)
        objective.feed(number, logs)
        return logs

    return [step(tf.constant(number)) for number in range(steps)]


def mean_of(rows, name):
    return np.mean([float(row[name]) for row in rows])


def test_the_best_critic_pays_the_distance_of_two_gaussians_and_what_its_slope_is_worth():
    """W_1(N(2, 1), N(0, 1)) = 2: least of -2 s + 10 (s - 1)^2 at a slope of s = 1.1."""
    critic = Critic([], 1)
    critic.build_for(1)
    critic.logits.kernel.assign([[-0.2]])
    loss = PriorCriticLoss(critic, game=WASSERSTEIN)
    objective = Objective({"critic": loss, "slope": (10.0, GradientPenalty(loss))})
    codes = 2.0 + np.linspace(-0.5, 0.5, 512)[:, None]
    rows = trained(objective, codes, 1, 300)[-150:]
    # a draw of the prior's mean has a standard error of 1 / sqrt(512) each step: 0.004 over 150 of them
    assert mean_of(rows, "term/critic") == pytest.approx(-2.2, abs=0.03)
    assert mean_of(rows, "term/slope") == pytest.approx(0.01, abs=0.003)


def bottleneck(width=2, units=4):
    keras.utils.set_random_seed(1)
    critic = Bottleneck(Critic([units], 2 * width), Critic([], 1))
    critic.build(models.plain(width=3))
    return critic


def test_what_a_bottleneck_knows_is_its_rate_and_its_noise_has_that_scale():
    critic = bottleneck()
    codes = draw(np.random.default_rng(0).normal(size=(3, 3)))
    mean, log_scale = np.split(critic.body(codes).numpy(), 2, -1)
    scale = np.exp(8 * np.tanh(log_scale / 8))
    rate = 0.5 * (mean**2 + scale**2 - 1) - np.log(scale)
    np.testing.assert_allclose(critic.information(codes), rate.sum(-1), rtol=1e-5)
    head, at = critic.head.logits.kernel.numpy(), critic.head.logits.bias.numpy()
    np.testing.assert_allclose(critic(codes), mean @ head + at, rtol=1e-5, atol=1e-6)
    many = draw(np.repeat(codes.z, 4000, 0))
    found = critic(many, seed_of(3)).numpy().reshape(3, 4000)
    # standard errors: s / sqrt(4000) of the mean, s / sqrt(8000) of the spread; five of them
    spread = np.sqrt(scale**2 @ head**2)[:, 0]
    assert np.all(np.abs(found.mean(1) - critic(codes)[:, 0]) < 5 * spread / np.sqrt(4000))
    np.testing.assert_allclose(found.std(1), spread, rtol=5 / np.sqrt(8000))


def test_the_price_of_what_a_critic_knows_rises_while_it_knows_too_much():
    """beta <- max(0, beta + 0.03 (KL - 0.1)), Peng et al. 2019; from 6.6 nats to less than 0.3."""
    critic = bottleneck()
    loss = PriorCriticLoss(critic)
    name = "term/information"
    price = DualVariable(name, 0.1, "additive", 0.03, ema=0.0, start=0.0, bounds=(0.0, 1e4))
    objective = Objective({"critic": loss, "information": (price, CriticInformation(loss))})
    codes = np.random.default_rng(0).normal(3.0, 0.3, size=(64, 3))
    rows = trained(objective, codes, 3, 400)
    exact = 0.0
    for row in rows:
        assert float(row["weight/information"]) == pytest.approx(exact, rel=1e-4, abs=1e-5)
        exact = max(0.0, exact + 0.03 * (float(row[name]) - 0.1))
    assert float(rows[0][name]) > 5.0
    assert 0.02 < mean_of(rows[-200:], name) < 0.3


class FarApart:
    """Cross-entropy of N(2, 0.2^2) against N(-2, 0.2^2), which no draw of either confuses."""

    reads_step = True

    def __init__(self, critic):
        self.critic = critic

    def build(self, model):
        self.critic.build(model)

    @property
    def trainable_variables(self):
        return self.critic.trainable_variables

    def sides(self, codes, step):
        noise = 0.2 * tf.random.stateless_normal([2, 64, 1], tf.stack([7, tf.cast(step, tf.int32)]))
        return codes._replace(z=2.0 + noise[0]), codes._replace(z=noise[1] - 2.0)

    def __call__(self, codes, step):
        seeds = [tf.stack([purpose, tf.cast(step, tf.int32)]) for purpose in (1, 2)]
        real, made = (self.critic(s, seed) for s, seed in zip(self.sides(codes, step), seeds))
        return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(made))


def slope_at_the_other(critic):
    """Of -ln(1 - D) at the mean of the second Gaussian: what the other player is told."""
    at = tf.constant([[-2.0]])
    with tf.GradientTape() as tape:
        tape.watch(at)
        found = tf.nn.softplus(critic(draw([[0.0]])._replace(z=at)))
    return abs(float(tape.gradient(found, at)[0, 0]))


@pytest.mark.slow
def test_a_narrow_critic_knows_its_rate_and_still_tells_the_other_player_where_to_go():
    """Gaussians 20 deviations apart: 0.5 and 0.1 nats within a tenth; 30 times a free critic's slope."""
    keras.utils.set_random_seed(0)
    free = Critic([32], 1)
    trained(Objective({"critic": FarApart(free)}), np.zeros([64, 1]), 1, 6000, 1e-3)
    for asked in (0.5, 0.1):
        critic = Bottleneck(Critic([32], 4), Critic([], 1))
        loss, name = FarApart(critic), "term/information"
        price = DualVariable(name, asked, "additive", 1e-2, ema=0.0, start=0.0, bounds=(0.0, 1e4))
        objective = Objective({"critic": loss, "information": (price, CriticInformation(loss))})
        rows = trained(objective, np.zeros([64, 1]), 1, 6000, 1e-3)
        assert mean_of(rows[-500:], name) == pytest.approx(asked, rel=0.1)
        assert slope_at_the_other(critic) > 30 * slope_at_the_other(free)


def test_spectral_norm_leaves_kernels_whose_largest_singular_value_is_one():
    keras.utils.set_random_seed(0)
    norm = SpectralNorm()
    critic = Critic([6, 5], 1, normalised=norm)
    critic.build(models.plain(width=3))
    rng = np.random.default_rng(0)
    layers = [*critic.layers, critic.logits]
    for layer in layers:
        layer.kernel.assign(layer.kernel + 0.05 * rng.normal(size=layer.kernel.shape))
    before = [v.numpy() for v in norm.state().values()]
    for _ in range(12):
        norm((), STEP, None)
    assert all(
        np.abs(a - v.numpy()).max() > 1e-4 for a, v in zip(before[:2], norm.state().values())
    )
    rows = rng.normal(size=(4, 3)).astype(np.float32)
    expected = rows
    for number, layer in enumerate(layers):
        exact = layer.kernel.numpy() / np.linalg.svd(layer.kernel.numpy())[1][0]
        np.testing.assert_allclose(norm.kernel(layer), exact, rtol=2e-3, atol=2e-3)
        expected = expected @ exact + layer.bias.numpy()
        expected = expected if number == 2 else np.where(expected > 0, expected, 0.2 * expected)
    np.testing.assert_allclose(critic(draw(rows)), expected, rtol=5e-3, atol=5e-3)


def test_an_unknown_label_is_no_label_and_a_wrong_one_no_number():
    critic = Critic([], 4, ("label",), 4)
    critic.build(models.plain())
    found = critic(draw(np.zeros([6, 3]), label=tf.constant([0, 1, 2, 3, -1, 4]))).numpy()
    exact = np.r_[critic.logits.kernel.numpy(), np.zeros([1, 4])] + critic.logits.bias.numpy()
    np.testing.assert_allclose(found[:5], exact, rtol=1e-6)
    assert np.isnan(found[5]).all()


def test_critics_are_compiled_to_the_same_numbers():
    """By XLA, forward and backward: a gradient of a gradient, a spectral norm, what a bottleneck knows."""
    plane, narrow = Sloped([3.0, -4.0, 12.0]), bottleneck()
    flat = Critic([4], 1, normalised=SpectralNorm())
    loss = PriorCriticLoss(plane, game=WASSERSTEIN)
    for part in (flat, loss):
        part.build(models.plain(width=3))
    codes = draw(np.random.default_rng(0).normal(size=(7, 3)))

    def gradients():
        with tf.GradientTape() as tape:
            value = GradientPenalty(loss)(codes, STEP)
            value += tf.reduce_sum(flat(codes)) + tf.reduce_sum(narrow.information(codes))
        moving = [plane.slope, *flat.trainable_variables, *narrow.body.trainable_variables]
        return tape.gradient(value, [v.value for v in moving])

    for plain, compiled in zip(gradients(), tf.function(gradients, jit_compile=True)()):
        np.testing.assert_allclose(plain, compiled, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("read", [("z",), ("x",), ("features",), ("z", "label")])
def test_a_critic_reads_what_it_declares_and_nothing_else(read):
    model, x = models.plain(), models.images(6)
    critic = Critic([8], 1, read, 4 if "label" in read else None)
    critic.build(model)
    own = model.draw(x, 0)._replace(label=tf.constant([0, 1, 2, 3, 3, -1]))
    changed = {
        "z": own._replace(z=own.z + 1.0),
        "x": own._replace(batch=1.0 - own.batch),
        "features": own._replace(features=own.features + 1.0),
        "label": own._replace(label=(own.label + 1) % 4),
    }
    assert critic.needs_label == ("label" in read)
    for name, other in changed.items():
        moved = np.abs(critic(own) - critic(other)).max() > 1e-4
        assert moved == (name in read), name


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Critic([8], 1, ("code",)), "unknown input of a critic 'code'"),
        (lambda: Critic([8], 1, ()), r"reads one thing or several, each once, got \[\]"),
        (
            lambda: Critic([8], 1, ("label",)),
            "goes with the input label, got None and inputs label",
        ),
        (lambda: Bottleneck(Critic([], 3), Critic([], 1)), "even number of outputs, got 3"),
        (
            lambda: CriticInformation(PriorCriticLoss(Critic([], 1))),
            "is of a Bottleneck, and this critic is a Critic",
        ),
    ],
)
def test_what_a_critic_cannot_be_is_refused(make, said):
    with pytest.raises(UserError, match=said):
        make()
