"""The aggregate posterior: q_agg(z) = (1/N) sum_j q(z|x_j), which stands for the marginal q(z).

Legend: N reference examples, M draws, D latent numbers (all event axes flattened).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError, positive
from tfvae.distributions.mean_field import mean_field
from tfvae.numerics import log_mean_exp_init, log_mean_exp_result, log_mean_exp_update

__all__ = ["aggregate_log_prob", "gaussian_aggregate_log_prob", "gaussian_pairs"]

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
    """log (1/N) sum_j N(z; loc_j, diag(scale_j^2)), by the matrix products of `gaussian_pairs`.

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
    tile = gaussian_pairs(z, loc, scale)
    return _stream(len(z), len(loc), int(positive("chunk", chunk)), tile)


def gaussian_pairs(z, loc, scale) -> Callable[[slice, slice], tf.Tensor]:
    """(rows m, columns n) -> log N(z_i; loc_j, diag(scale_j^2)) of each pair of them, [m, n] float64 nats.

    sum_d (z_d - m_d)^2 / s_d^2 is expanded into three products; they cancel where s is small, so
    they are taken in float64 (which also keeps a GPU's TF32 out).

    Args:
        z, loc, scale: [M, ...], [N, ...] and [N, ...], as `gaussian_aggregate_log_prob` has them.

    Raises:
        UserError: the shapes after the first axis differ.
    """
    z, loc, scale = (tf.cast(tensor, tf.float64) for tensor in (z, loc, scale))
    if not all(z.shape[1:].is_compatible_with(p.shape[1:]) for p in (loc, scale)):
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

    return tile
