"""The learning rate that falls with validation, against the rule written out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tfvae.procedures import Joint, Plateau, Update
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
    for step, (loss, (rate, taken, over)) in enumerate(zip(losses, expected)):
        weight.assign(tf.fill(weight.shape, float(step)))
        seen[step] = weight.numpy()
        plateau.observe(step, float(loss), [])
        assert float(plateau(None)) == pytest.approx(rate)
        np.testing.assert_array_equal(weight.numpy(), seen[step if taken is None else taken])
        assert plateau.over is over
    assert any(taken is not None for _, taken, _ in expected)


def test_a_fall_forgets_the_moments_but_not_the_rate():
    model, adam = models.plain(), keras.optimizers.Adam(0.3)
    plateau = Plateau(0.3, patience=1)
    model.compile(procedure=Joint(Update(_elbo(), adam), learning_rate=plateau))
    model.fit(models.images(32), verbose=0)
    assert any(np.abs(v.numpy()).max() > 0 for v in adam.variables[2:])
    model.procedure.observe({"elbo": -10.0})
    model.procedure.observe({"elbo": -11.0})
    assert float(plateau(None)) == pytest.approx(0.15)
    assert all(np.all(v.numpy() == 0) for v in adam.variables if v is not adam.learning_rate)
    model.fit(models.images(8), verbose=0)
    assert float(adam.learning_rate.numpy()) == pytest.approx(0.15)


def _elbo():
    from tfvae.objectives import elbo

    return elbo()


def _run(path, last, resume=False, stop_at=None):
    """A training whose validation only gets worse after step 4; the model and its rows."""
    directory = (RunDirectory.resume if resume else RunDirectory.create)(str(path), {"a": 1})
    model = models.plain(seed=3)
    plateau = Plateau(1e-2, patience=2, falls=3)
    procedure = Joint(Update(_elbo(), keras.optimizers.Adam()), learning_rate=plateau, seed=1)

    def evaluate():
        step = int(procedure.step.numpy())
        if stop_at is not None and step > stop_at:
            raise KeyboardInterrupt
        return {"elbo": -abs(step - 4.0), "rate": 0.0}

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
