"""Maps of noise to codes with a determinant that is known, as functions of tensors and networks."""

from tfvae.flows.affine import KINDS, affine, parameter_size
from tfvae.flows.autoregressive import inverse_autoregressive, masked_autoregressive, noise_of
from tfvae.flows.coupling import coupling
from tfvae.flows.planar import planar

__all__ = [
    "KINDS",
    "affine",
    "coupling",
    "inverse_autoregressive",
    "masked_autoregressive",
    "noise_of",
    "parameter_size",
    "planar",
]
