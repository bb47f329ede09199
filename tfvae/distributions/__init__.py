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
from tfvae.distributions.mixture import EvenMixture
from tfvae.distributions.multiplied import LogUniform, Multiplied
from tfvae.distributions.one_hot import OneHot, draw_one_hot
from tfvae.distributions.rate import Rate, rate
from tfvae.distributions.rotational import (
    HeldPowerSpherical,
    HeldVonMisesFisher,
    log_area,
    power_spherical_constants,
    von_mises_fisher_constants,
)
from tfvae.distributions.shell import Shell
from tfvae.distributions.side_by_side import SideBySide
from tfvae.distributions.spheres import (
    Spheres,
    draw_power_spherical,
    draw_von_mises_fisher,
    great_circle,
    log_noise,
    unit,
)
from tfvae.distributions.unbatched import Unbatched

__all__ = [
    "AR1",
    "EvenMixture",
    "HeldPowerSpherical",
    "HeldVonMisesFisher",
    "LogUniform",
    "Multiplied",
    "OneHot",
    "Rate",
    "Shell",
    "SideBySide",
    "Spheres",
    "Unbatched",
    "aggregate_log_prob",
    "committed_rate",
    "constant_code_rate",
    "correlation_for_rate",
    "draw_one_hot",
    "draw_power_spherical",
    "draw_von_mises_fisher",
    "gaussian_aggregate_log_prob",
    "great_circle",
    "importance_weighted_log_prob",
    "kl_normal_ar1",
    "log_area",
    "log_noise",
    "mean_field",
    "power_spherical_constants",
    "rate",
    "unit",
    "von_mises_fisher_constants",
]
