"""Posterior families: features -> q(z|x)."""

from tfvae.latents.posteriors.fixed_scale import FixedScalePosterior
from tfvae.latents.posteriors.gaussian import GaussianPosterior

__all__ = ["FixedScalePosterior", "GaussianPosterior"]
