"""ResNet encoder and transposed convolutions: a convolutional VAE with independent pixels."""

from __future__ import annotations

from tfvae.networks import DeconvolutionalImage, FactorisedDecoder
from zoo.backbones.sizes import sized

FILTERS = {"tiny": (32, 16), "small": (64, 32), "paper": (128, 64)}


def decoder(size: str, shape, parameter_size: int, settings, grid):
    """z -> small map -> doubled until it is the image."""
    del grid
    filters = sized(FILTERS, size)
    if settings.decoder_layers or settings.decoder_filters:
        first = settings.decoder_filters or filters[0]
        filters = tuple(max(4, first >> i) for i in range(settings.decoder_layers or len(filters)))
    return FactorisedDecoder(shape, DeconvolutionalImage(shape, filters, parameter_size))
