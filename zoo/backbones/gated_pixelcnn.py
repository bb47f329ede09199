"""Gated PixelCNN (van den Oord et al. 2016): two stacks, no blind spot."""

from __future__ import annotations

from typing import NamedTuple

from tfvae.networks import GatedPixelCNN
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


def network(size: str, settings):
    """The causal network; what it sees is limited by its number of layers."""
    s = sized(SIZES, size)
    return GatedPixelCNN(
        settings.decoder_filters or s.filters,
        settings.decoder_layers or s.num_layers,
        s.kernel_size,
        s.first_kernel_size,
    )
