"""tfvae: variational auto-encoders that do not collapse, as parts on six independent axes."""

from tfvae.quiet import import_tensorflow

import_tensorflow()  # before any other module does, with its greeting

from tfvae import (  # noqa: E402
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
from tfvae.checks import UserError  # noqa: E402
from tfvae.daydream import daydream  # noqa: E402
from tfvae.diagnosis import diagnose  # noqa: E402
from tfvae.draw import Draw, Pass  # noqa: E402
from tfvae.foreign import foreign  # noqa: E402
from tfvae.model import VAE  # noqa: E402
from tfvae.training.export import export_saved_model  # noqa: E402

# The wiring of the defaults: a model knows no procedure (`compile` without one means joint training)
# and no disk.
VAE.default_procedure = staticmethod(procedures.usual)
VAE.exporter = export_saved_model

__version__ = "0.1.0"

__all__ = [
    "VAE",
    "Draw",
    "Pass",
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
