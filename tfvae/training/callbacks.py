"""What happens between steps: the guard, the monitor, the checkpoints, the progress line.

Their order matters: the guard looks before anything is kept; the monitor writes its row before the
checkpoint of the same step, so that a resumed run's metrics.jsonl is that of an uninterrupted one.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.training.run_directory import room

__all__ = ["Checkpointer", "FiniteGuard", "Monitor", "Progress"]


class _Clock(keras.callbacks.Callback):
    """Counts steps from where the run goes on."""

    def __init__(self, start: int):
        super().__init__()
        self.step = start

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        self.at_step(self.step, logs or {})

    def at_step(self, step: int, logs: dict[str, Any]) -> None:
        """Called after each step with its logs."""


class FiniteGuard(_Clock):
    """Stops at the first log that is NaN or infinite, before anything of that step is kept.

    The logs of a step were taken before its update; so the weights are looked at too, at the steps
    where they would be measured or kept.

    Args:
        start: the step the run goes on from.
        keeps: whether a step is measured or kept.
        weights: what is kept.
        last_good: the step of the newest checkpoint, or `None`.

    Raises:
        UserError: names the term or the weight, the step, and the checkpoint that is still good.
    """

    def __init__(self, start, keeps: Callable[[int], bool], weights, last_good):
        super().__init__(start)
        self._keeps, self._weights, self._last_good = keeps, weights, last_good

    def at_step(self, step, logs):
        # a sum is finite only if its parts are
        if not math.isfinite(sum(float(value) for value in logs.values())):
            for name in ("distortion", "rate", *sorted(logs)):
                if name in logs and not math.isfinite(float(logs[name])):
                    self._stop(step, f"{name} is {float(logs[name])}")
        if self._keeps(step):
            for weight in self._weights:
                if not bool(tf.reduce_all(tf.math.is_finite(weight.value))):
                    self._stop(step, f"weight {weight.path} is no longer finite")

    def _stop(self, step, what):
        good = self._last_good()
        kept = f"the last good checkpoint is of step {good}"
        raise UserError(
            f"training stopped at step {step}: {what}; "
            f"{'no checkpoint was written yet' if good is None else kept}; "
            "a smaller --learning_rate or --set=clip_norm may help"
        )


class Monitor(_Clock):
    """A row of metrics.jsonl and the TensorBoard scalars, every so many steps and at the end.

    Args:
        start: the step the run goes on from.
        last: the stage's last step.
        every: steps between evaluations.
        stage: its name, part of each row.
        evaluate: measures on the validation data, by name.
        append: takes the row.
        writer: a `tf.summary` writer.
        state: of an interrupted run, `{"sums": ..., "count": ..., "rows": ...}`: since the last row, and
            how many rows there are.
        further: () -> more of the row, for the report's figures.
        procedure: is told what was measured, and may end the training.
        watch: a `CollapseMonitor`; its figures are the row's `latent`.
    """

    def __init__(
        self,
        start,
        last,
        every,
        stage,
        evaluate,
        append,
        writer,
        state=None,
        further=dict,
        procedure=None,
        watch=None,
    ):
        super().__init__(start)
        self.last, self.every, self.stage = last, every, stage
        self.evaluate, self.append, self.writer = evaluate, append, writer
        self.further, self.procedure, self.watch = further, procedure, watch
        self.state = state or {"sums": {}, "count": 0, "rows": 0}
        if watch is not None and "watch" in self.state:
            watch.state = self.state["watch"]

    def at_step(self, step, logs):
        sums = self.state["sums"]
        for name, value in logs.items():
            sums[name] = sums.get(name, 0.0) + float(value)
        self.state["count"] += 1
        over = self.procedure is not None and self.procedure.over
        if step % self.every and step != self.last and not over:
            return
        train = {name: total / self.state["count"] for name, total in sorted(sums.items())}
        self.state.update(sums={}, count=0)
        valid = self.evaluate()
        row = {"stage": self.stage, "step": step, "train": train, "valid": valid}
        if self.watch is not None:
            self.watch.set_model(self.model)
            row["latent"] = {k: v for k, v in self.watch.look(step).items() if k != "step"}
            self.state["watch"] = self.watch.state
        self.append({**row, **self.further()})
        self.state["rows"] += 1
        if self.procedure is not None:
            self.procedure.observe(valid)
            self.model.stop_training = self.procedure.over
        with room("tensorboard"), self.writer.as_default(step):
            for kind in ("train", "valid", "latent"):
                for name, value in row.get(kind, {}).items():
                    if value is not None:
                        tf.summary.scalar(f"{self.stage}/{kind}/{name}", value)
            self.writer.flush()


class Checkpointer(_Clock):
    """Saves every so many steps and at the end.

    Args:
        start, last, every: as of `Monitor`.
        save: takes the step.
    """

    def __init__(self, start, last, every, save: Callable[[int], None]):
        super().__init__(start)
        self.last, self.every, self.save = last, every, save

    def at_step(self, step, logs):
        if step % self.every == 0 or step == self.last or self.model.stop_training:
            self.save(step)


class Progress(_Clock):
    """A line that is rewritten on a terminal; ten lines in a log."""

    def __init__(self, start: int, last: int, stage: str):
        super().__init__(start)
        self.first, self.last, self.stage = start, last, stage
        self._begun = self._shown = time.time()

    def at_step(self, step, logs):
        now, terminal = time.time(), sys.stderr.isatty()
        due = now - self._shown > 0.2 if terminal else step % max(1, self.last // 10) == 0
        if not (due or step == self.last):
            return
        self._shown = now
        rate = (step - self.first) / max(now - self._begun, 1e-9)
        left = int((self.last - step) / max(rate, 1e-9))
        shown = [
            f"{n} {float(logs[n]):.3f}" for n in ("objective", "distortion", "rate") if n in logs
        ]
        bar = "#" * round(20 * step / self.last)
        line = (
            f"{self.stage} [{bar:.<20}] {step}/{self.last}  {'  '.join(shown)}  "
            f"{rate:.1f} steps/s  {left // 60}:{left % 60:02d} left"
        )
        end = "\n" if step == self.last or not terminal else ""
        print(f"\r{line}\033[K" if terminal else line, end=end, file=sys.stderr, flush=True)
