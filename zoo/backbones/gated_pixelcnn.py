"""Gated PixelCNN (van den Oord et al. 2016): two stacks, no blind spot."""

from __future__ import annotations

from typing import NamedTuple

from tfvae.networks import GatedPixelCNN
from tfvae.parts import part
from zoo.backbones.images import AutoregressiveBackbone, decoder_filters, decoder_layers
from zoo.backbones.sizes import sized


class _Size(NamedTuple):
    filters: int
    num_layers: int
    kernel_size: int
    first_kernel_size: int


SIZES = {
    "tiny": _Size(32, 4, 3, 5),
    "small": _Size(32, 8, 3, 7),
    "paper": _Size(128, 15, 5, 7),
}


@part
class GatedPixelCNNBackbone(AutoregressiveBackbone):
    """Gated PixelCNN: two stacks, no blind spot; what it sees is limited by its layers."""

    name = "gated_pixelcnn"
    decoder_layers: int | None = decoder_layers()
    decoder_filters: int | None = decoder_filters()

    def network(self, size):
        s = sized(SIZES, size)
        return GatedPixelCNN(
            self.decoder_filters or s.filters,
            self.decoder_layers or s.num_layers,
            s.kernel_size,
            s.first_kernel_size,
        )
