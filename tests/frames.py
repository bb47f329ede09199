"""What several tests do: a run that is cut and goes on, one device beside two replicas."""

import keras
import numpy as np

from tfvae.training import RunDirectory, train


def held(model, procedure):
    """{name: value} of all that a checkpoint holds."""
    state = {"model": model, **procedure.state()}
    return {
        f"{name}/{number}": variable.numpy()
        for name, part in state.items()
        for number, variable in enumerate(getattr(part, "variables", [part]))
    }


def assert_same(one, other, **tolerance):
    """The same names, and the same values bit for bit, or within the tolerance."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        if tolerance:
            np.testing.assert_allclose(value, other[name], err_msg=name, **tolerance)
        else:
            np.testing.assert_array_equal(value, other[name], err_msg=name)


def segment(path, made, data, last, resume=False, evaluate=dict, every=100):
    """({name: value}, rows of metrics.jsonl, model) of a run up to a step, or of its rest.

    Args:
        path: of the run's directory.
        made: (model, procedure).
        data: endless, of the batches from the beginning.
        evaluate: () -> figures of the validation data, `every` so many steps.
    """
    model, procedure = made
    directory = (RunDirectory.resume if resume else RunDirectory.create)(str(path), {})
    arguments = (last, directory, evaluate, every, 100, resume)
    train("a", model, procedure, lambda at: data.skip(at), *arguments, progress=False)
    return held(model, procedure), directory.metrics(), model


def assert_resumed(tmp_path, make, data, last=9, cuts=(4,)):
    """A run that is cut after some steps ends as one that is not, bit for bit.

    Args:
        make: (again) -> (model, procedure); `again` where the run goes on, which must not need its start.

    Returns:
        {name: value} of all that its last checkpoint holds.
    """
    whole, *_ = segment(tmp_path / "whole", make(False), data, last)
    resume = False
    for cut in (*cuts, last):
        found, *_ = segment(tmp_path / "cut", make(resume), data, cut, resume)
        resume = True
    assert_same(whole, found)
    return whole


def fitted(strategy, make, data, steps):
    """({name: value}, the logs of each step, the model, its procedure) after a `fit` under the strategy.

    Args:
        make: () -> (model, procedure), called in the strategy's scope.
        data: endless batches, global.
    """
    with strategy.scope():
        model, procedure = make()
    model.compile(procedure=procedure)
    rows = []
    log = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rows.append({k: float(v) for k, v in logs.items()})
    )
    with strategy.scope():
        model.fit(data, steps_per_epoch=steps, verbose=0, shuffle=False, callbacks=[log])
    return held(model, procedure), rows, model, procedure
