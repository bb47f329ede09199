"""Joint training: one update of all variables for each batch."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.objectives import elbo
from tfvae.procedures.keep_best import KeepBest
from tfvae.procedures.partwise import Partwise
from tfvae.procedures.procedure import Procedure, arrived, reduced
from tfvae.procedures.update import Update
from tfvae.randomness import fold
from tfvae.schedules import Schedule

__all__ = ["Joint"]


class Joint(Procedure):
    """theta, phi <- one optimizer step on one batch (Kingma and Welling 2014, algorithm 1).

    Args:
        update: what moves; or give `objective` and `optimizer` for all variables on the ELBO.
        learning_rate: a `Schedule` of the procedure's step, a `KeepBest`, a `Plateau`, or `None` to
            leave the optimizer's own.
        seed: of every draw.
        inference: how `evaluate` finds z: as the update does, if not given.
    """

    def __init__(
        self,
        update: Update | None = None,
        objective=None,
        optimizer="adam",
        learning_rate: Schedule | KeepBest | None = None,
        seed: int = 0,
        inference: Callable | None = None,
    ):
        self.update = update or Update(objective or elbo(), optimizer)
        super().__init__(seed, inference or self.update.inference, learning_rate)
        self.objective = self.update.objective
        if learning_rate is not None and isinstance(self.update.optimizer, Partwise):
            raise UserError(
                "learning_rate of a Joint is of one optimizer; a Partwise has several: give each of "
                "them its own"
            )

    def build(self, model, strategy, run_eagerly=False):
        with strategy.scope():
            self.update.build(model)
            self._build_rate(model)

        def step(batch):
            if self.learning_rate is not None:
                self._set_rate(self.update.optimizer)
            arguments = (batch, self.step.read_value(), fold(self.seed, self.step))
            logs = reduced(strategy, strategy.run(self.update, arguments))
            self.update.objective.feed(self.step, logs)
            self.step.assign_add(1)
            del logs["units"]
            return logs

        def cycle(iterator):
            batch = next(iterator)
            with arrived(batch):
                return step(batch)

        return cycle if run_eagerly else tf.function(cycle, autograph=False)

    @property
    def updates(self):
        return [self.update]

    @property
    def optimizer(self):
        return self.update.main_optimizer

    def state(self):
        return {"step": self.step, **self.update.state(), **self._rate_state()}

    def finish(self):
        super().finish()
        self.update.finish()

    def observe(self, measured, optimizers=()):
        super().observe(measured, [self.update.optimizer])
