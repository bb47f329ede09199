"""The latent axis: a posterior family and a prior, or a quantiser."""

from tfvae.latents.associative import AssociativeLatent
from tfvae.latents.codebooks import Codebook, Quantised
from tfvae.latents.discrete import DiscreteLatent
from tfvae.latents.latent import Inferred, Latent, NoLatent, StochasticLatent
from tfvae.latents.memory import CodeMemory
from tfvae.latents.posteriors import (
    FixedScalePosterior,
    GaussianPosterior,
    MeanFieldPosterior,
    SharedScalePosterior,
)
from tfvae.latents.priors import (
    AR1Prior,
    AutoregressiveCodes,
    AutoregressivePrior,
    ConditionalNormalPrior,
    NeighbourPrior,
    StandardNormalPrior,
    UniformCodes,
)

__all__ = [
    "AR1Prior",
    "AssociativeLatent",
    "AutoregressiveCodes",
    "AutoregressivePrior",
    "CodeMemory",
    "Codebook",
    "ConditionalNormalPrior",
    "DiscreteLatent",
    "FixedScalePosterior",
    "GaussianPosterior",
    "Inferred",
    "Latent",
    "MeanFieldPosterior",
    "NeighbourPrior",
    "NoLatent",
    "Quantised",
    "SharedScalePosterior",
    "StandardNormalPrior",
    "StochasticLatent",
    "UniformCodes",
]
