"""The objective axis: terms and their weights."""

from tfvae.objectives.bag_of_words import BagOfWords
from tfvae.objectives.bottleneck import Bottleneck, CriticInformation
from tfvae.objectives.bound_terms import distortion, rate
from tfvae.objectives.bounds import ManySampleBound
from tfvae.objectives.capacity import Capacity
from tfvae.objectives.category_likelihood import CategoryLikelihood
from tfvae.objectives.commitment import codebook_distance, commitment
from tfvae.objectives.contrastive import (
    ContrastiveBound,
    EmbeddingScores,
    contrastive_bound,
    posterior_scores,
)
from tfvae.objectives.cosine import cosine_similarity
from tfvae.objectives.covariance import COVARIANCES, code_covariance, off_diagonal, unit_diagonal
from tfvae.objectives.critic import Critic
from tfvae.objectives.decomposition import Decomposition, RatePiece, decompose_rate
from tfvae.objectives.density_ratio import DensityRatio, DensityRatioLoss, permute_dimensions
from tfvae.objectives.discrepancy import (
    MaximumMeanDiscrepancy,
    inverse_multiquadratic,
    maximum_mean_discrepancy,
    radial_basis,
)
from tfvae.objectives.dual import DualVariable
from tfvae.objectives.elbo import elbo
from tfvae.objectives.free_bits import FREE_BITS_FORMS, free_bits
from tfvae.objectives.game import LOGISTIC, WASSERSTEIN, Game
from tfvae.objectives.gradient_penalty import GradientPenalty
from tfvae.objectives.independence import Independence, gram, independence_criterion
from tfvae.objectives.kitchen_sinks import KitchenSinks, between_groups, random_features
from tfvae.objectives.label_likelihood import LabelLikelihood
from tfvae.objectives.learned import LearnedWeight
from tfvae.objectives.moments import MomentDistance
from tfvae.objectives.noise_cost import noise_cost
from tfvae.objectives.objective import Objective
from tfvae.objectives.posterior_divergence import (
    DIVERSITIES,
    posterior_diversity,
    posterior_unevenness,
)
from tfvae.objectives.prior_critic import OffsetCritic, PriorCritic, PriorCriticLoss, PriorPlayer
from tfvae.objectives.rejection_correction import rejection_correction
from tfvae.objectives.soft_free_bits import SoftFreeBits
from tfvae.objectives.spectral_norm import SpectralNorm
from tfvae.objectives.switch import Switch
from tfvae.objectives.total_correlation import MIXTURES, total_correlation

__all__ = [
    "COVARIANCES",
    "DIVERSITIES",
    "FREE_BITS_FORMS",
    "LOGISTIC",
    "MIXTURES",
    "WASSERSTEIN",
    "BagOfWords",
    "Bottleneck",
    "Capacity",
    "CategoryLikelihood",
    "ContrastiveBound",
    "Critic",
    "CriticInformation",
    "Decomposition",
    "DensityRatio",
    "DensityRatioLoss",
    "DualVariable",
    "EmbeddingScores",
    "Game",
    "GradientPenalty",
    "Independence",
    "KitchenSinks",
    "LabelLikelihood",
    "LearnedWeight",
    "ManySampleBound",
    "MaximumMeanDiscrepancy",
    "MomentDistance",
    "Objective",
    "OffsetCritic",
    "PriorCritic",
    "PriorCriticLoss",
    "PriorPlayer",
    "RatePiece",
    "SoftFreeBits",
    "SpectralNorm",
    "Switch",
    "between_groups",
    "code_covariance",
    "codebook_distance",
    "commitment",
    "contrastive_bound",
    "cosine_similarity",
    "decompose_rate",
    "distortion",
    "elbo",
    "free_bits",
    "gram",
    "independence_criterion",
    "inverse_multiquadratic",
    "maximum_mean_discrepancy",
    "noise_cost",
    "off_diagonal",
    "permute_dimensions",
    "posterior_diversity",
    "posterior_scores",
    "posterior_unevenness",
    "radial_basis",
    "random_features",
    "rate",
    "rejection_correction",
    "total_correlation",
    "unit_diagonal",
]
