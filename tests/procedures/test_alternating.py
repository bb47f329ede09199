"""Critics in turn with the model: who moves when, on which batches, and an exact resume."""

import collections
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tests.frames import assert_resumed
from tfvae.checks import UserError
from tfvae.inference import code_only
from tfvae.objectives import (
    Critic,
    DensityRatio,
    DensityRatioLoss,
    DualVariable,
    Objective,
    PriorCritic,
    PriorCriticLoss,
    distortion,
    rate,
)
from tfvae.procedures import Aggressive, Alternating, Joint, Player, Update
from tfvae.training import ExactCheckpoint
from tfvae.training.export import export_saved_model, save_keras

BATCH = 8


def players(steps=(1, 2), rate=0.1):
    """Penalties for the model's objective, and the two critics that they read."""
    ratio, prior = Critic([5], 2), Critic([4], 1)
    terms = {"ratio": (0.5, DensityRatio(ratio)), "adversary": (2.0, PriorCritic(prior))}
    made = [
        Player(name, _update(critic, loss, rate), number)
        for name, critic, loss, number in (
            ("ratio", ratio, DensityRatioLoss(ratio), steps[0]),
            ("prior", prior, PriorCriticLoss(prior), steps[1]),
        )
    ]
    return terms, made


def _update(critic, loss, rate):
    return Update(
        Objective({"critic": loss}),
        keras.optimizers.Adam(rate),
        variables=lambda model: critic.trainable_variables,
        inference=code_only,
    )


def objective(terms):
    return Objective({"distortion": distortion, "rate": rate, **terms})


def numbered(number=60):
    """Batches whose images are all alike within a batch and differ between batches."""
    images = np.repeat(models.images(number), BATCH, 0)
    return tf.data.Dataset.from_tensor_slices(images).batch(BATCH).repeat()


def test_a_dual_variable_of_a_player_moves_by_its_logs():
    """w <- w + nu c_ma each turn, c = rate - target, c_ma its moving average: three turns a cycle."""
    model, critic = models.plain(), Critic([4], 2)
    weight = DualVariable("rate", 0.5, "additive", 0.1, ema=0.5, bounds=(0.0, 1e4))
    own = Update(
        Objective({"critic": (weight, DensityRatioLoss(critic))}),
        keras.optimizers.SGD(0.0),
        variables=lambda model: critic.trainable_variables,
        inference=code_only,
    )
    still = Joint(Update(Objective({"rate": rate}), keras.optimizers.SGD(0.0)))
    procedure = Alternating(still, [Player("ratio", own, 3)])
    model.compile(procedure=procedure)
    x = np.repeat(models.images(1), BATCH, 0)
    data = tf.data.Dataset.from_tensors(x).repeat()
    model.fit(data, steps_per_epoch=4, verbose=0)
    # the weights stand still and all images are alike: the same constraint twelve times
    gap = float(tf.reduce_sum(model.draw(x, 0).rate[0])) - 0.5
    assert abs(gap) > 0.1
    held = procedure.state()["ratio_critic_weight"]
    assert float(held.numpy()) == pytest.approx(1.0 + 12 * 0.1 * gap, rel=1e-5)


def _values(variables):
    return [v.numpy().copy() for v in variables]


def _moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after)]


def test_each_player_moves_its_own_weights_and_nothing_else():
    """The turns one at a time, by hand: weights before and after each."""
    model, (terms, others) = models.plain(), players()
    procedure = Alternating(Joint(Update(objective(terms), "adam")), others)
    model.compile(procedure=procedure)
    cycle = procedure.build(model, tf.distribute.get_strategy(), run_eagerly=True)
    critics = [p.update.objective.trainable_variables for p in others]
    groups = [model.trainable_variables, *critics]
    snapshots = []

    class Watched:
        """An iterator that remembers all weights whenever a batch is taken."""

        def __init__(self):
            self.data = iter(numbered())

        def __iter__(self):
            return self

        def __next__(self):
            snapshots.append([_values(g) for g in groups])
            return next(self.data)

    logs = cycle(Watched())
    snapshots.append([_values(g) for g in groups])
    assert len(snapshots) == 1 + 1 + 2 + 1  # model, first critic, second critic twice; the end
    for turn, owner in enumerate((0, 1, 2, 2)):
        for group in range(3):
            moved = _moved(snapshots[turn][group], snapshots[turn + 1][group])
            assert any(moved) == (group == owner), (turn, group)
    assert {"ratio/objective", "prior/objective", "prior/gradient_norm", "rate"} <= logs.keys()
    assert procedure.position == 4


def test_a_critic_that_learns_nothing_leaves_the_model_its_own_path():
    """Steps of size 0: the model moves as under the same penalties alone, on every fourth batch."""
    keras.utils.set_random_seed(0)
    model, (terms, others) = models.plain(), players(rate=0.0)
    for critic in (terms["ratio"][1].critic, terms["adversary"][1].critic):
        critic.build(model)
    start = _values(model.trainable_variables)
    model.compile(procedure=Alternating(Joint(Update(objective(terms), "sgd"), seed=3), others))
    model.fit(numbered(), steps_per_epoch=5, verbose=0, shuffle=False)
    found = _values(model.trainable_variables)
    for variable, value in zip(model.trainable_variables, start):
        variable.assign(value)
    fourth = numbered().shard(4, 0)
    model.compile(procedure=Joint(Update(objective(terms), "sgd"), seed=3))
    model.fit(fourth, steps_per_epoch=5, verbose=0, shuffle=False)
    for a, b in zip(found, _values(model.trainable_variables)):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_critics_go_with_aggressive_training_too():
    model, (terms, others) = models.plain(), players()
    main = Aggressive(
        "sgd", keras.optimizers.SGD(), lambda m: 1.0, 50, objective(terms), inner_steps=4, window=2
    )
    procedure = Alternating(main, others)
    model.compile(procedure=procedure)
    model.fit(numbered(), steps_per_epoch=3, verbose=0, shuffle=False)
    assert procedure.position == main.position + 9 > 12


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    def make(again):
        keras.utils.set_random_seed(7 if again else 0)
        model, (terms, others) = models.plain(seed=9 if again else 0), players()
        for critic in (terms["ratio"][1].critic, terms["adversary"][1].critic):
            critic.build(model)
        return model, Alternating(Joint(Update(objective(terms), "adam"), seed=1), others)

    kept = assert_resumed(tmp_path, make, numbered())
    for player in ("ratio", "prior"):  # its critic, and its optimizer
        assert {f"{player}_weight_3/0", f"{player}_optimizer/9"} <= kept.keys()


def test_files_of_the_model_hold_no_critic(tmp_path):
    """A .keras file and a SavedModel have the model's own numbers; the checkpoint has the critics'."""
    model, (terms, others) = models.plain(), players()
    procedure = Alternating(Joint(Update(objective(terms), "adam"), seed=3), others)
    model.compile(procedure=procedure)
    model.fit(numbered(), steps_per_epoch=2, verbose=0, shuffle=False)
    own = model.count_params()
    critics = sum(v.shape.num_elements() for p in others for v in p.update.moving)
    save_keras(model, str(tmp_path / "model.keras"))
    with zipfile.ZipFile(tmp_path / "model.keras") as packed:
        (tmp_path / "weights.h5").write_bytes(packed.read("model.weights.h5"))
    sizes = []
    with h5py.File(tmp_path / "weights.h5") as held:
        held.visititems(lambda name, part: sizes.append(getattr(part, "size", 0)))
    assert sum(sizes) == own
    export_saved_model(model, str(tmp_path / "saved"))
    # Keras' archive lists the weights twice
    assert {*_numbers(str(tmp_path / "saved" / "variables" / "variables")).values()} == {own}
    ExactCheckpoint(str(tmp_path / "steps"), model, procedure).save(1, {})
    (state,) = (tmp_path / "steps").glob("step_1/state.index")
    assert sum(_numbers(str(state.with_suffix(""))).values()) > own + critics > own


def _numbers(prefix):
    """How many a TensorFlow checkpoint holds, by the first word of their names."""
    found = collections.Counter()
    for name, shape in tf.train.list_variables(prefix):
        if not name.startswith("_CHECKPOINT"):
            found[name.split("/")[0]] += int(np.prod(shape))
    return found


def test_players_need_names_of_their_own():
    main, (_, others) = Joint(), players()
    with pytest.raises(UserError, match=r"names of their own, got \[\]"):
        Alternating(main, [])
    with pytest.raises(UserError, match="names of their own"):
        Alternating(main, [others[0], others[0]])
    with pytest.raises(UserError, match="steps of ratio must be a number above 0, got 0"):
        Alternating(main, [others[0]._replace(steps=0)])
