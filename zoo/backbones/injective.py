"""A decoder to which no two z are the same (Wang, Blei and Cunningham 2021)."""

from __future__ import annotations

from tfvae.networks import InjectiveImage, MLPEncoder
from tfvae.parts import part, setting
from zoo.backbones.images import FactorisedBackbone, decoder_filters, decoder_layers
from zoo.backbones.mlp import ACTIVATION, UNITS
from zoo.backbones.sizes import sized


@part
class Injective(FactorisedBackbone):
    """Fully connected; the decoder is made of gradients of convex functions."""

    name, binary_inputs = "injective", "zero_one"
    decoder_layers: int | None = decoder_layers()
    decoder_filters: int | None = decoder_filters()
    inverse_lipschitz: float = setting(
        0.1, "L: what the decoder makes moves at least L times as far as z", low=1e-6, high=1e3
    )

    def encoder(self, size):
        return MLPEncoder(sized(UNITS, size), sized(ACTIVATION, size))

    def network(self, size, shape, parameter_size, grid):
        units = sized(UNITS, size)
        widths = (self.decoder_filters or units[0],) * (self.decoder_layers or len(units))
        return InjectiveImage(shape, widths, parameter_size, self.inverse_lipschitz)
