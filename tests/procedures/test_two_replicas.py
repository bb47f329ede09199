"""One device = two replicas: the terms of the whole batch, learned weights, loops, refinement."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tfvae.inference import METHODS, code_only, semi_amortised
from tfvae.objectives import (
    FREE_BITS_FORMS,
    Capacity,
    Critic,
    DensityRatio,
    DensityRatioLoss,
    DualVariable,
    MaximumMeanDiscrepancy,
    MomentDistance,
    Objective,
    OffsetCritic,
    PriorCritic,
    PriorCriticLoss,
    cosine_similarity,
    distortion,
    free_bits,
    rate,
    total_correlation,
)
from tfvae.procedures import Aggressive, Alternating, Joint, Player, Update
from tfvae.schedules import Linear

BATCH = 16


def sgd():
    return keras.optimizers.SGD(0.05)


def everything():
    """Each form of free bits with its floor where it bites, and what else looks at the batch."""
    floors = dict(zip(FREE_BITS_FORMS, (0.3, 0.3, 0.9, 0.9)))
    terms = {form: (0.5, free_bits(floor, form)) for form, floor in floors.items()}
    objective = Objective(
        {
            "distortion": (DualVariable("distortion", 9.0, step_size=0.1), distortion),
            "cosine": (2.0, cosine_similarity),
            "capacity": (3.0, Capacity(Linear(0.0, 0.5, 12))),
            **terms,
        }
    )
    return Joint(Update(objective, sgd(), clip_norm=1.0), seed=7)


def aggressive():
    dual = DualVariable("rate", 0.5, "additive", step_size=0.1, bounds=(0.0, 5.0))
    objective = Objective({"distortion": distortion, "rate": (dual, rate)})
    ends = iter([0.3, 0.2])
    return Aggressive(
        sgd(), sgd(), lambda m: next(ends), 4, objective, window=2, inner_steps=7, clip_norm=0.5
    )


def divergences():
    """Kernels, the batch's mixture, and two critics, each the first's and the other's rival."""
    ratio, prior = Critic([6], 2), OffsetCritic(Critic([6], 1))
    objective = Objective(
        {
            "distortion": distortion,
            "rate": (0.2, rate),
            "mmd": (20.0, MaximumMeanDiscrepancy()),
            "total_correlation": (3.0, total_correlation(500)),
            "ratio": (2.0, DensityRatio(ratio)),
            "adversary": (2.0, PriorCritic(prior)),
            "moments": (0.5, MomentDistance()),
        }
    )
    players = [
        _player("ratio_critic", ratio, DensityRatioLoss(ratio), 2),
        _player("prior_critic", prior, PriorCriticLoss(prior), 1),
    ]
    return Alternating(Joint(Update(objective, sgd(), clip_norm=1.0), seed=7), players)


def _player(name, critic, loss, steps):
    update = Update(
        Objective({"critic": loss}),
        keras.optimizers.SGD(0.5),
        variables=lambda model: critic.trainable_variables,
        inference=code_only,
    )
    return Player(name, update, steps)


def refined(method):
    inference = semi_amortised(2, 20.0, clip_norm=0.02, method=method)
    return lambda: Joint(Update(Objective(_elbo()), sgd(), inference=inference), seed=7)


def _elbo():
    return {"distortion": distortion, "rate": rate}


CASES = {
    "terms": everything,
    "aggressive": aggressive,
    "divergences": divergences,
    **{m: refined(m) for m in METHODS},
}
STEPS = {"terms": 12, "aggressive": 10, "divergences": 8, **dict.fromkeys(METHODS, 5)}


def train(strategy, name):
    """The weights at the end, and the logs of each step."""
    with strategy.scope():
        model, procedure = models.plain(), CASES[name]()
    model.compile(procedure=procedure)
    rows = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rows.append({k: float(v) for k, v in logs.items()})
    )
    data = tf.data.Dataset.from_tensor_slices(models.images(40 * BATCH)).batch(BATCH).repeat()
    with strategy.scope():
        model.fit(data, steps_per_epoch=STEPS[name], verbose=0, shuffle=False, callbacks=[callback])
    return [w.numpy() for w in model.trainable_variables], rows, procedure


def _rows():
    """One of the two ways back through a refinement by hand: they agree (tests/inference)."""
    slow = METHODS[1]
    return [pytest.param(n, marks=[pytest.mark.slow] if n == slow else []) for n in CASES]


@pytest.mark.parametrize("name", _rows())
def test_two_replicas_equal_one_device(two_replicas, name):
    one, logs, procedure = train(tf.distribute.get_strategy(), name)
    two, theirs, other = train(two_replicas, name)
    start = [w.numpy() for w in models.plain().trainable_variables]
    assert max(np.abs(a - b).max() for a, b in zip(one, start)) > 1e-2
    # central differences of radius 1e-2 magnify the rounding of a gradient a hundredfold
    tolerance = 2e-5 if name == "finite_difference" else 2e-6
    for a, b in zip(one, two):
        np.testing.assert_allclose(a, b, atol=tolerance)
    for row, their in zip(logs, theirs):
        assert row.keys() == their.keys()
        for key in row:
            assert row[key] == pytest.approx(their[key], rel=1e-4, abs=1e-5), key
    assert procedure.position == other.position
    if name == "aggressive":
        assert logs[0]["aggressive"] == 1 and logs[-1]["aggressive"] == 0
        assert len({row["inner_steps"] for row in logs}) > 2
    if name == "divergences":
        assert procedure.position == 8 * 4  # one batch of the model, three of the critics
        for mine, their in zip(procedure.players, other.players):
            for a, b in zip(*(p.update.objective.trainable_variables for p in (mine, their))):
                np.testing.assert_allclose(a, b, atol=2e-6)
            losses = [row[f"{mine.name}/objective"] for row in logs]
            assert abs(losses[-1] - losses[0]) > 1e-2
    if name == "terms":
        assert logs[-1]["weight/distortion"] > 1.1
        for form in FREE_BITS_FORMS:  # each floor was above the rate at times
            above = [row[f"term/{form}"] > 1.01 * row["rate"] for row in logs]
            assert any(above) and (not all(above) or form.startswith("example"))
