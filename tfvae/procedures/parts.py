"""What the parts of the procedure axis are made of and give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import keras

from tfvae.inference import amortised
from tfvae.parts import Part, part, setting
from tfvae.procedures.joint import Joint
from tfvae.procedures.update import Update

__all__ = [
    "OptimizerPart",
    "Played",
    "ProcedurePart",
    "StagePart",
    "UpkeepPart",
    "joint_procedure",
    "optimizer",
    "rate",
]


class Played(NamedTuple):
    """What a procedure moves the weights for: an objective, an inference, and what moves beside them."""

    objective: Any
    inference: Callable = amortised
    after: Any = None


class ProcedurePart(Part):
    """`make(context, played)` gives a `Procedure`."""

    place = "procedure"


class UpkeepPart(Part):
    """`make(context)` gives what an `Update` takes as `after`."""

    place = "upkeep"

    def terms(self, context) -> Mapping[str, Any]:
        """What the objective has for it."""
        del context
        return {}


class StagePart(Part):
    """`make(context, model)` gives the `Stage`, before or after the main one."""

    place = "stages"
    after: ClassVar[bool] = False

    def done(self, model, fresh: Callable[[], Any]) -> None:
        """What follows it at once; `fresh()` is another model of the same parts, untrained."""


class OptimizerPart(Part):
    """`make(context, ema_decay)` gives a Keras optimizer, with weights averaged that far."""

    place = "optimizer"


def _averaged(decay: float) -> dict[str, Any]:
    return {"use_ema": decay > 0, "ema_momentum": decay or 0.99}


@part
class Adam(OptimizerPart):
    """Adam (Kingma and Ba 2015)."""

    name = "adam"
    adam_beta1: float = setting(
        0.9, "of the mean of the gradient (WAE as released: 0.5)", low=0.0, high=0.9999
    )
    clip_norm: float | None = setting(5.0, "largest global norm of the gradient, or none", low=1e-6)

    def make(self, context, ema_decay=0.0):
        return keras.optimizers.Adam(beta_1=self.adam_beta1, **_averaged(ema_decay))


@part
class SGD(OptimizerPart):
    """Gradient steps without momentum."""

    name = "sgd"
    clip_norm: float | None = setting(5.0, "largest global norm of the gradient, or none", low=1e-6)

    def make(self, context, ema_decay=0.0):
        return keras.optimizers.SGD(**_averaged(ema_decay))


def optimizer(context):
    """That of the model, with the averaging of what is kept."""
    kept = context.point["kept_weights"]
    return context.point["optimizer"].make(context, getattr(kept, "ema_decay", 0.0))


def rate(context, steps: int):
    """The learning rate over the steps, which may keep the best weights."""
    part = context.point["learning_rate_schedule"]
    schedule = part.make(context, context.learning_rate, steps)
    kept = context.point["kept_weights"]
    return schedule if kept is None else kept.make(schedule)


def joint_procedure(context, played: Played, steps: int) -> Joint:
    """All weights together, by the model's optimizer."""
    update = Update(
        played.objective,
        optimizer(context),
        clip_norm=context.point["optimizer"].clip_norm,
        inference=played.inference,
        jit_compile=context.jit_compile,
        after=played.after,
    )
    return Joint(update, learning_rate=rate(context, steps), seed=context.seed)


@part
class JointTraining(ProcedurePart):
    """All weights together."""

    name = "joint"

    def make(self, context, played):
        return joint_procedure(context, played, context.train_steps)
