"""Fully connected encoder and decoder of gated layers (Tomczak and Welling 2018)."""

from __future__ import annotations

from tfvae.networks import MLPEncoder, MLPImage
from tfvae.parts import part
from zoo.backbones.images import FactorisedBackbone
from zoo.backbones.sizes import sized

# paper: 2 x 300, as in Tomczak and Welling 2018
UNITS = {"tiny": (100, 100), "small": (200, 200), "paper": (300, 300)}


@part
class GatedMLP(FactorisedBackbone):
    """Fully connected, of gated layers."""

    name = "gated_mlp"

    def encoder(self, size):
        return MLPEncoder(sized(UNITS, size), "gated")

    def network(self, size, shape, parameter_size, grid):
        return MLPImage(shape, sized(UNITS, size), parameter_size, "gated")
