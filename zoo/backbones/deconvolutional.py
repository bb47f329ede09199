"""Residual encoder and transposed convolutions: a convolutional VAE with independent pixels."""

from __future__ import annotations

from tfvae.networks import DeconvolutionalImage, GridImage, SkipDeconvolutionalImage
from tfvae.parts import facts, part
from zoo.backbones.images import FactorisedBackbone, decoder_filters, decoder_layers, decoder_skips
from zoo.backbones.sizes import sized

FILTERS = {"tiny": (32, 16), "small": (64, 32), "paper": (128, 64)}


@part
class Deconvolutional(FactorisedBackbone):
    """z, or a grid of them, -> small map -> doubled until it is the image."""

    name = "deconvolutional"
    decoder_layers: int | None = decoder_layers()
    decoder_filters: int | None = decoder_filters()
    decoder_skips: bool = decoder_skips()

    def needed(self):
        """A grid of codes is read place by place already."""
        return self.needs | facts("one_vector" if self.decoder_skips else "")

    def network(self, size, shape, parameter_size, grid):
        filters = sized(FILTERS, size)
        if grid is not None:
            width, blocks = self.decoder_filters or filters[0], self.decoder_layers or 2
            return GridImage(shape, grid, width, parameter_size, blocks)
        if self.decoder_layers or self.decoder_filters:
            first = self.decoder_filters or filters[0]
            filters = tuple(max(4, first >> i) for i in range(self.decoder_layers or len(filters)))
        network = SkipDeconvolutionalImage if self.decoder_skips else DeconvolutionalImage
        return network(shape, filters, parameter_size)
