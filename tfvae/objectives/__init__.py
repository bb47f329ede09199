"""The objective axis: terms and their weights."""

from tfvae.objectives.elbo import distortion, elbo, rate
from tfvae.objectives.objective import Objective

__all__ = ["Objective", "distortion", "elbo", "rate"]
