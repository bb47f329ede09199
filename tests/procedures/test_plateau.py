"""The learning rate that falls with validation, against the rule written out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tfvae.checks import UserError
from tfvae.objectives import (
    Capacity,
    DualVariable,
    Objective,
    Switch,
    codebook_distance,
    distortion,
    elbo,
    free_bits,
    rate,
)
from tfvae.procedures import (
    REFERENCES,
    Joint,
    KeepBest,
    MovingCodebook,
    Plateau,
    RestartedCodebook,
    Update,
)
from tfvae.schedules import Cyclical, Linear, Scaled
from tfvae.training import RunDirectory, train


def _as_released_for_text(losses, rate, factor, patience, start, falls):
    """text.py of He et al. 2019, its variables under their names, evaluations for epochs."""
    best_loss = reference = 1e4
    not_improved = decay_cnt = 0
    saved, told = None, []
    for epoch, loss in enumerate(losses):
        loaded = None
        if loss < best_loss:
            best_loss, saved = loss, epoch
        if loss > reference:
            not_improved += 1
            if not_improved >= patience and epoch >= start:
                reference, not_improved, rate = loss, 0, rate * factor
                loaded = saved
                decay_cnt += 1
        else:
            not_improved, reference = 0, loss
        told.append((rate, loaded, decay_cnt >= falls))
    return told


def _by_hand(losses, rate, factor, patience, start, falls):
    """(rate, place of the weights in use or None for the present ones) after each evaluation."""
    best, at, failures, fallen, told = float("inf"), None, 0, 0, []
    for step, loss in enumerate(losses):
        taken = None
        if loss < best:
            best, at, failures = loss, step, 0
        elif step >= start:
            failures += 1
            if failures == patience:
                failures, fallen, rate, taken = 0, fallen + 1, rate * factor, at
        told.append((rate, taken, fallen >= falls))
    return told


RULES = {"best": _by_hand, "fall": _as_released_for_text}


@pytest.mark.parametrize("reference", RULES)
@pytest.mark.parametrize(("patience", "start"), [(1, 0), (2, 0), (2, 7), (3, 4)])
def test_rate_weights_and_end_follow_the_rule(patience, start, reference):
    model = models.plain()
    weight = model.trainable_variables[0]
    plateau = Plateau(1.0, 0.5, patience, start, falls=3, reference=reference)
    plateau.build(model)
    losses = np.random.default_rng(patience + start).permutation(24) / 24.0
    seen = {}
    expected = RULES[reference](losses, 1.0, 0.5, patience, start, 3)
    assert expected != RULES[{"best": "fall", "fall": "best"}[reference]](
        losses, 1.0, 0.5, patience, start, 3
    )
    for step, (loss, (now, taken, over)) in enumerate(zip(losses, expected)):
        weight.assign(tf.fill(weight.shape, float(step)))
        seen[step] = weight.numpy()
        plateau.observe(step, float(loss), [])
        assert float(plateau(None)) == pytest.approx(now)
        np.testing.assert_array_equal(weight.numpy(), seen[step if taken is None else taken])
        assert plateau.over is over
    assert any(taken is not None for _, taken, _ in expected)


def test_a_fall_forgets_the_moments_but_not_the_rate():
    model, adam = models.plain(), keras.optimizers.Adam(0.3)
    plateau = Plateau(0.3, patience=1)
    model.compile(procedure=Joint(Update(elbo(), adam), learning_rate=plateau))
    model.train_on_batch(models.images(32))
    assert any(np.abs(v.numpy()).max() > 0 for v in adam.variables[2:])
    model.procedure.observe({"distortion": 10.0, "rate": 0.0})
    model.procedure.observe({"distortion": 9.0, "rate": 2.0})
    assert float(plateau(None)) == pytest.approx(0.15)
    assert all(np.all(v.numpy() == 0) for v in adam.variables if v is not adam.learning_rate)
    model.train_on_batch(models.images(8))
    assert float(adam.learning_rate.numpy()) == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("objective", "nats"),
    [
        (elbo(), 107.0),
        (elbo(0.0), 100.0),  # an autoencoder, which prepares an encoder
        (elbo(0.4), 102.8),
        (elbo(Linear(0.1, 1.0, 50)), 107.0),  # as released: annealing is over when it is judged
        (elbo(Scaled(0.5, Cyclical(80))), 103.5),
        (elbo(DualVariable("rate", 3.0, start=9.0)), 107.0),
        (elbo(Switch(1.0, Linear(0.0, 2.0, 5))), 107.0),
        (Objective({"distortion": distortion}), 100.0),  # a language model
        (Objective({"rate": rate}), 7.0),  # a prior on a frozen posterior
        (Objective({"distortion": distortion, "free_bits": free_bits(9.0)}), 107.0),  # as released
        (Objective({"distortion": distortion, "c": (10.0, Capacity(Linear(0.0, 5.0, 9)))}), 120.0),
        (Objective({"distortion": distortion, "mmd": (50.0, lambda draw: 3.0)}), 100.0),
    ],
)
def test_a_stage_is_judged_by_what_it_minimises(objective, nats):
    objective.build(None)
    assert objective.judge({"distortion": 100.0, "rate": 7.0}) == pytest.approx(nats)


def test_an_autoencoder_keeps_the_encoder_of_its_best_reconstructions():
    """Its rate is free: 30 + 37.1 is better than 50 + 4.8, by whose ELBO it is worse."""
    model = models.plain()
    plateau = Plateau(1.0, patience=1)
    model.compile(procedure=Joint(Update(elbo(0.0)), learning_rate=plateau))
    model.make_train_function()
    weight = model.trainable_variables[0]
    for number, measured in enumerate(((50.0, 4.8), (30.0, 37.1), (31.0, 0.0))):
        weight.assign(tf.fill(weight.shape, float(number)))
        values = dict(zip(("distortion", "rate"), measured), elbo=-sum(measured))
        model.procedure.observe(values)
    assert np.all(weight.numpy() == 1.0)


def test_the_best_weights_are_kept_under_any_schedule():
    model, sgd = models.plain(), keras.optimizers.SGD(9.0)
    procedure = Joint(Update(elbo(), sgd), learning_rate=KeepBest(Linear(0.5, 0.1, 2)))
    model.compile(procedure=procedure)
    weight = model.trainable_variables[0]
    losses, rates, seen = (5.0, 2.0, 3.0, 2.0), [], []
    for loss in losses:
        model.train_on_batch(models.images(8))
        rates.append(float(sgd.learning_rate.numpy()))
        seen.append(weight.numpy().copy())
        procedure.observe({"distortion": loss, "rate": 0.0})
        assert not procedure.over
        np.testing.assert_array_equal(weight.numpy(), seen[-1])
    np.testing.assert_allclose(rates, [0.5, 0.3, 0.1, 0.1], rtol=1e-6)
    procedure.finish()
    np.testing.assert_array_equal(weight.numpy(), seen[1])


def test_what_moves_beside_the_model_is_taken_back_with_it():
    """An `after` of somebody's own, and the weights of a term."""

    class Steps:
        def build(self, model):
            self.count = tf.Variable(0.0)

        def read(self, draw):
            return ()

        def __call__(self, seen, step, seed):
            self.count.assign_add(1.0)

        def state(self):
            return {"count": self.count}

    class Slope:
        def build(self, model):
            self.weight = keras.Variable(0.0)
            self.trainable_variables = [self.weight]

        def __call__(self, draw):
            return self.weight * tf.ones_like(draw.log_likelihood)

    model, steps, slope = models.plain(), Steps(), Slope()
    terms = {"distortion": distortion, "slope": slope}
    update = Update(Objective(terms), keras.optimizers.SGD(1.0), after=steps)
    procedure = Joint(update, learning_rate=KeepBest(1.0))
    model.compile(procedure=procedure)
    model.make_train_function()
    for loss in (2.0, 1.0, 3.0):
        model.train_on_batch(models.images(8))
        procedure.observe({"distortion": loss})
    assert (float(steps.count), float(slope.weight)) == (3.0, pytest.approx(-3.0))
    procedure.finish()
    assert (float(steps.count), float(slope.weight)) == (2.0, pytest.approx(-2.0))


@pytest.mark.parametrize("averaged", [True, False])
def test_the_codebook_of_the_best_weights_comes_back_with_its_counts(averaged):
    """The step after a fall moves the codebook as it would have been moved from the best weights on."""
    model = models.discrete(averaged=averaged)
    keep = (MovingCodebook if averaged else RestartedCodebook)(decay=0.7, revive_below=0.0)
    terms = {"distortion": distortion, "codebook": (10.0, codebook_distance)}
    update = Update(Objective(terms), keras.optimizers.SGD(1e-2), after=keep)
    plateau = Plateau(1e-2, factor=1.0, patience=1)
    model.compile(procedure=Joint(update, learning_rate=plateau))
    x = models.images(32)

    def one_more():
        """Codes and counts after one more step on the same batch."""
        model.train_on_batch(x[:16])
        return [
            w.numpy().copy() for w in (model.latent.codebook.vectors, model.latent.codebook.counts)
        ]

    for rows in 3 * (x[:16], x[16:]):
        model.train_on_batch(rows)
    model.procedure.observe({"distortion": 1.0})
    wanted = one_more()
    for rows in 5 * (x[:16], x[16:]):
        model.train_on_batch(1.0 - rows)
    late = one_more()
    model.procedure.observe({"distortion": 2.0})
    for found, want, other in zip(one_more(), wanted, late):
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)
        assert np.abs(other - want).max() > 0.05


def _run(path, last, resume=False, stop_at=None):
    """A training whose validation only gets worse after step 4; the model and its rows."""
    directory = (RunDirectory.resume if resume else RunDirectory.create)(str(path), {"a": 1})
    model = models.plain(seed=3)
    plateau = Plateau(1e-2, patience=2, falls=3)
    procedure = Joint(Update(elbo(), keras.optimizers.Adam()), learning_rate=plateau, seed=1)

    def evaluate():
        step = int(procedure.step.numpy())
        if stop_at is not None and step > stop_at:
            raise KeyboardInterrupt
        return {"distortion": abs(step - 4.0), "rate": 0.0}

    data = tf.data.Dataset.from_tensor_slices(models.images(80)).batch(8).repeat()
    stream = lambda start: data.skip(start)  # noqa: E731
    train("train", model, procedure, stream, last, directory, evaluate, 1, 3, resume, False)
    return model, directory.metrics()


def test_the_training_ends_itself_keeps_the_best_and_resumes_exactly(tmp_path):
    model, rows = _run(tmp_path / "whole", 50)
    assert rows[-1]["step"] == 10  # best at 4; falls at 6, 8, 10
    best, _ = _run(tmp_path / "best", 4)
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "cut", 50, stop_at=7)
    again, rows_again = _run(tmp_path / "cut", 50, resume=True)
    assert rows_again == rows
    done, _ = _run(tmp_path / "whole", 50, resume=True)
    for one, two, three, four in zip(*(m.variables for m in (model, best, again, done))):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
        np.testing.assert_array_equal(one.numpy(), three.numpy())
        np.testing.assert_array_equal(one.numpy(), four.numpy())


def test_the_references_are_named():
    with pytest.raises(UserError, match=f"reference of a plateau 'last'.*{', '.join(REFERENCES)}"):
        Plateau(0.1, reference="last")
