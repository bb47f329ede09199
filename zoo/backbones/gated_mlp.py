"""Fully connected encoder and decoder of gated layers (Tomczak and Welling 2018).

Of levels of latents, as released there: the top one reads x through all layers and each other through one;
the decoder reads each by a layer of its own, and then all of them.
"""

from __future__ import annotations

from tfvae.networks import GatedLevels, LevelEncoders, MLPEncoder, MLPImage
from tfvae.parts import part
from zoo.backbones.images import FactorisedBackbone
from zoo.backbones.sizes import sized

# paper: 2 x 300, as in Tomczak and Welling 2018
UNITS = {"tiny": (100, 100), "small": (200, 200), "paper": (300, 300)}


@part
class GatedMLP(FactorisedBackbone):
    """Fully connected, of gated layers."""

    name, binary_inputs = "gated_mlp", "zero_one"

    def encoder(self, size):
        return MLPEncoder(sized(UNITS, size), "gated")

    def encoder_of(self, context):
        top, *others = context.point["posterior"].levels(context) or [""]
        if not others:
            return self.encoder(context.size)
        first = sized(UNITS, context.size)[:1]
        lower = [MLPEncoder(first, "gated") for _ in others]
        return LevelEncoders([top, *others], [self.encoder(context.size), *lower])

    def network(self, size, shape, parameter_size, grid):
        return MLPImage(shape, sized(UNITS, size), parameter_size, "gated")

    def network_of(self, context, parameter_size, grid):
        levels = context.point["posterior"].levels(context)
        if not levels:
            return super().network_of(context, parameter_size, grid)
        first, *rest = sized(UNITS, context.size)
        image = MLPImage(context.space.shape, rest, parameter_size, "gated")
        return GatedLevels(list(levels.values()), first, image)
