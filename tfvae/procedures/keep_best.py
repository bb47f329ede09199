"""The weights of the best evaluation, kept beside those that learn."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfvae.schedules import Constant, Schedule

__all__ = ["KeepBest"]


class KeepBest:
    """The training ends with the weights of the evaluation whose loss was least.

    As released for text by Kim et al. 2018, He et al. 2019, Fu et al. 2019 and Li et al. 2019. The
    loss is what the procedure minimises (`Objective.judge`), of validation data.

    It stands where a procedure takes a learning-rate `Schedule`; unlike one it has a state, which
    checkpoints hold: the weights of the best evaluation among it. All weights of the model are taken
    back, and with them what no gradient moves: the counts of a codebook, the rows of a memory.

    Args:
        rate: a number or a `Schedule`.
    """

    over = False
    """Whether the training has ended before its last step."""

    def __init__(self, rate: float | Schedule):
        self.rate = rate if isinstance(rate, Schedule) else Constant(float(rate))
        self._best = None

    def build(self, model) -> None:
        """Makes the state; under the strategy's scope."""
        if self._best is not None:
            return
        self._model = model
        self._best = tf.Variable(float("inf"), trainable=False, name="best_loss")
        self._weights = [
            tf.Variable(w.value, trainable=False, name=f"best_weight_{i}")
            for i, w in enumerate(model.variables)
        ]

    def __call__(self, step) -> tf.Tensor:
        """The rate of now, scalar float32."""
        return self.rate(step)

    def observe(self, step: int, loss: float, optimizers) -> None:
        """After an evaluation.

        Args:
            step: of the procedure.
            loss: of validation data, nats.
            optimizers: of the procedure.
        """
        del step, optimizers
        if loss < float(self._best.numpy()):
            self._best.assign(loss)
            for kept, weight in zip(self._weights, self._model.variables):
                kept.assign(weight.value)

    def take_back(self) -> None:
        """The weights of the best evaluation into the model."""
        if float(self._best.numpy()) < float("inf"):
            for kept, weight in zip(self._weights, self._model.variables):
                weight.assign(kept.read_value())

    def state(self) -> dict[str, Any]:
        """For checkpoints."""
        weights = {f"best_weight_{i}": w for i, w in enumerate(self._weights)}
        return {"best_loss": self._best, **weights}
