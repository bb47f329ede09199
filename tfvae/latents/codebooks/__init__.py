"""Codebooks: features -> the nearest of K vectors."""

from tfvae.latents.codebooks.nearest import Codebook, Quantised

__all__ = ["Codebook", "Quantised"]
