"""The weights of the best evaluation, kept beside those that learn."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfvae.checks import built
from tfvae.parts import Part, facts, part, setting
from tfvae.schedules import Constant, Schedule

__all__ = ["KeepBest"]


class KeepBest:
    """The training ends with the weights of the evaluation whose loss was least.

    As released for text by Kim et al. 2018, He et al. 2019, Fu et al. 2019 and Li et al. 2019. The
    loss is what the procedure minimises (`Objective.judge`), of validation data.

    It stands where a procedure takes a learning-rate `Schedule`; unlike one it has a state, which
    checkpoints hold: the weights of the best evaluation among it. All weights of the model are taken
    back, those that no gradient moves too (the counts of a codebook, the rows of a memory), and with
    them what the terms and an `Update(after=...)` hold of their own.

    Args:
        rate: a number or a `Schedule`.
    """

    over = False
    """Whether the training has ended before its last step."""

    def __init__(self, rate: float | Schedule):
        self.rate = rate if isinstance(rate, Schedule) else Constant(float(rate))
        self._best = None

    def build(self, model, beside=()) -> None:
        """Makes the state; under the strategy's scope.

        Args:
            model: whose weights are kept.
            beside: variables that go with them.
        """
        if self._best is not None:
            return
        self._moving = [*model.variables, *beside]
        self._best = tf.Variable(float("inf"), trainable=False, name="best_loss")
        self._weights = [
            tf.Variable(tf.convert_to_tensor(v), trainable=False, name=f"best_weight_{i}")
            for i, v in enumerate(self._moving)
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
        best = built(self, self._best)
        if loss < float(best.numpy()):
            best.assign(loss)
            for kept, moving in zip(self._weights, self._moving):
                kept.assign(tf.convert_to_tensor(moving))

    def take_back(self) -> None:
        """The weights of the best evaluation into the model."""
        if float(built(self, self._best).numpy()) < float("inf"):
            for kept, moving in zip(self._weights, self._moving):
                moving.assign(kept.read_value())

    def state(self) -> dict[str, Any]:
        """For checkpoints."""
        weights = {f"best_weight_{i}": w for i, w in enumerate(self._weights)}
        return {"best_loss": self._best, **weights}


class KeptPart(Part):
    """`make(schedule)` gives what stands where a procedure takes its learning rate."""

    place = "kept_weights"

    def make(self, schedule):
        return schedule


@part
class Last(KeptPart):
    """Those of the last step."""

    name = "last"


@part
class Averaged(KeptPart):
    """Polyak's average of the steps."""

    name = "average"
    needs = facts("gradient_moves_all")
    owns = frozenset({"how many optimizers there are"})  # it averages what one of them moves
    ema_decay: float = setting(0.9995, "of the average", low=1e-6, high=0.99999)


@part
class Best(KeptPart):
    """Those of the best evaluation (as released for text)."""

    name = "best"

    def make(self, schedule):
        return KeepBest(schedule)
