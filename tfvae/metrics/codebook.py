"""How much of a codebook is used.

Legend: K codes.
"""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError

__all__ = ["codebook_perplexity"]


def codebook_perplexity(usage) -> float:
    """exp(-sum_k p_k ln p_k), from 1 (one code for everything) to K (all alike).

    Args:
        usage: how often each code was chosen, [K]; over a whole split, since a batch of fewer
            codes than K bounds it.

    Raises:
        UserError: nothing was chosen.
    """
    usage = np.asarray(usage, np.float64)
    if usage.ndim != 1 or usage.sum() <= 0 or (usage < 0).any():
        raise UserError(f"usage must be counts [K] of at least one choice, got {usage}")
    share = usage[usage > 0] / usage.sum()
    return float(np.exp(-(share * np.log(share)).sum()))
