"""tfvae: variational auto-encoders that do not collapse, as parts on six independent axes."""

from tfvae import (
    distributions,
    inference,
    latents,
    likelihoods,
    metrics,
    networks,
    objectives,
    procedures,
    schedules,
)
from tfvae.checks import UserError
from tfvae.daydream import daydream
from tfvae.diagnosis import diagnose
from tfvae.draw import Draw
from tfvae.foreign import foreign
from tfvae.model import VAE

# The wiring of the default: a model knows no procedure, `compile` without one means joint training.
VAE.default_procedure = procedures.Joint

__version__ = "0.1.0"

__all__ = [
    "VAE",
    "Draw",
    "UserError",
    "daydream",
    "diagnose",
    "distributions",
    "foreign",
    "inference",
    "latents",
    "likelihoods",
    "metrics",
    "networks",
    "objectives",
    "procedures",
    "schedules",
]
