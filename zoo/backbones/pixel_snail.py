"""PixelSNAIL (Chen et al. 2018): causal convolutions and causal attention over the whole past."""

from __future__ import annotations

from typing import NamedTuple

from tfvae.networks import PixelSNAIL
from tfvae.parts import part
from zoo.backbones.images import AutoregressiveBackbone, decoder_filters, decoder_layers
from zoo.backbones.sizes import sized


class _Size(NamedTuple):
    filters: int
    num_blocks: int
    residuals_per_block: int
    key_size: int
    value_size: int


# paper: neocxi/pixelsnail-public, model h12_noup_smallkey
SIZES = {
    "tiny": _Size(24, 2, 1, 8, 12),
    "small": _Size(32, 3, 2, 16, 16),
    "paper": _Size(256, 12, 4, 16, 128),
}


@part
class PixelSNAILBackbone(AutoregressiveBackbone):
    """PixelSNAIL: causal convolutions and causal attention over the whole past."""

    name = "pixel_snail"
    decoder_layers: int | None = decoder_layers()
    decoder_filters: int | None = decoder_filters()

    def network(self, size):
        s = sized(SIZES, size)
        filters = self.decoder_filters or s.filters
        return PixelSNAIL(
            filters,
            self.decoder_layers or s.num_blocks,
            s.residuals_per_block,
            s.key_size,
            max(1, s.value_size * filters // s.filters),
        )
