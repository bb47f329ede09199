"""The inference axis: how z is found for an x."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tfvae.checks import UserError
from tfvae.inference import METHODS, amortised, semi_amortised
from zoo.axes.objective import rate_weight
from zoo.settings import ON, field

_STEPS = {"svi_steps": ON}

__all__ = ["InferenceSettings", "make"]


@dataclasses.dataclass(frozen=True)
class InferenceSettings:
    """q(z|x) straight from the encoder, or refined for each x."""

    inference: str = field(
        "amortised",
        "semi_amortised: the encoder's proposal is refined by gradient steps, and trained through "
        "them",
        choices=("amortised", "semi_amortised"),
    )
    svi_steps: int = field(
        20,
        "K of the refinement, in training and measuring",
        low=0,
        high=1000,
        of={"inference": ("semi_amortised",)},
    )
    svi_step_size: float = field(
        1.0,
        "alpha; the loss is a mean over the batch, so an example moves by alpha / B",
        low=1e-12,
        high=1e12,
        of=_STEPS,
    )
    svi_momentum: float = field(0.5, "gamma", low=0.0, high=0.99999, of=_STEPS)
    svi_clip_norm: float | None = field(
        5.0, "of the refinement's gradients, or none", low=1e-6, of=_STEPS
    )
    svi_gradient: str = field(
        "exact",
        "through the refinement: exact, or finite_difference (memory of one step)",
        choices=METHODS,
        of=_STEPS,
    )


def make(settings, context) -> Callable:
    """`(model, x, seed, step, label) -> Draw`.

    Raises:
        UserError: the objective has no weight of the rate that the refinement could use, the
            posterior's scale is fixed, or XLA is asked for.
    """
    if settings.inference == "amortised":
        return amortised
    for name in ("capacity", "target_rate", "target_distortion"):
        if getattr(settings, name) is not None:
            raise UserError(
                f"inference=semi_amortised refines z on distortion + beta * rate, which "
                f"{name}={getattr(settings, name)} has not: take beta or annealing"
            )
    if settings.posterior_scale is not None:
        raise UserError(
            "inference=semi_amortised refines mean and scale of the posterior, and "
            f"posterior_scale={settings.posterior_scale} holds the scale: take one of them"
        )
    if context.jit_compile:
        raise UserError(
            "--jit_compile cannot go with inference=semi_amortised: XLA needs minutes for the "
            "gradient through its nested loops"
        )
    return semi_amortised(
        settings.svi_steps,
        settings.svi_step_size,
        settings.svi_momentum,
        settings.svi_clip_norm,
        settings.svi_gradient,
        rate_weight(settings, context),
        batch_size=context.batch_size,
    )
