"""Information in the code: I(x; z), KL(q(z) || p(z)), and the aggregate posterior behind both.

The reference set is N examples x_1 ... x_N; q_agg(z) = (1/N) sum_j q(z|x_j) stands for the
marginal q(z). On the same draws, rate = mutual information + marginal KL holds exactly.

Legend: N reference examples, M draws, D latent numbers (all event axes flattened).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError, positive
from tfvae.distributions import mean_field
from tfvae.metrics.rate import Summary, summarise
from tfvae.numerics import log_mean_exp_init, log_mean_exp_result, log_mean_exp_update

__all__ = [
    "Information",
    "aggregate_log_prob",
    "batch_information",
    "gaussian_aggregate_log_prob",
    "information",
    "marginal_kl",
    "mutual_information",
]

tfd = tfp.distributions


def _stream(size_z: int, size_reference: int, chunk: int, log_prob) -> tf.Tensor:
    """log (1/N) sum_j, with `log_prob(rows, columns) -> [m, n]` taken tile by tile."""
    results = []
    for row in range(0, size_z, chunk):
        rows = slice(row, min(row + chunk, size_z))
        state = log_mean_exp_init([rows.stop - rows.start])
        for column in range(0, size_reference, chunk):
            columns = slice(column, min(column + chunk, size_reference))
            state = log_mean_exp_update(state, tf.transpose(log_prob(rows, columns)))
        results.append(log_mean_exp_result(state)[0])
    return tf.concat(results, 0)


def aggregate_log_prob(z, posterior: tfd.Distribution, chunk: int = 256) -> tf.Tensor:
    """log q_agg(z) = log (1/N) sum_j q(z|x_j), taken in tiles of chunk x chunk.

    Diagonal Gaussians (`MultivariateNormalDiag`, `Independent(Normal)`) take the path of
    `gaussian_aggregate_log_prob`. M and N must be known: it runs eagerly, on the host's loop.

    Args:
        z: [M, ...] with the posterior's event shape.
        posterior: q(z|x_j), batch shape [N]; it can be sliced (`posterior[i:j]`) and its
            `log_prob` broadcasts [m, 1, ...] against the batch.
        chunk: the tile, which bounds memory at chunk^2 * D numbers.

    Returns:
        [M] nats float32.

    Raises:
        UserError: the posterior has not one batch axis, or z has not its event shape.
    """
    z = tf.convert_to_tensor(z)
    batch, event = posterior.batch_shape, posterior.event_shape
    if batch.rank != 1:
        raise UserError(f"posterior must have one batch axis [N], got batch shape {batch}")
    if z.shape.rank != 1 + event.rank or not z.shape[1:].is_compatible_with(event):
        raise UserError(f"z must have shape [M, *{event}], got {z.shape}")
    gaussian = mean_field(posterior)
    if gaussian is not None:
        return gaussian_aggregate_log_prob(z, *gaussian, chunk=4 * chunk)
    size = int(posterior.batch_shape_tensor()[0])

    def tile(rows, columns):
        return posterior[columns].log_prob(z[rows][:, tf.newaxis])

    return _stream(int(z.shape[0]), size, int(positive("chunk", chunk)), tile)


def gaussian_aggregate_log_prob(z, loc, scale, chunk: int = 1024) -> tf.Tensor:
    """log (1/N) sum_j N(z; loc_j, diag(scale_j^2)), by matrix products.

    sum_d (z_d - m_d)^2 / s_d^2 is expanded into three products; they cancel where s is small, so
    they are taken in float64 (which also keeps a GPU's TF32 out).

    Args:
        z: [M, ...].
        loc: [N, ...]; the axes after the first are flattened into D.
        scale: standard deviations, [N, ...].
        chunk: tile of [chunk, chunk] densities.

    Returns:
        [M] nats float32.

    Raises:
        UserError: the shapes after the first axis differ.
    """
    z, loc, scale = (tf.cast(tensor, tf.float64) for tensor in (z, loc, scale))
    if not z.shape[1:] == loc.shape[1:] == scale.shape[1:]:
        raise UserError(
            "z, loc and scale must share the axes after the first, "
            f"got {z.shape}, {loc.shape} and {scale.shape}"
        )
    width = math.prod(z.shape[1:])
    z, loc, scale = (tf.reshape(tensor, [-1, width]) for tensor in (z, loc, scale))
    centre = tf.reduce_mean(loc, 0)  # a common shift cancels in z - loc: smaller products
    z, loc = z - centre, loc - centre
    precision = scale**-2
    weighted = loc * precision
    constant = tf.reduce_sum(loc * weighted + 2.0 * tf.math.log(scale), 1) + width * math.log(
        2.0 * math.pi
    )

    def tile(rows, columns):
        square = tf.matmul(z[rows] ** 2, precision[columns], transpose_b=True)
        cross = tf.matmul(z[rows], weighted[columns], transpose_b=True)
        return -0.5 * (square - 2.0 * cross + constant[columns])

    return _stream(len(z), len(loc), int(positive("chunk", chunk)), tile)


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


def batch_information(posterior: tfd.Distribution, z) -> float:
    """I(x; z) within a batch, nats; He et al. 2019, as released (`calc_mi`).

        I = -mean_i H(q(z|x_i)) - mean_i [ log sum_j q(z_i|x_j) - ln B ]

    The first term is exact, the second from one draw each, its own component included: the estimate
    is at most about ln B, and may be a little below 0 where there is nothing. Compare figures of one
    B alone.

    Args:
        posterior: q(z|x_j), batch shape [B].
        z: a draw of each, [B, ...].
    """
    entropy = tf.reduce_mean(posterior.entropy())
    return float(-entropy - tf.reduce_mean(aggregate_log_prob(z, posterior)))


def _paired(first, second) -> np.ndarray:
    """first - second, [M] float64, where both have the shape [M]."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape:
        raise UserError(
            f"log probabilities must be of the same draws [M], got {first.shape} and {second.shape}"
        )
    return first - second
