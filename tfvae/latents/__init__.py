"""The latent axis: a posterior family and a prior, or a quantiser."""

from tfvae.latents.associative import AssociativeLatent
from tfvae.latents.codebooks import Codebook, Quantised
from tfvae.latents.discrete import DiscreteLatent
from tfvae.latents.hierarchy import Hierarchy
from tfvae.latents.latent import Inferred, Latent, NoLatent
from tfvae.latents.memory import CodeMemory
from tfvae.latents.posteriors import (
    CouplingPosterior,
    DrawnPosterior,
    FixedScalePosterior,
    FlowPosterior,
    GaussianPosterior,
    InverseAutoregressivePosterior,
    LearnedPowerSphericalPosterior,
    LearnedVonMisesFisherPosterior,
    MeanFieldPosterior,
    PlanarPosterior,
    Posterior,
    PowerSphericalPosterior,
    SharedScalePosterior,
    VonMisesFisherPosterior,
)
from tfvae.latents.priors import (
    AR1Prior,
    AttentionPrior,
    AutoregressiveCodes,
    AutoregressivePrior,
    ConditionalNormalPrior,
    LearnedPrior,
    MaskedAutoregressivePrior,
    MixturePrior,
    NeighbourPrior,
    PixelCNNPrior,
    Prior,
    SequentialPrior,
    StandardNormalPrior,
    UniformCodes,
    UniformSpherePrior,
)
from tfvae.latents.stochastic import StochasticLatent

__all__ = [
    "AR1Prior",
    "AssociativeLatent",
    "AttentionPrior",
    "AutoregressiveCodes",
    "AutoregressivePrior",
    "CodeMemory",
    "Codebook",
    "ConditionalNormalPrior",
    "CouplingPosterior",
    "DiscreteLatent",
    "DrawnPosterior",
    "FixedScalePosterior",
    "FlowPosterior",
    "GaussianPosterior",
    "Hierarchy",
    "Inferred",
    "InverseAutoregressivePosterior",
    "Latent",
    "LearnedPowerSphericalPosterior",
    "LearnedPrior",
    "LearnedVonMisesFisherPosterior",
    "MaskedAutoregressivePrior",
    "MeanFieldPosterior",
    "MixturePrior",
    "NeighbourPrior",
    "NoLatent",
    "PixelCNNPrior",
    "PlanarPosterior",
    "Posterior",
    "PowerSphericalPosterior",
    "Prior",
    "Quantised",
    "SequentialPrior",
    "SharedScalePosterior",
    "StandardNormalPrior",
    "StochasticLatent",
    "UniformCodes",
    "UniformSpherePrior",
    "VonMisesFisherPosterior",
]
