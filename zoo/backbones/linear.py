"""Linear encoder and decoder: with Gaussian pixels, probabilistic PCA (Lucas et al. 2019)."""

from __future__ import annotations

from tfvae.networks import FactorisedDecoder, MLPEncoder, MLPImage


def encoder(size: str):
    """x flattened; the posterior's mean is linear in it."""
    del size
    return MLPEncoder(())


def decoder(size: str, shape, parameter_size: int, settings, grid):
    """W z + mu."""
    del size, settings, grid
    return FactorisedDecoder(shape, MLPImage(shape, (), parameter_size))
