"""The evidence lower bound as an objective."""

from __future__ import annotations

from tfvae.objectives.bound_terms import distortion, rate
from tfvae.objectives.objective import Objective
from tfvae.parts import Part, part

__all__ = ["elbo"]


def elbo(beta=1.0) -> Objective:
    """distortion + beta * rate.

    Args:
        beta: a number or a `Schedule`; 1 is the evidence lower bound (Kingma and Welling 2014).
    """
    return Objective({"distortion": distortion, "rate": (beta, rate)})


@part
class Elbo(Part):
    """distortion + weight(step) * rate."""

    place, name = "bound", "elbo"
