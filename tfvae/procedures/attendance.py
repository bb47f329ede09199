"""What a procedure must hear of while `fit` runs, whoever called it."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from tfvae.checks import NotFinite, UserError
from tfvae.numerics import is_finite

__all__ = ["Attendance"]


class Attendance(keras.callbacks.Callback):
    """Tells a procedure of each validation and of the end, and stops what has gone wrong.

    `fit` puts it behind all other callbacks.

    Args:
        procedure: a `tfvae.procedures.Procedure`.
        observed: another callback measures by itself, and ends the training with its measure.

    Raises:
        UserError: while it trains: a weight that is no longer finite; a learning rate that somebody else
            sets although a schedule of the procedure decides it.
    """

    def __init__(self, procedure, observed: bool = False):
        super().__init__()
        self.procedure, self.observed = procedure, observed

    def on_train_begin(self, logs=None):
        self._rate = (
            self._rate_now()
        )  # of the optimizer; a schedule sets its own with the first step

    def on_epoch_begin(self, epoch, logs=None):
        scheduled, rate = self._rate, self._rate_now()
        if (
            self.procedure.learning_rate is not None
            and rate is not None
            and scheduled is not None
            and not math.isclose(rate, scheduled, rel_tol=1e-5)  # a graph rounds another way
        ):
            raise UserError(
                f"the learning rate was set to {rate:g}, and a schedule of this model's procedure decides "
                "it: leave the callback out, or make the procedure without a schedule (of a model of the "
                "zoo: compile(model.optimizer))"
            )

    def on_train_batch_end(self, batch, logs=None):
        if not self.observed and self.procedure.over:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        self._rate = self._rate_now() if self.procedure.learning_rate is None else self._scheduled()
        for weight in self.model.weights:
            if not is_finite(weight.value):
                step = int(self.procedure.step.numpy())
                raise NotFinite(step, f"weight {weight.path} is no longer finite")
        measured = {k[4:]: float(v) for k, v in (logs or {}).items() if k.startswith("val_")}
        if measured:
            self.procedure.observe(measured)
        if self.procedure.over:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.procedure.finish()

    def _rate_now(self) -> float | None:
        """`None` where no single rate speaks for all."""
        try:
            return float(tf.convert_to_tensor(self.procedure.optimizer.learning_rate))
        except (AttributeError, UserError):
            return None

    def _scheduled(self) -> float:
        return self.procedure.scheduled_rate(int(self.procedure.step.numpy()) - 1)
