"""Active units: the latent numbers whose posterior mean moves with the data.

Legend: N examples.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tfvae.checks import UserError
from tfvae.metrics.rate import RunningMean

__all__ = ["ACTIVE_THRESHOLD", "active_units", "sweep", "unit_variances"]

ACTIVE_THRESHOLD = 0.01
"""Burda et al. 2016: the count hardly depends on it, because dead units are near 1e-4."""


def unit_variances(posterior_means) -> np.ndarray:
    """Var_x(E_q[z_j | x]), unbiased (n - 1 form), float64.

    A stream of batches takes `RunningMean().update(batch)...` and its `variance` instead.

    Args:
        posterior_means: [N, ...], N >= 2.

    Returns:
        [...], one variance a unit.

    Raises:
        UserError: fewer than two examples.
    """
    means = np.asarray(posterior_means, np.float64)
    if means.ndim < 1 or len(means) < 2:
        raise UserError(f"posterior_means must hold at least 2 examples, got shape {means.shape}")
    return RunningMean().update(means).variance


def active_units(variances, threshold: float = ACTIVE_THRESHOLD) -> int:
    """#{j : variances_j > threshold} (Burda, Grosse, Salakhutdinov 2016, section 5).

    Args:
        variances: [...] from `unit_variances`.
        threshold: in the latent's own units squared.
    """
    return int(np.sum(np.asarray(variances, np.float64) > threshold))


def sweep(variances, thresholds: Iterable[float] = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)) -> dict:
    """{threshold: active units}: a count that changes a lot over them is not to be trusted."""
    return {float(threshold): active_units(variances, threshold) for threshold in thresholds}
