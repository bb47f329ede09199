"""Measures: what happened, in nats per example at weight 1, on distributions and arrays."""

from tfvae.distributions.aggregate import aggregate_log_prob, gaussian_aggregate_log_prob
from tfvae.distributions.importance import importance_weighted_log_prob
from tfvae.metrics.active_units import ACTIVE_THRESHOLD, active_units, sweep, unit_variances
from tfvae.metrics.codebook import codebook_perplexity
from tfvae.metrics.codes import linear_probe_accuracy, nearest_neighbour_accuracy
from tfvae.metrics.disentanglement import (
    DCI,
    dci,
    dci_of_importances,
    disentanglement,
    factor_vae_score,
    mutual_information_gap,
    mutual_information_matrix,
    separated_attribute_predictability,
)
from tfvae.metrics.gaussian_dependence import gaussian_total_correlation
from tfvae.metrics.information import (
    Information,
    batch_information,
    information,
    marginal_kl,
    mutual_information,
)
from tfvae.metrics.rate import RateDistortion, RunningMean, Summary, shuffle_gap, summarise
from tfvae.metrics.two_samples import two_sample_accuracy
from tfvae.metrics.units import bits_per_dim, perplexity

__all__ = [
    "ACTIVE_THRESHOLD",
    "DCI",
    "Information",
    "RateDistortion",
    "RunningMean",
    "Summary",
    "active_units",
    "aggregate_log_prob",
    "batch_information",
    "bits_per_dim",
    "codebook_perplexity",
    "dci",
    "dci_of_importances",
    "disentanglement",
    "factor_vae_score",
    "gaussian_aggregate_log_prob",
    "gaussian_total_correlation",
    "importance_weighted_log_prob",
    "information",
    "linear_probe_accuracy",
    "marginal_kl",
    "mutual_information",
    "mutual_information_gap",
    "mutual_information_matrix",
    "nearest_neighbour_accuracy",
    "perplexity",
    "separated_attribute_predictability",
    "shuffle_gap",
    "summarise",
    "sweep",
    "two_sample_accuracy",
    "unit_variances",
]
