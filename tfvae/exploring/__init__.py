"""Exploring: what a trained VAE is good for. Functions of a model and arrays.

No weight of the model moves.
"""

from tfvae.exploring.anomaly import elbo_score, likelihood_regret, roc_auc, typicality
from tfvae.exploring.codes import Draws, codes, draws
from tfvae.exploring.imputation import Imputed, impute
from tfvae.exploring.maps import code_map, nearest
from tfvae.exploring.samplers import (
    FlowSampler,
    GaussianMixtureSampler,
    Sampler,
    TwoStageSampler,
    fit_flow,
    fit_gaussian_mixture,
    fit_two_stage,
)
from tfvae.exploring.walks import Traversal, each_category, interpolate, most_varied, traverse

__all__ = [
    "Draws",
    "FlowSampler",
    "GaussianMixtureSampler",
    "Imputed",
    "Sampler",
    "Traversal",
    "TwoStageSampler",
    "code_map",
    "codes",
    "draws",
    "each_category",
    "elbo_score",
    "fit_flow",
    "fit_gaussian_mixture",
    "fit_two_stage",
    "impute",
    "interpolate",
    "likelihood_regret",
    "most_varied",
    "nearest",
    "roc_auc",
    "traverse",
    "typicality",
]
