"""Maps of noise to codes with a determinant that is known, as functions of tensors and networks."""

from tfvae.flows.affine import KINDS, affine, parameter_size
from tfvae.flows.autoregressive import inverse_autoregressive, masked_autoregressive, noise_of

__all__ = [
    "KINDS",
    "affine",
    "inverse_autoregressive",
    "masked_autoregressive",
    "noise_of",
    "parameter_size",
]
