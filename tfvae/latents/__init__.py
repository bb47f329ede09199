"""The latent axis: a posterior family and a prior, or a quantiser."""

from tfvae.latents.codebooks import Codebook, Quantised
from tfvae.latents.discrete import DiscreteLatent
from tfvae.latents.latent import Inferred, Latent, NoLatent, StochasticLatent
from tfvae.latents.posteriors import FixedScalePosterior, GaussianPosterior
from tfvae.latents.priors import (
    AR1Prior,
    AutoregressiveCodes,
    AutoregressivePrior,
    ConditionalNormalPrior,
    StandardNormalPrior,
    UniformCodes,
)

__all__ = [
    "AR1Prior",
    "AutoregressiveCodes",
    "AutoregressivePrior",
    "Codebook",
    "ConditionalNormalPrior",
    "DiscreteLatent",
    "FixedScalePosterior",
    "GaussianPosterior",
    "Inferred",
    "Latent",
    "NoLatent",
    "Quantised",
    "StandardNormalPrior",
    "StochasticLatent",
    "UniformCodes",
]
