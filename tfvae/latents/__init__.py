"""The latent axis: a posterior family and a prior, or a quantiser."""

from tfvae.latents.latent import Inferred, Latent, NoLatent, StochasticLatent
from tfvae.latents.posteriors import GaussianPosterior
from tfvae.latents.priors import AR1Prior, AutoregressivePrior, StandardNormalPrior

__all__ = [
    "AR1Prior",
    "AutoregressivePrior",
    "GaussianPosterior",
    "Inferred",
    "Latent",
    "NoLatent",
    "StandardNormalPrior",
    "StochasticLatent",
]
