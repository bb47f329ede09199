"""A monitor that speaks when two signs agree, and remedies that it can turn on."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import linear_gaussian, models
from tfvae.checks import UserError
from tfvae.objectives import (
    Capacity,
    DualVariable,
    Objective,
    Switch,
    distortion,
    elbo,
    free_bits,
    rate,
)
from tfvae.procedures import Aggressive, Joint, Update
from tfvae.schedules import Constant, Cyclical, Linear, Scaled, Sigmoid
from tfvae.training import CollapseMonitor, RunDirectory, collapse_monitor, train
from zoo.command import plan, run

WHITE = (1.0,) * 5  # data in which there is nothing to code


def _watched(model, x, **given):
    """The monitor of a model that does not move, after so many steps."""
    lines = []
    monitor = CollapseMonitor(x, every=1, say=lines.append, **{"warm_up": 0, **given})
    model.compile(procedure=Joint(Update(elbo(), keras.optimizers.SGD(0.0))))
    model.fit(x, batch_size=len(x) // 4, verbose=0, callbacks=[monitor])
    return monitor, lines


def test_a_lost_code_is_said_once_after_patience():
    model, x = linear_gaussian.planted(squares=WHITE)[0], linear_gaussian.data(WHITE, 400)
    monitor, lines = _watched(model, x, patience=3)
    assert len(monitor.history) == 4 and len(lines) == 1
    assert lines[0].startswith("step 3: the latent has collapsed (rate 0.000 nats, ")
    assert "no active unit" in lines[0] and "tfvae.diagnose" in lines[0]


def test_a_code_in_use_is_left_in_peace():
    model, x = linear_gaussian.planted()
    monitor, lines = _watched(model, x)
    assert not lines
    found = monitor.history[-1]
    # 1/2 sum ln l_i for the five singular values, of which one is at the noise
    assert found["rate"] == pytest.approx(0.5 * np.log(25 * 16 * 9 * 4), abs=1e-3)
    assert found["active_units"] == 4 and found["mutual_information"] > 4


@pytest.mark.parametrize(
    ("found", "number"),
    [
        ((0.05, 2.0, 3), 1),  # a rate that is low alone
        ((2.0, 0.05, 3), 1),
        ((2.0, 2.0, 0), 1),
        ((0.05, 0.05, 3), 2),
        ((2.0, 0.05, 0), 2),
        ((0.05, 0.05, 0), 3),
    ],
)
def test_one_sign_is_none(found, number):
    names = ("rate", "mutual_information", "active_units")
    monitor = CollapseMonitor(np.zeros((4, 1)))
    assert len(monitor._signs(dict(zip(names, found)))) == number


def test_before_the_warm_up_nothing_is_said():
    """By itself not before step 100 of however short a run; by the command not before a tenth either."""
    model, x = linear_gaussian.planted(squares=WHITE)[0], linear_gaussian.data(WHITE, 400)
    assert _watched(model, x, warm_up=collapse_monitor.WARM_UP)[1] == []
    monitor, lines = _watched(model, x, warm_up=2)  # steps 2 and 3
    assert len(monitor.history) == 4 and [line[:7] for line in lines] == ["step 3:"]
    lines = []
    monitor = CollapseMonitor(x, say=lines.append)
    monitor.set_model(model)
    for step in (98, 99, 100, 101):
        monitor.look(step)
    assert [line.split(":")[0] for line in lines] == ["step 101"]


SCHEDULED = {
    "constant": (rate, Constant(0.2), {0: True}),
    "linear": (rate, Linear(0.0, 1.0, 50), {0: False, 49: False, 50: True}),
    "scaled": (rate, Scaled(0.3, Linear(0.1, 1.0, 50)), {49: False, 50: True}),
    "falling": (rate, Linear(2.0, 1.0, 50), {0: True}),
    # 0.99 is ln 99 / slope = 46 steps behind the midpoint
    "sigmoid": (rate, Sigmoid(0.1, 50), {90: False, 97: True}),
    # a half of each of two cycles of 50 rises
    "cyclical": (rate, Cyclical(100, 2), {10: False, 30: True, 60: False, 80: True, 100: True}),
    "capacity": (Capacity(Linear(0.0, 5.0, 50)), 10.0, {0: False, 49: False, 50: True}),
    "not yet turned": (rate, Switch(1.0, Linear(0.0, 1.0, 20)), {0: True, 50: True}),
    "learned": (rate, DualVariable("rate", 3.0), {0: True}),
}


@pytest.mark.parametrize("name", SCHEDULED)
def test_while_a_weight_or_a_target_is_on_its_way_no_look_counts(name):
    term, weight, wanted = SCHEDULED[name]
    objective = Objective({"distortion": distortion, "rate": (weight, term)})
    objective.build(None)
    assert {step: objective.settled(step) for step in wanted} == wanted


def test_a_remedy_is_given_its_time():
    """Annealing anew at step 30 takes 20 steps."""
    weight = Switch(Linear(0.0, 1.0, 10), Linear(0.0, 1.0, 20))
    objective = Objective({"distortion": distortion, "rate": (weight, rate)})
    objective.build(None)
    assert [objective.settled(step) for step in (9, 10, 30)] == [False, True, True]
    weight.turn_on(30)
    assert [objective.settled(step) for step in (30, 49, 50)] == [False, False, True]


def test_a_code_that_is_lost_while_its_price_still_rises_is_not_said_yet():
    model, x = linear_gaussian.planted(squares=WHITE)[0], linear_gaussian.data(WHITE, 400)
    lines = []
    monitor = CollapseMonitor(x, every=1, say=lines.append, warm_up=0)
    optimizer = keras.optimizers.SGD(0.0)
    model.compile(procedure=Joint(Update(elbo(beta=Linear(0.0, 1.0, 4)), optimizer)))
    model.fit(x, batch_size=50, verbose=0, callbacks=[monitor])
    assert [line.split(":")[0] for line in lines] == ["step 5"]  # the looks of steps 4 and 5


def test_it_speaks_again_only_when_the_code_was_back():
    model, x = linear_gaussian.planted()
    lines = []
    monitor = CollapseMonitor(x, patience=1, say=lines.append, warm_up=0)
    monitor.set_model(model)
    head = model.latent.posterior.mean_head.kernel
    scale = model.latent.posterior.scale_head.bias
    used = head.numpy(), scale.numpy()

    def lost(yes):
        head.assign(used[0] * (not yes))
        scale.assign(used[1] * (not yes))

    for step, yes in enumerate((True, True, False, True)):
        lost(yes)
        monitor.look(step)
    assert [line.split(":")[0] for line in lines] == ["step 0", "step 3"]


def test_remedies_are_turned_on_and_change_what_is_minimised():
    """Annealing anew: the weight of the rate is 1 before, and climbs from 0 after."""
    model, x = linear_gaussian.planted(squares=WHITE)[0], linear_gaussian.data(WHITE, 400)
    weight = Switch(1.0, Linear(0.0, 1.0, 4), "annealing")
    lines, weights = [], []
    given = {"remedies": [weight], "say": lines.append, "warm_up": 0}
    monitor = CollapseMonitor(x, every=1, patience=2, **given)

    class Kept(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights.append(float(logs["weight/rate"]))

    objective = Objective({"distortion": distortion, "rate": (weight, rate)})
    model.compile(procedure=Joint(Update(objective, keras.optimizers.SGD(0.0))))
    model.fit(x, batch_size=50, verbose=0, callbacks=[Kept(), monitor])
    np.testing.assert_allclose(weights, [1, 1, 0, 0.25, 0.5, 0.75, 1, 1])
    assert lines[0].endswith("; annealing turned on") and weight.on


def test_free_bits_can_be_switched_on():
    off, on = Switch(1.0, 0.0), Switch(0.0, 1.0)
    terms = {"distortion": distortion, "rate": (off, rate), "floor": (on, free_bits(0.5))}
    objective = Objective(terms)
    model, x = linear_gaussian.planted(squares=WHITE)[0], linear_gaussian.data(WHITE, 20)
    objective.build(model)
    draw = model.draw(x, 0)
    before = float(objective(draw, 5)[0])
    for switch in (off, on):
        switch.turn_on(5)
    after = float(objective(draw, 5)[0])
    assert before == pytest.approx(float(tf.reduce_mean(draw.distortion)), rel=1e-5)
    assert after == pytest.approx(before + 5 * 0.5, rel=1e-5)  # a floor under each of five units


def test_a_switch_survives_a_kill(tmp_path):
    def segment(folder, last, resume, turn):
        create = RunDirectory.resume if resume else RunDirectory.create
        directory = create(str(tmp_path / folder), {})
        model, weight = models.plain(seed=9 if resume else 0), Switch(1.0, Linear(0.0, 1.0, 20))
        objective = Objective({"distortion": distortion, "rate": (weight, rate)})
        procedure = Joint(Update(objective, "adam"), seed=1)
        data = tf.data.Dataset.from_tensor_slices(models.images(300)).batch(10).repeat()

        def evaluate():
            if turn and int(procedure.step) == 4:
                weight.turn_on(4)
            return {"elbo": 0.0}

        arguments = (last, directory, evaluate, 4, 4, resume)
        train("a", model, procedure, lambda at: data.skip(at), *arguments, progress=False)
        return [v.numpy() for v in model.variables]

    wanted = segment("whole", 10, False, True)
    segment("cut", 8, False, True)
    for a, b in zip(wanted, segment("cut", 10, True, False)):
        np.testing.assert_array_equal(a, b)
    plain = segment("plain", 10, False, False)
    assert any(np.abs(a - b).max() > 1e-6 for a, b in zip(wanted, plain))


def test_a_watch_between_two_looks_survives_a_kill(tmp_path):
    """Patience is counted on: killed after the first bad look, the remedy comes with the second."""

    def segment(folder, last, resume):
        create = RunDirectory.resume if resume else RunDirectory.create
        directory = create(str(tmp_path / folder), {})
        model, weight = models.plain(seed=9 if resume else 0), Switch(50.0, 0.0, "nothing")
        for head in (model.latent.posterior.mean_head, model.latent.posterior.scale_head):
            head.kernel.assign(tf.zeros_like(head.kernel))  # lost from the first step on
        objective = Objective({"distortion": distortion, "rate": (weight, rate)})
        procedure = Joint(Update(objective, keras.optimizers.SGD(1e-4)), seed=1)
        lines = []
        given = {"remedies": [weight], "say": lines.append, "warm_up": 0}
        watch = CollapseMonitor(models.images(50), patience=3, **given)
        data = tf.data.Dataset.from_tensor_slices(models.images(300)).batch(10).repeat()
        arguments = (last, directory, dict, 2, 2, resume)
        train(
            "a",
            model,
            procedure,
            lambda at: data.skip(at),
            *arguments,
            progress=False,
            watch=watch,
        )
        return [v.numpy() for v in model.variables], lines, weight.on

    wanted, said, on = segment("whole", 12, False)
    assert len(said) == 1 and on
    step = int(said[0].split(":")[0].removeprefix("step "))
    assert segment("cut", step - 2, False)[1:] == ([], False)
    found, again, _ = segment("cut", 12, True)
    assert again == said
    for a, b in zip(wanted, found):
        np.testing.assert_array_equal(a, b)
    rows = [json.loads(line) for line in (tmp_path / "cut" / "metrics.jsonl").open()]
    assert len(rows) == 6 and set(rows[0]["latent"]) == {
        "rate",
        "mutual_information",
        "active_units",
    }
    assert (tmp_path / "whole" / "metrics.jsonl").read_text() == (
        tmp_path / "cut" / "metrics.jsonl"
    ).read_text()


@pytest.mark.parametrize(
    ("settings", "turned", "seen"),
    [
        ({"on_collapse": "annealing"}, "annealing", "weight/rate"),
        pytest.param(
            {"on_collapse": "free_bits", "rate_budget": "free_bits"},
            "free bits",
            "weight/rate",
            marks=pytest.mark.slow,  # another weight, turned on by the same switch
        ),
        (
            {"on_collapse": "aggressive", "inner_steps": 2},
            "aggressive training",
            "aggressive",
        ),
    ],
)
def test_the_command_turns_a_remedy_on(tmp_path, capfd, monkeypatch, settings, turned, seen):
    monkeypatch.setattr(collapse_monitor, "WARM_UP", 5)  # so that 50 steps will do
    resolved = plan.resolve(
        "vae",
        (),
        {"beta": 30.0, **settings},
        backbone="mlp",
        train_steps=50,
        eval_every=5,
        nll_samples=2,
        nll_examples=10,
        workdir=str(tmp_path / "a"),
    )
    run.run(resolved)
    said = [line for line in capfd.readouterr().err.splitlines() if "has collapsed" in line]
    assert said and all(line.endswith(f"; {turned} turned on") for line in said)
    step = int(said[0].split(":")[0].removeprefix("step "))
    rows = [json.loads(line) for line in (tmp_path / "a" / "metrics.jsonl").open()]
    before = {row["train"][seen] for row in rows if row["step"] <= step}
    (after,) = [row["train"][seen] for row in rows if row["step"] == step + 5]
    assert len(before) == 1 and after not in before


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"on_collapse": "free_bits"},
            "on_collapse=free_bits needs a floor .* take rate_budget=free_bits",
        ),
        (
            {"on_collapse": "annealing", "rate_budget": "target_rate"},
            "annealing needs a weight of the rate .* rate_budget=target_rate, which leaves no rate_weight",
        ),
        (
            {"on_collapse": "annealing", "posterior": "vq"},
            "posterior=vq leaves no on_collapse, and here is on_collapse=annealing",
        ),
    ],
)
def test_a_remedy_that_cannot_be_is_refused(settings, says):
    with pytest.raises(UserError, match=says):
        zoo.build("vae", "digits", **settings)


def test_the_aggressive_phase_can_begin_anew():
    model = models.plain()
    seen = []
    procedure = Aggressive(
        "sgd", keras.optimizers.SGD(0.01), lambda m: 1.0, 100, inner_steps=2, window=1, largest=2
    )
    model.compile(procedure=procedure)

    class Kept(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(int(logs["aggressive"]))
            if len(seen) == 4:
                procedure.turn_on(int(procedure.step))

    data = tf.data.Dataset.from_tensor_slices(models.images(160)).batch(8).repeat()
    model.fit(data, steps_per_epoch=8, verbose=0, shuffle=False, callbacks=[Kept()])
    assert seen == [1, 0, 0, 0, 1, 0, 0, 0]


def test_a_model_without_a_posterior_is_refused():
    model, x = models.discrete(), models.images(20)
    model.compile()
    with pytest.raises(UserError, match="needs a model whose code has a posterior"):
        model.fit(x, verbose=0, callbacks=[CollapseMonitor(x)])
