"""One update: what moves, what is clipped, and optimizers that keep their states apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tfvae.checks import UserError
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Partwise, Update, encoder_variables
from tfvae.randomness import seed_of

RATE = 0.1


def encoder(model):
    return [*model.encoder.trainable_variables, *model.latent.trainable_variables]


def decoder(model):
    return model.decoder.trainable_variables


def gradients(model, x, seed=0):
    """Of the mean -ELBO with regard to all weights, by id."""
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.draw(x, seed_of(seed)).elbo)
    weights = model.trainable_variables
    return {
        id(v): g.numpy() for v, g in zip(weights, tape.gradient(loss, [v.value for v in weights]))
    }


def norm(arrays):
    return np.sqrt(sum((a.astype(float) ** 2).sum() for a in arrays))


def step(update, model, x, seed=0):
    """The change of each weight, by id."""
    before = {id(v): v.numpy() for v in model.trainable_variables}
    logs = update(x, tf.constant(0), seed_of(seed))
    return {id(v): v.numpy() - before[id(v)] for v in model.trainable_variables}, logs


@pytest.mark.parametrize("wide", [False, True], ids=["over what moves", "over everything"])
@pytest.mark.parametrize("loose", [False, True], ids=["clipped", "within the norm"])
def test_clipping_looks_at_the_whole_it_is_told_to(wide, loose):
    model, x = models.plain(), models.images(8)
    slopes = gradients(model, x)
    own = norm(slopes[id(v)] for v in encoder(model))
    every = norm(slopes.values())
    assert every > 1.05 * own
    measured = every if wide else own
    limit = 2 * measured if loose else 0.3 * measured
    over = (lambda m: m.trainable_variables) if wide else None
    update = Update(elbo(), keras.optimizers.SGD(RATE), encoder, limit, over)
    update.build(model)
    changes, logs = step(update, model, x)
    assert float(logs["gradient_norm"]) == pytest.approx(measured, rel=1e-5)
    factor = 1.0 if loose else 0.3
    for v in encoder(model):
        np.testing.assert_allclose(changes[id(v)], -RATE * factor * slopes[id(v)], atol=1e-7)
    for v in decoder(model):
        np.testing.assert_array_equal(changes[id(v)], 0.0)


def test_clipping_is_of_the_sum_over_replicas(two_replicas):
    """The replicas see opposite images: their own gradients are far longer than the sum."""
    x = models.images(8)
    x = np.concatenate([x, 1.0 - x])
    slopes = gradients(models.plain(), x)
    whole = norm(slopes.values())
    for limit in (0.5 * whole, 1.1 * whole):
        with two_replicas.scope():
            model = models.plain()
            update = Update(elbo(), keras.optimizers.SGD(RATE), decoder, limit, encoder)
            update.build(model)
        before = [v.numpy() for v in decoder(model)]
        parts = two_replicas.experimental_distribute_values_from_function(
            lambda context: tf.constant(np.split(x, 2)[context.replica_id_in_sync_group])
        )
        two_replicas.run(update, (parts, tf.constant(0), seed_of(0)))
        factor = min(1.0, limit / whole)
        for v, was, slope in zip(decoder(model), before, list(slopes.values())[-len(before) :]):
            np.testing.assert_allclose(v.numpy() - was, -RATE * factor * slope, atol=1e-6)


def test_clipping_of_the_optimizer_is_refused():
    for name in ("clipnorm", "global_clipnorm", "clipvalue"):
        with pytest.raises(UserError, match=rf"clip_norm=.* optimizer's {name}"):
            Update(elbo(), keras.optimizers.SGD(0.1, **{name: 1.0}))


def test_parts_have_learning_rates_of_their_own():
    model, x = models.plain(), models.images(8)
    slopes = gradients(model, x)
    parts = [(keras.optimizers.SGD(0.1), encoder), (keras.optimizers.SGD(0.02), decoder)]
    update = Update(elbo(), Partwise(parts))
    update.build(model)
    changes, _ = step(update, model, x)
    for own, rate in ((encoder, 0.1), (decoder, 0.02)):
        for v in own(model):
            np.testing.assert_allclose(changes[id(v)], -rate * slopes[id(v)], atol=1e-7)


class Adam:
    """Kingma and Ba 2015, algorithm 1, with Keras's place of epsilon."""

    def __init__(self, rate, beta=0.9, beta2=0.999):
        self.rate, self.beta, self.beta2, self.t, self.m, self.v = rate, beta, beta2, 0, 0.0, 0.0

    def step(self, slope):
        self.t += 1
        self.m = self.beta * self.m + (1 - self.beta) * slope
        self.v = self.beta2 * self.v + (1 - self.beta2) * slope**2
        m = self.m / (1 - self.beta**self.t)
        v = self.v / (1 - self.beta2**self.t)
        return -self.rate * m / (np.sqrt(v) + 1e-7 / np.sqrt(1 - self.beta2**self.t))


def test_steps_of_one_part_leave_the_moments_of_the_other():
    """Three steps of the encoder alone, then both: the decoder's Adam is in its first step."""
    model, x = models.plain(), models.images(8)
    first, second = keras.optimizers.Adam(1e-2), keras.optimizers.Adam(1e-3, beta_1=0.5)
    both = Update(elbo(), Partwise([(first, encoder), (second, decoder)]))
    alone = Update(elbo(), first, encoder)
    both.build(model)
    alone.build(model)
    theirs = {id(v): Adam(1e-2) for v in encoder(model)}
    theirs |= {id(v): Adam(1e-3, 0.5) for v in decoder(model)}
    for update, moving in ((alone, encoder),) * 3 + ((both, lambda m: m.trainable_variables),) * 2:
        slopes = gradients(model, x)
        changes, _ = step(update, model, x)
        for v in model.trainable_variables:
            wanted = 0.0
            if any(v is m for m in moving(model)):
                wanted = theirs[id(v)].step(slopes[id(v)].astype(float))
            np.testing.assert_allclose(changes[id(v)], wanted, atol=3e-6)
    assert int(first.iterations) == 5 and int(second.iterations) == 2


def test_every_weight_has_one_part():
    model = models.plain()
    lost = Update(elbo(), Partwise([(keras.optimizers.SGD(), encoder)]))
    with pytest.raises(UserError, match=r"must be in one part of a Partwise, got parts \[\]"):
        lost.build(model)
    twice = [(keras.optimizers.SGD(), encoder), (keras.optimizers.SGD(), lambda m: m.variables)]
    with pytest.raises(UserError, match=r"one part of a Partwise, got parts \[0, 1\]"):
        Update(elbo(), Partwise(twice)).build(model)


def test_a_schedule_of_the_learning_rate_needs_one_optimizer():
    parts = [(keras.optimizers.SGD(), encoder), (keras.optimizers.SGD(), decoder)]
    from tfvae.schedules import Constant

    with pytest.raises(UserError, match="learning_rate of a Joint .* Partwise"):
        Joint(Update(elbo(), Partwise(parts)), learning_rate=Constant(0.1))


def test_an_update_that_moves_nothing_is_refused():
    with pytest.raises(UserError, match="moves no variable"):
        Update(elbo(), "sgd", lambda m: []).build(models.plain())


@pytest.mark.parametrize("make", [models.plain, models.associative, models.delta])
def test_the_encoders_variables_are_those_its_codes_depend_on(make):
    """q(z|x) moves with each of them and with no other; a prior's weights are not among them."""
    model, x = make(), models.images(8)
    weights = model.trainable_variables
    with tf.GradientTape() as tape:
        draw = model.draw(x, seed_of(0))
        codes = tf.reduce_sum(draw.z**2)
    slopes = tape.gradient(codes, [v.value for v in weights])
    moving = {v.path for v, slope in zip(weights, slopes) if slope is not None and np.any(slope)}
    own = encoder_variables(model)
    assert {v.path for v in own} == moving and len(own) == len(moving)
