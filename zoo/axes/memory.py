"""The latent axis, associative: a prior that is told the code of a similar training example."""

from __future__ import annotations

import dataclasses
import math

from tfvae.checks import UserError, affordable
from tfvae.latents import AssociativeLatent, NeighbourPrior
from tfvae.networks import ExampleIndex
from tfvae.procedures import WriteCodes
from zoo.axes.latent import posterior
from zoo.settings import ON, field

_MEMORY = {"neighbours": ON}

__all__ = ["MemorySettings", "after", "make"]


@dataclasses.dataclass(frozen=True)
class MemorySettings:
    """p(z|c'), c' one of the K nearest codes of the training set."""

    neighbours: int = field(0, "K; 0: no memory", low=0, high=1000)
    own_code: bool = field(
        False, "let an example find its own code: only to see the rate vanish", of=_MEMORY
    )
    memory_size: int | None = field(
        None, "examples that the memory holds; none: the training split", low=2, of=_MEMORY
    )
    transition_units: int = field(
        512, "width of the MLP that makes p(z|c')", low=1, high=65536, of=_MEMORY
    )
    transition_layers: int = field(3, "its depth", low=1, high=100, of=_MEMORY)
    transition_components: int = field(
        5, "Gaussians of each number of z", low=1, high=500, of=_MEMORY
    )


_APART = {
    "prior": "normal",
    "num_codes": 0,
    "conditional": False,
    "inference": "amortised",
    "procedure": "joint",
    "on_collapse": "say",
    "mmd_weight": 0.0,
    "adversary_weight": 0.0,
    "moment_steps": 0,
}


def make(settings, positions: int | None, context, **heads):
    """(latent, condition): one vector or one at each position, compared as a whole.

    Raises:
        UserError: a setting that cannot go with a memory.
    """
    for name, off in _APART.items():
        value = getattr(settings, name)
        if value != off:
            raise UserError(
                f"neighbours={settings.neighbours} makes the prior one of a neighbour's code, which "
                f"joint training looks up by the row of each example: {name}={value} cannot go with it"
            )
    shape = (settings.latent_width,) if positions is None else (positions, settings.latent_width)
    number = settings.memory_size or context.num_examples
    if not number:
        raise UserError(
            f"neighbours={settings.neighbours} needs a memory as large as the training set: say "
            "memory_size=..., and fit on (x, row of each example)"
        )
    affordable(f"memory_size={number}", number * math.prod(shape))
    prior = NeighbourPrior(
        shape,
        number,
        settings.neighbours,
        settings.transition_units,
        settings.transition_layers,
        settings.transition_components,
        not settings.own_code,
    )
    if number < context.num_examples:
        raise UserError(
            f"memory_size={number} is less than the {context.num_examples} training examples"
        )
    return AssociativeLatent(posterior(settings, shape, **heads), prior), ExampleIndex()


def after(settings) -> WriteCodes | None:
    """What keeps the memory up to date."""
    return WriteCodes() if settings.neighbours else None
