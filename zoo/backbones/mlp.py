"""Fully connected encoder and decoder (Kingma and Welling 2014; Burda et al. 2016)."""

from __future__ import annotations

from tfvae.networks import MLPEncoder, MLPImage, SkipMLPImage
from tfvae.parts import part
from zoo.backbones.images import FactorisedBackbone, decoder_filters, decoder_layers, decoder_skips
from zoo.backbones.sizes import sized

# paper: 2 x 200 tanh, as in Burda, Grosse and Salakhutdinov 2016
UNITS = {"tiny": (128, 128), "small": (300, 300), "paper": (200, 200)}
ACTIVATION = {"tiny": "relu", "small": "relu", "paper": "tanh"}


@part
class MLP(FactorisedBackbone):
    """Fully connected."""

    name, binary_inputs = "mlp", "zero_one"
    decoder_layers: int | None = decoder_layers()
    decoder_filters: int | None = decoder_filters()
    decoder_skips: bool = decoder_skips()

    def encoder(self, size):
        return MLPEncoder(sized(UNITS, size), sized(ACTIVATION, size))

    def network(self, size, shape, parameter_size, grid):
        units = sized(UNITS, size)
        widths = (self.decoder_filters or units[0],) * (self.decoder_layers or len(units))
        network = SkipMLPImage if self.decoder_skips else MLPImage
        return network(shape, widths, parameter_size, sized(ACTIVATION, size))
