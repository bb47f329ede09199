"""Posterior families: features -> q(z|x)."""

from tfvae.latents.posteriors.gaussian import GaussianPosterior

__all__ = ["GaussianPosterior"]
