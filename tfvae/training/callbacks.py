"""What happens between steps: the guard, the monitor, the checkpoints, the progress line.

Their order matters: the guard looks before anything is kept; the monitor writes its row before the
checkpoint of the same step, so that a resumed run's metrics.jsonl is that of an uninterrupted one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic as _now
from typing import Any

import keras
import tensorflow as tf

from tfvae.checks import NotFinite
from tfvae.numerics import is_finite
from tfvae.training.run_directory import room

__all__ = ["Checkpointer", "FiniteGuard", "Monitor", "Progress"]

_OFTEN = 10.0  # seconds between two lines of a log, at least


def _minutes(seconds: int) -> str:
    """minutes:seconds, of long times hours:minutes:seconds."""
    minutes, hours = seconds // 60 % 60, seconds // 3600
    start = f"{hours}:{minutes:02d}" if hours else str(minutes)
    return f"{start}:{seconds % 60:02d}"


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
    """Stops before a weight that is NaN or infinite is measured or kept.

    The logs of a step, which `fit` looks at, were taken before its update.

    Args:
        start: the step the run goes on from.
        keeps: whether a step is measured or kept.
        weights: what is kept.

    Raises:
        NotFinite: names the weight and the step.
    """

    def __init__(self, start, keeps: Callable[[int], bool], weights):
        super().__init__(start)
        self._keeps, self._weights = keeps, weights

    def at_step(self, step, logs):
        if self._keeps(step):
            for weight in self._weights:
                if not is_finite(weight.value):
                    raise NotFinite(step, f"weight {weight.path} is no longer finite")


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

    observes = True  # `fit` need not be given validation data for a procedure that looks at some

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
        further: Callable[[], dict[str, Any]] = dict,
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
    """A line that is rewritten on a terminal; in a log lines that become rarer.

    The first comes before the first step, which takes as long as it takes to compile it, the next after
    that step; then one whenever a twentieth of the time that has passed has passed again, but not more
    than one in `_OFTEN` seconds: a day takes about a hundred and fifty.
    """

    def __init__(self, start: int, last: int, stage: str):
        super().__init__(start)
        self.first, self.last, self.stage = start, last, stage

    def on_train_begin(self, logs=None):
        self._shown = _now()
        print(f"{self.stage}: compiling the first step", file=sys.stderr, flush=True)

    def at_step(self, step, logs):
        now, terminal = _now(), sys.stderr.isatty()
        if step == self.first + 1:
            self._compiled = now  # without it: how fast the steps are
        wait = 0.2 if terminal else max(_OFTEN, (now - self._compiled) / 20)
        if now - self._shown < wait and step not in (self.first + 1, self.last):
            return
        self._shown = now
        shown = [
            f"{n} {float(logs[n]):.3f}" for n in ("objective", "distortion", "rate") if n in logs
        ]
        bar = "#" * round(20 * step / self.last)
        line = f"{self.stage} [{bar:.<20}] {step}/{self.last}  {'  '.join(shown)}"
        done, seconds = step - self.first - 1, now - self._compiled
        if done and seconds:
            left = int((self.last - step) * seconds / done)
            line += f"  {done / seconds:.3g} steps/s  {_minutes(left)} left"
        end = "\n" if step == self.last or not terminal else ""
        print(f"\r{line}\033[K" if terminal else line, end=end, file=sys.stderr, flush=True)
