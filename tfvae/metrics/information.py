"""Information in the code: I(x; z) and KL(q(z) || p(z)).

The reference set is N examples x_1 ... x_N; q_agg(z) = (1/N) sum_j q(z|x_j) stands for the
marginal q(z) (`tfvae.distributions.aggregate_log_prob`). On the same draws, rate = mutual
information + marginal KL holds exactly.

Legend: N reference examples, M draws, D latent numbers (all event axes flattened).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError, positive
from tfvae.metrics.rate import Summary, summarise

__all__ = [
    "Information",
    "batch_information",
    "information",
    "marginal_kl",
    "mutual_information",
]


def mutual_information(log_posterior, log_aggregate) -> Summary:
    """I(x; z) = E[log q(z|x) - log q_agg(z)] over M draws (Hoffman and Johnson 2016).

    Where each draw's own x is one of the N reference examples (self included), every term is at
    most ln N, so the figure is too: near the ceiling it says "at least about ln N" and no more.
    In expectation it is a *lower* bound on the information over the data's distribution (van den
    Oord et al. 2018; Poole et al. 2019, eq. 12 with the true conditional). Leaving each draw's own
    example out of the mixture instead gives an *upper* bound with no ceiling; it is not what is
    reported here. N = 1 gives exactly 0.

    Args:
        log_posterior: log q(z_i | x_i) of the draw's own posterior, [M] nats.
        log_aggregate: log q_agg(z_i), [M] nats, from `aggregate_log_prob`.

    Returns:
        mean, nats, and its standard error over the draws (the reference set taken as given).
    """
    return summarise(_paired(log_posterior, log_aggregate))


def marginal_kl(log_aggregate, log_prior) -> Summary:
    """KL(q(z) || p(z)) = E[log q_agg(z) - log p(z)] over M draws from q_agg.

    Biased upwards by what the mutual information is biased downwards: their sum is the rate.

    Args:
        log_aggregate: log q_agg(z_i), [M] nats.
        log_prior: log p(z_i), [M] nats.

    Returns:
        mean, nats, and its standard error over the draws.
    """
    return summarise(_paired(log_aggregate, log_prior))


class Information(NamedTuple):
    """The figures of the report: rate = mutual information + marginal KL, in nats.

    Attributes:
        rate: E[log q(z|x) - log p(z)] on the same draws.
        mutual_information: I(x; z) against the reference set.
        marginal_kl: KL(q(z) || p(z)).
        reference: N.
        ceiling: ln N, the most that `mutual_information` can be.
    """

    rate: Summary
    mutual_information: Summary
    marginal_kl: Summary
    reference: int
    ceiling: float


def information(log_posterior, log_aggregate, log_prior, reference: int) -> Information:
    """All figures from the same draws; see `mutual_information` and `marginal_kl`.

    Args:
        log_posterior: log q(z_i|x_i), [M] nats.
        log_aggregate: log q_agg(z_i), [M] nats, over `reference` examples.
        log_prior: log p(z_i), [M] nats.
        reference: N.
    """
    return Information(
        rate=summarise(_paired(log_posterior, log_prior)),
        mutual_information=mutual_information(log_posterior, log_aggregate),
        marginal_kl=marginal_kl(log_aggregate, log_prior),
        reference=int(positive("reference", reference)),
        ceiling=math.log(reference),
    )


def batch_information(entropy, log_aggregate) -> float:
    """I(x; z) within a batch, nats; He et al. 2019, as released (`calc_mi`).

        I = -mean_i H(q(z|x_i)) - mean_i [ log sum_j q(z_i|x_j) - ln B ]

    The first term is exact, the second from one draw each, its own component included: the estimate
    is at most about ln B, and may be a little below 0 where there is nothing. Compare figures of one
    B alone.

    Args:
        entropy: H(q(z|x_i)), [B] nats.
        log_aggregate: log 1/B sum_j q(z_i|x_j), [B] nats.
    """
    return float(-tf.reduce_mean(entropy) - tf.reduce_mean(log_aggregate))


def _paired(first, second) -> np.ndarray:
    """first - second, [M] float64, where both have the shape [M]."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        raise UserError(
            f"log probabilities must be of the same draws [M], got {first.shape} and {second.shape}"
        )
    return first - second
