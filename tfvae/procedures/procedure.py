"""The procedure axis: which variables move when.

Updates run on each replica; procedures run across replicas, around `strategy.run`, because control
flow around an optimizer step is impossible inside of it. A procedure owns the one step counter.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.inference import amortised
from tfvae.procedures.attendance import Attendance
from tfvae.procedures.keep_best import KeepBest
from tfvae.randomness import seed_of
from tfvae.schedules import Schedule

__all__ = ["Procedure", "arrived", "reduced"]


def reduced(strategy, logs) -> dict[str, tf.Tensor]:
    """The replicas' shares of the logs, added up."""
    return {name: strategy.reduce("SUM", value, axis=None) for name, value in logs.items()}


def arrived(batch):
    """A context in which nothing runs before the batch is there.

    Within a graph a counter does not wait for the data by itself: where a stream ends, the step that gets
    no batch would still count, here and in the optimizer.
    """
    return tf.control_dependencies(tf.nest.flatten(batch, expand_composites=True))


class Procedure(abc.ABC):
    """Abstract: builds the function that `fit` calls once a step, with the data iterator.

    One that keeps its best weights (`KeepBest`, `Plateau`) has an `objective`, which judges evaluations.

    Args:
        seed: every draw of every step is a function of this, the step and a purpose.
        inference: how `evaluate` finds z, `(model, x, seed, step, label) -> Draw`.
        learning_rate: of the procedure's step, or `None` to leave the optimizers' own.
    """

    def __init__(
        self,
        seed: int = 0,
        inference: Callable = amortised,
        learning_rate: Schedule | KeepBest | None = None,
    ):
        self.seed = seed_of(seed)
        self.inference = inference
        self.learning_rate = learning_rate
        self.step = tf.Variable(0, trainable=False, dtype=tf.int64, name="procedure_step")

    @abc.abstractmethod
    def build(
        self, model, strategy, run_eagerly: bool = False
    ) -> Callable[[Any], dict[str, tf.Tensor]]:
        """The cycle: takes the iterator, may dequeue several batches, returns reduced scalars.

        Args:
            model: a built `tfvae.VAE`.
            strategy: the `tf.distribute.Strategy` that the model was made under.
            run_eagerly: no `tf.function`.
        """

    objective: Any = None
    """What is minimised (`tfvae.objectives.Objective`): Keras' `loss` and `val_loss`; `None` for the ELBO."""

    several_batches = False
    """Whether a step may take more than one batch: `fit` then gives it a stream without end."""

    lacks_examples = False
    """Whether it looks at examples of its own choice, was made without, and takes those of `fit`."""

    lacks_epoch = False
    """Whether it waits for `take_epoch`."""

    watch: Callable | None = None
    """(x, label) -> a Keras callback that `fit` runs with: what turns remedies on when the latent is lost."""

    @property
    def optimizer(self):
        """The main one: `model.optimizer`, for Keras' callbacks; `None` where nothing speaks for all."""
        return None

    @property
    def asks_validation(self) -> str:
        """Who of it looks at validation data, in words; empty if nobody does."""
        if isinstance(self.learning_rate, KeepBest):
            return f"{type(self.learning_rate).__name__} looks at validation data"
        return "on_collapse looks at validation data" if self.watch is not None else ""

    @property
    def position(self) -> int:
        """How many batches of the stream were taken: where a resumed run goes on in it."""
        return int(self.step.numpy())

    @property
    def updates(self) -> list[Any]:
        """An `Update` of every objective that it minimises: what a trial before training looks at."""
        return []

    @property
    def needs_label(self) -> bool:
        """Whether a term of what it minimises reads labels: `fit` then takes batches (x, label)."""
        return any(objective.needs_label for objective in self._objectives())

    def _objectives(self) -> list[Any]:
        objectives = [self.objective, *(update.objective for update in self.updates)]
        return [objective for objective in objectives if objective is not None]

    @property
    def num_labels(self) -> int | None:
        """K of the term that knows the fewest labels; see `tfvae.objectives.Objective.num_labels`."""
        known = (objective.num_labels for objective in self._objectives())
        return min((number for number in known if number), default=None)

    @property
    def reads_beside(self) -> bool:
        """Whether a term or an inference reads what lies beside x in a batch."""
        held = (getattr(update.inference, "reads_beside", False) for update in self.updates)
        return self.needs_label or any(held)

    def observe(self, measured: dict[str, float], optimizers=()) -> None:
        """After each evaluation of validation data, with its figures."""
        if isinstance(self.learning_rate, KeepBest):
            # as the best one is kept: else its own value, rounded up there, would be better than it
            loss = float(np.float32(self._judge().judge(measured)))
            self.learning_rate.observe(int(self.step.numpy()), loss, optimizers)

    @property
    def over(self) -> bool:
        """Whether the training has ended before its last step."""
        return isinstance(self.learning_rate, KeepBest) and self.learning_rate.over

    def finish(self) -> None:
        """Called once when the training is done: the weights that shall be kept into the model."""
        if isinstance(self.learning_rate, KeepBest):
            self.learning_rate.take_back()

    @property
    def settles(self) -> bool:
        """Whether `settle` has something to do."""
        return any(update.examples_to_settle for update in self.updates)

    def settle(self, strategy, batches) -> None:
        """After `finish`: what no gradient moves is brought up to the weights that are kept.

        `fit` calls it with its own data, and `tfvae.training.train` with the stream from its begin.

        Args:
            strategy: the model's.
            batches: of the training data, from the begin of an epoch on; not more is read than is needed.
        """
        for update in self.updates:
            if update.examples_to_settle:
                update.settle(strategy, batches)

    def attendance(self, observed: bool) -> Attendance:
        """The callback that `fit` runs behind all others; `observed` if one of those measures by itself."""
        return Attendance(self, observed)

    def take_validation(self, x, label) -> None:
        """Validation examples that `fit` was given, [N, ...] raw units, and their labels or `None`."""
        del x, label

    def take_epoch(self, steps: int) -> None:
        """How many steps an epoch of `fit` has, for a procedure of several batches a step."""
        del steps

    def scheduled_rate(self, step: int) -> float | None:
        """The learning rate that the schedule gave or gives this step; `None` without a schedule."""
        return None if self.learning_rate is None else float(self.learning_rate(tf.constant(step)))

    def _judge(self) -> Any:
        if self.objective is None:
            raise UserError(
                f"{type(self).__name__} must have an objective, by which "
                f"{type(self.learning_rate).__name__} judges evaluations"
            )
        return self.objective

    def _build_rate(self, model) -> None:
        if isinstance(self.learning_rate, KeepBest):
            self._judge()
            self.learning_rate.build(model, [v for u in self.updates for v in u.beside])

    def _set_rate(self, *optimizers) -> None:
        if self.learning_rate is not None:
            for optimizer in optimizers:
                optimizer.learning_rate.assign(self.learning_rate(self.step))

    def _rate_state(self) -> dict[str, Any]:
        return self.learning_rate.state() if isinstance(self.learning_rate, KeepBest) else {}

    @abc.abstractmethod
    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold besides the model, by name: optimizers, counters, critics."""
