"""Fully connected encoder and decoder (Kingma and Welling 2014; Burda et al. 2016)."""

from __future__ import annotations

from tfvae.networks import FactorisedDecoder, MLPEncoder, MLPImage
from zoo.backbones.sizes import sized

# paper: 2 x 200 tanh, as in Burda, Grosse and Salakhutdinov 2016
UNITS = {"tiny": (128, 128), "small": (300, 300), "paper": (200, 200)}
ACTIVATION = {"tiny": "relu", "small": "relu", "paper": "tanh"}


def encoder(size: str):
    """Images -> [B, F]."""
    return MLPEncoder(sized(UNITS, size), sized(ACTIVATION, size))


def decoder(size: str, shape, parameter_size: int, settings, grid):
    """z -> parameters of independent pixels."""
    del grid
    units = sized(UNITS, size)
    layers = settings.decoder_layers or len(units)
    widths = (settings.decoder_filters or units[0],) * layers
    network = MLPImage(shape, widths, parameter_size, sized(ACTIVATION, size))
    return FactorisedDecoder(shape, network)
