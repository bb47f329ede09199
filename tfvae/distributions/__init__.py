"""Distributions that TFP does not have, as functions of tensors."""

from tfvae.distributions.aggregate import aggregate_log_prob, gaussian_aggregate_log_prob
from tfvae.distributions.ar1 import (
    AR1,
    committed_rate,
    constant_code_rate,
    correlation_for_rate,
    kl_normal_ar1,
)
from tfvae.distributions.importance import importance_weighted_log_prob
from tfvae.distributions.mean_field import mean_field
from tfvae.distributions.rate import Rate, rate
from tfvae.distributions.unbatched import Unbatched

__all__ = [
    "AR1",
    "Rate",
    "Unbatched",
    "aggregate_log_prob",
    "committed_rate",
    "constant_code_rate",
    "correlation_for_rate",
    "gaussian_aggregate_log_prob",
    "importance_weighted_log_prob",
    "kl_normal_ar1",
    "mean_field",
    "rate",
]
