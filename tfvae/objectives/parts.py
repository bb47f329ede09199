"""What the parts of the objective axis give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tfvae.parts import Part

__all__ = ["Added", "BudgetPart", "Opponent", "RemedyPart", "TermPart"]


class Opponent(NamedTuple):
    """A second player: its critic is moved by Adam(learning_rate, *betas) on `loss`, `steps` times a step.

    terms: {name: term, or (weight, term)} that its objective has besides.
    """

    name: str
    critic: Any
    loss: Any
    learning_rate: float
    betas: tuple[float, float]
    steps: int
    terms: Mapping[str, Any] = {}


class Added(NamedTuple):
    """terms: {name: term, or (weight, term)} for the objective; opponents: of the critics that these read."""

    terms: Mapping[str, Any]
    opponents: Sequence[Opponent] = ()


class TermPart(Part):
    """`make` gives an `Added`."""

    place = "terms"


class BudgetPart(Part):
    """`make(context, weight)` gives the terms of distortion and rate, where the rate's weight is that."""

    place = "rate_budget"


class RemedyPart(Part):
    """What is begun when a collapse is seen: a change of the rate's weight, or of the terms."""

    place = "on_collapse"

    def weight(self, weight, context):
        """Of the rate, with what may be turned on."""
        del context
        return weight

    def terms(self, terms, context):
        """The same for the terms of distortion and rate."""
        del context
        return terms
