"""How far numbers are from independent, as far as their correlations say.

Legend: N examples, D numbers of each.
"""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError

__all__ = ["gaussian_total_correlation"]


def gaussian_total_correlation(values) -> float:
    """TC = -1/2 ln det corr(values), nats: KL(N(m, C) || prod_d N(m_d, C_dd)) of their mean and covariance.

    0 where nothing is correlated; by number it is this over D. Of ln z where z is multiplied by log-normal
    noise, as in Achille and Soatto 2018. What is independent comes out at about D (D - 1) / (4 N).

    Args:
        values: [N, ...], further axes are flattened to D; a constant number is correlated with nothing.

    Returns:
        nats; infinite where one is a linear function of others.

    Raises:
        UserError: no more examples than numbers, of which every sample is such a function.
    """
    values = np.asarray(values, np.float64)
    values = values.reshape(len(values), -1)
    number, width = values.shape
    if number <= width:
        raise UserError(
            f"correlations of {width} numbers need more than {width} examples, got {number}"
        )
    away = values - values.mean(0)
    spread = np.sqrt((away**2).mean(0))
    scaled = away / np.where(spread > 0, spread, 1.0)
    correlation = scaled.T @ scaled / number
    np.fill_diagonal(correlation, 1.0)
    if np.linalg.matrix_rank(correlation) < width:
        return float("inf")
    return float(-0.5 * np.linalg.slogdet(correlation)[1])
