"""PixelCNN of masked convolutions beside a deconvolutional map (Chen et al. 2017): a small, counted field."""

from __future__ import annotations

from typing import NamedTuple

from tfvae.checks import UserError
from tfvae.networks import DeconvolutionalImage, GridImage, ImageConditioner, MaskedPixelCNN
from tfvae.parts import part, setting
from zoo.backbones.deconvolutional import FILTERS
from zoo.backbones.images import AutoregressiveBackbone, decoder_filters, decoder_layers
from zoo.backbones.sizes import sized

MAPS = 4  # beside the image


class _Size(NamedTuple):
    filters: int
    num_layers: int
    kernel_size: int


# paper: Chen et al. 2017, appendix A
SIZES = {"tiny": _Size(16, 2, 3), "small": _Size(24, 4, 3), "paper": _Size(12, 6, 3)}


@part
class MaskedPixelCNNBackbone(AutoregressiveBackbone):
    """PixelCNN that sees few pixels of the past, which are counted; what lies beyond, only z can tell."""

    name = "masked_pixelcnn"
    decoder_layers: int | None = decoder_layers()
    decoder_filters: int | None = decoder_filters()
    decoder_kernel: int | None = setting(
        None, "side of its convolutions instead of the size's own, odd", low=3, high=65
    )

    def network(self, size):
        s = sized(SIZES, size)
        kernel = self.decoder_kernel or s.kernel_size
        if kernel % 2 == 0:
            raise UserError(f"setting 'decoder_kernel' must be odd, got {kernel}")
        return MaskedPixelCNN(
            self.decoder_filters or s.filters, self.decoder_layers or s.num_layers, kernel
        )

    def conditioner(self, context, grid):
        shape, filters = context.space.shape, sized(FILTERS, context.size)
        if grid is None:
            return ImageConditioner(DeconvolutionalImage(shape, filters, MAPS), MAPS)
        return ImageConditioner(GridImage(shape, grid, filters[0], MAPS), MAPS)
