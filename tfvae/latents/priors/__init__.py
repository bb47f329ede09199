"""Priors: what a code costs."""

from tfvae.latents.prior import Prior
from tfvae.latents.priors.ar1 import AR1Prior
from tfvae.latents.priors.attention import AttentionPrior
from tfvae.latents.priors.autoregressive import AutoregressivePrior
from tfvae.latents.priors.categories import SideBySidePrior, UniformCategoryPrior
from tfvae.latents.priors.codes import AutoregressiveCodes, UniformCodes
from tfvae.latents.priors.conditional import ConditionalNormalPrior
from tfvae.latents.priors.learned import LearnedPrior
from tfvae.latents.priors.level import LevelPrior
from tfvae.latents.priors.maf import MaskedAutoregressivePrior
from tfvae.latents.priors.mixture import MixturePrior
from tfvae.latents.priors.multiplicative import LogNormalPrior, LogUniformPrior
from tfvae.latents.priors.neighbour import NeighbourPrior
from tfvae.latents.priors.nested import NestedPrior
from tfvae.latents.priors.pixelcnn import PixelCNNPrior
from tfvae.latents.priors.sequential import SequentialPrior
from tfvae.latents.priors.standard_normal import StandardNormalPrior
from tfvae.latents.priors.uniform_norm import UniformNormPrior
from tfvae.latents.priors.uniform_sphere import UniformSpherePrior
from tfvae.latents.priors.vamp import VampPrior

__all__ = [
    "AR1Prior",
    "AttentionPrior",
    "AutoregressiveCodes",
    "AutoregressivePrior",
    "ConditionalNormalPrior",
    "LearnedPrior",
    "LevelPrior",
    "LogNormalPrior",
    "LogUniformPrior",
    "MaskedAutoregressivePrior",
    "MixturePrior",
    "NeighbourPrior",
    "NestedPrior",
    "PixelCNNPrior",
    "Prior",
    "SequentialPrior",
    "SideBySidePrior",
    "StandardNormalPrior",
    "UniformCategoryPrior",
    "UniformCodes",
    "UniformNormPrior",
    "UniformSpherePrior",
    "VampPrior",
]
