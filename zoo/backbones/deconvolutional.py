"""Residual encoder and transposed convolutions: a convolutional VAE with independent pixels."""

from __future__ import annotations

from tfvae.networks import DeconvolutionalImage, FactorisedDecoder, GridImage
from zoo.backbones.sizes import sized

FILTERS = {"tiny": (32, 16), "small": (64, 32), "paper": (128, 64)}


def decoder(size: str, shape, parameter_size: int, settings, grid):
    """z, or a grid of them, -> small map -> doubled until it is the image."""
    filters = sized(FILTERS, size)
    if grid is not None:
        width, blocks = settings.decoder_filters or filters[0], settings.decoder_layers or 2
        return FactorisedDecoder(shape, GridImage(shape, grid, width, parameter_size, blocks))
    if settings.decoder_layers or settings.decoder_filters:
        first = settings.decoder_filters or filters[0]
        filters = tuple(max(4, first >> i) for i in range(settings.decoder_layers or len(filters)))
    return FactorisedDecoder(shape, DeconvolutionalImage(shape, filters, parameter_size))
