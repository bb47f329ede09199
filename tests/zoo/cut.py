"""Runs that are cut short and go on: what is left of them at the end."""

import pytest

from zoo import report, run


class Killed(BaseException):
    """What a test raises in place of a signal."""


def ending(resolved, monkeypatch, cuts=0):
    """({name: value} of all that the last checkpoint holds, metrics.jsonl) of a run cut so many times.

    The first cut comes at its third checkpoint, the next at the second of the rest, and so on; with
    one cut for each of its stages, each of few checkpoints, every one is left in the middle.
    """
    kept = {}

    def write(resolved, described, kind, data, model, last, seconds, directory):
        state = {"model": last.model, **last.procedure.state()}
        kept["values"] = {
            f"{name}/{number}": variable.numpy()
            for name, part in state.items()
            for number, variable in enumerate(getattr(part, "variables", [part]))
        }
        kept["rows"] = directory.metrics()
        return {}

    with monkeypatch.context() as patch:
        patch.setattr(report, "write", write)
        for number in range(cuts):
            with patch.context() as inner, pytest.raises(Killed):
                _kill_after(inner, 3 - number)
                run.run(resolved, resume=number > 0)
        run.run(resolved, resume=cuts > 0)
    return kept["values"], kept["rows"]


def _kill_after(patch, saves):
    """Raises at the checkpoint after so many."""
    from tfvae.training import callbacks

    done, save = [0], callbacks.Checkpointer.at_step

    def at_step(self, step, logs):
        save(self, step, logs)
        done[0] += step % self.every == 0
        if done[0] >= saves:
            raise Killed

    patch.setattr(callbacks.Checkpointer, "at_step", at_step)
