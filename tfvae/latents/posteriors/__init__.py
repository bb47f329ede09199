"""Posterior families: features -> q(z|x)."""

from tfvae.latents.posterior import DrawnPosterior, Posterior
from tfvae.latents.posteriors.fixed_scale import FixedScalePosterior
from tfvae.latents.posteriors.gaussian import HEADS, GaussianPosterior
from tfvae.latents.posteriors.mean_field import MeanFieldPosterior
from tfvae.latents.posteriors.shared_scale import SharedScalePosterior

__all__ = [
    "HEADS",
    "DrawnPosterior",
    "FixedScalePosterior",
    "GaussianPosterior",
    "MeanFieldPosterior",
    "Posterior",
    "SharedScalePosterior",
]
