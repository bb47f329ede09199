"""A learning rate that falls when validation stops improving, with the best weights taken back."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfvae.checks import built, one_of
from tfvae.parts import Part, part, setting
from tfvae.procedures.keep_best import KeepBest

__all__ = ["REFERENCES", "Plateau"]

REFERENCES = ("best", "fall")


class Plateau(KeepBest):
    """rate <- factor * rate after `patience` evaluations in a row that are worse than a reference.

    The rules of He et al. 2019 (as released): the weights of the best evaluation are taken back with
    each fall, optimizers forget their moments, and after `falls` falls the training ends. What an
    evaluation is compared with:

        best   the best one so far; evaluations before `start` count no failure           (images)
        fall   the best one since the last fall, which begins with the one that caused it; failures
               are counted from the first evaluation on, and the rate falls from `start` on  (text)

    With `fall` what was lost by the worse evaluation may be won again before the rate falls further.

    Args:
        rate: at first.
        factor: of each fall.
        patience: failures in a row (published: 2 for text, 20 for images).
        start: the step before which the rate does not fall (published: 16 epochs of text).
        falls: after so many the training ends (published: 5).
        reference: `best` or `fall`.

    Raises:
        UserError: an unknown reference.
    """

    def __init__(
        self,
        rate: float,
        factor: float = 0.5,
        patience: int = 2,
        start: int = 0,
        falls: int = 5,
        reference: str = "best",
    ):
        self.reference = one_of("reference of a plateau", reference, REFERENCES)
        super().__init__(rate)
        self._current: Any = None  # made by build, with the others
        self._fallen: Any = None
        self.factor, self.patience = factor, patience
        self.start, self.falls = start, falls

    def build(self, model, beside=()):
        if self._best is not None:
            return
        super().build(model, beside)
        self._current = tf.Variable(self.rate(0), trainable=False, name="plateau_rate")
        self._compared = tf.Variable(float("inf"), trainable=False, name="plateau_compared")
        self._failures = tf.Variable(0, trainable=False, name="plateau_failures")
        self._fallen = tf.Variable(0, trainable=False, name="plateau_fallen")

    def __call__(self, step) -> tf.Tensor:
        """The rate of now, scalar float32."""
        del step
        return built(self, self._current).read_value()

    @property
    def over(self) -> bool:
        """Whether the training has ended."""
        return int(built(self, self._fallen).numpy()) >= self.falls

    def observe(self, step: int, loss: float, optimizers) -> None:
        """After an evaluation; with a fall the optimizers forget their moments."""
        super().observe(step, loss, optimizers)
        if loss < float(self._compared.numpy()):
            self._compared.assign(loss)
            self._failures.assign(0)
            return
        if self.reference == "fall" or step >= self.start:
            self._failures.assign_add(1)
        if step < self.start or int(self._failures.numpy()) < self.patience:
            return
        self._failures.assign(0)
        if self.reference == "fall":
            self._compared.assign(loss)
        self._fallen.assign_add(1)
        self._current.assign(self.factor * float(self._current.numpy()))
        self.take_back()
        for optimizer in optimizers:
            for variable in optimizer.variables:
                if variable is not optimizer.learning_rate:
                    variable.assign(tf.zeros_like(variable.value))

    def state(self) -> dict[str, Any]:
        """For checkpoints."""
        return {
            **super().state(),
            "plateau_rate": self._current,
            "plateau_compared": self._compared,
            "plateau_failures": self._failures,
            "plateau_fallen": self._fallen,
        }


@part
class PlateauRate(Part):
    """A half whenever validation has not improved in some evaluations, with the best weights taken back."""

    place, name = "learning_rate_schedule", "plateau"
    closes = ("kept_weights",)
    plateau_patience: int = setting(2, "evaluations without a better one", low=1)
    plateau_reference: str = setting(
        "best",
        "than the best of all (best), or than the best since the last fall (fall; as released for text)",
        choices=REFERENCES,
    )
    plateau_start: int = setting(0, "the step before which it does not fall", low=0)
    plateau_falls: int = setting(5, "halvings after which the training ends", low=1)

    def make(self, context, rate, steps):
        return Plateau(
            rate,
            0.5,
            self.plateau_patience,
            self.plateau_start,
            self.plateau_falls,
            self.plateau_reference,
        )
