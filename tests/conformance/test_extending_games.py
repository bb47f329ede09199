"""CONTRIBUTING.md's promise, second half: who plays, on which data, for what."""

import types

import keras
import numpy as np
import tensorflow as tf

from tests import models
from tfvae.inference import code_only, many_samples
from tfvae.objectives import Critic, Objective, PriorCritic, PriorCriticLoss, distortion, rate
from tfvae.procedures import Alternating, Joint, KeepBest, Player, Stage, Start, Update
from tfvae.streams import CodesOf
from tfvae.training import RunDirectory
from zoo import modalities
from zoo.command import run
from zoo.datasets import load


class Doubtful:
    """A wrapper of a critic: its logits divided by a temperature."""

    def __init__(self, critic, temperature):
        self.critic, self.temperature = critic, temperature
        self.inputs, self.needs_label, self.after = critic.inputs, critic.needs_label, critic.after
        self.build = critic.build

    @property
    def trainable_variables(self):
        return self.critic.trainable_variables

    def __call__(self, draw, seed=None):
        return self.critic(draw, seed) / self.temperature


def test_a_critic_wrapper():
    """The game goes on, of logits that are never as sure."""
    model = models.plain()
    sure = Critic([4], 1)
    critic = Doubtful(sure, 4.0)
    objective = Objective({"distortion": distortion, "adversary": (5.0, PriorCritic(critic))})
    loss = PriorCriticLoss(critic)
    own = Update(
        Objective({"critic": loss}),
        keras.optimizers.SGD(0.1),
        lambda m: critic.trainable_variables,
        inference=code_only,
    )
    model.compile(procedure=Alternating(Joint(Update(objective, "sgd")), [Player("critic", own)]))
    before = [v.numpy() for v in sure.trainable_variables]
    x = models.images(16)
    logs = model.fit(x, batch_size=8, verbose=0).history
    assert all(np.any(a != v.numpy()) for a, v in zip(before, sure.trainable_variables))
    draw = model.draw(x, 0)
    np.testing.assert_allclose(critic(draw), sure(draw) / 4.0)
    assert 0 < logs["critic/objective"][-1] < 3.0


class Digits:
    """A stream: the examples of one label, in their own order."""

    def __init__(self, label):
        self.label = label

    def __call__(self, source, start, shard):
        train = source.data.train
        rows = np.flatnonzero(train.label == self.label)
        x = tf.constant(train.x[rows], tf.float32)
        size = source.batch_size
        steps = tf.data.Dataset.range(start, 2**31)
        first, last = (size * i // shard[1] for i in (shard[0], shard[0] + 1))
        places = tf.range(first, last, dtype=tf.int64)
        return steps.map(lambda step: tf.gather(x, (step * size + places) % len(rows)))


def test_a_stage(tmp_path):
    """On a stream of its own, from weights of another run; the next one on what that makes of the data."""
    other = models.plain(seed=5)
    other.save(tmp_path / "other.keras")
    data = load("digits")
    grey = data.train.x[:, 2:6, 2:6]
    data = data._replace(train=data.train._replace(x=(grey > 0.5).astype("float32")))
    asked = types.SimpleNamespace(batch_size=8, seed=0, eval_every=10, checkpoint_every=10)
    made = types.SimpleNamespace(data=data, valid=models.images(6), valid_label=None)
    directory = RunDirectory.create(str(tmp_path / "run"), {})
    seen = []

    def watched(source, start, shard):
        def look(x):
            return tf.py_function(lambda x: seen.append(x.numpy()) or x, [x], x.dtype)

        return Digits(3)(source, start, shard).map(look)

    model = models.plain(seed=6)
    still = Joint(Update(Objective({"distortion": distortion}), keras.optimizers.SGD(1e-8)))
    start = Start(str(tmp_path / "other.keras"), ("encoder",))
    first = Stage("threes", model, still, 3, stream=watched, start=start)
    here = (asked, modalities.named("images"), made, tf.distribute.get_strategy(), directory, False)
    run.train_stage(first, *here)
    np.testing.assert_array_equal(seen[0], data.train.x[data.train.label == 3][:8])
    for a, b in zip(model.encoder.variables, other.encoder.variables):
        np.testing.assert_allclose(a, b, atol=1e-6)
    vectors = models.vectors()
    codes = CodesOf(model, lambda x: model.encode(x)[:, None, :, None])
    joint = Joint(Update(Objective({"distortion": distortion, "rate": rate})))
    second = Stage("vectors", vectors, joint, 2, stream=codes)
    run.train_stage(second, *here)
    rows = directory.metrics()
    assert [(row["stage"], row["step"]) for row in rows] == [("threes", 3), ("vectors", 2)]
    exact = model.encode(made.valid)[:, None, :, None]
    judged = vectors.evaluate(exact, verbose=0, return_dict=True)
    np.testing.assert_allclose(rows[1]["valid"]["distortion"], judged["distortion"], rtol=1e-5)


class LargestWeight:
    """A bound: -max_k log w_k, of which many samples are one (Li and Turner 2016, alpha -> -infinity)."""

    def __call__(self, draw):
        return -tf.reduce_max(draw.aux["log_weights"], -1)

    def measured(self, draw):
        return {"largest": -self(draw)}

    def of_means(self, measured):
        return -measured["largest"]


def test_a_bound():
    """It stands where distortion + rate stood; its figure is measured, and judged by."""
    model, x = models.plain(), models.images(48)
    update = Update(Objective({"bound": LargestWeight()}), "adam", inference=many_samples(4))
    model.compile(procedure=Joint(update, learning_rate=KeepBest(1e-2)))
    logs = model.fit(x, batch_size=16, epochs=6, verbose=0, validation_data=x).history
    assert logs["val_loss"][-1] < logs["val_loss"][0] - 0.3
    np.testing.assert_allclose(logs["val_loss"], -np.array(logs["val_largest"]), rtol=1e-5)
    assert all(a < b for a, b in zip(logs["val_elbo"], logs["val_largest"]))
    best = float(model.procedure.learning_rate.state()["best_loss"].numpy())
    assert abs(best - min(logs["val_loss"])) < 1e-4
