"""Exploring: what a trained VAE is good for. Functions of a model and arrays; nothing is trained."""

from tfvae.exploring.anomaly import elbo_score, likelihood_regret, roc_auc, typicality
from tfvae.exploring.codes import codes
from tfvae.exploring.imputation import Imputed, impute
from tfvae.exploring.maps import code_map, nearest
from tfvae.exploring.samplers import GaussianMixtureSampler, fit_gaussian_mixture
from tfvae.exploring.walks import Traversal, interpolate, traverse

__all__ = [
    "GaussianMixtureSampler",
    "Imputed",
    "Traversal",
    "code_map",
    "codes",
    "elbo_score",
    "fit_gaussian_mixture",
    "impute",
    "interpolate",
    "likelihood_regret",
    "nearest",
    "roc_auc",
    "traverse",
    "typicality",
]
