"""What the terms of the aggregated posterior q(z) = E_x q(z|x) read.

Legend: B batch of this replica, M global batch, D latent numbers (all event axes flattened), U units of z: a
number, or the one-hot vector of a category.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.distributions import OneHot, SideBySide, mean_field
from tfvae.draw import Draw
from tfvae.replicas import whole_batch

__all__ = ["Pairs", "all_gaussians", "all_pairs", "all_rows", "flat_rows", "log_normal"]


def flat_rows(values: tf.Tensor) -> tf.Tensor:
    """[B, ...] -> [B, D] float32."""
    return tf.reshape(
        tf.cast(values, tf.float32), [tf.shape(values)[0], math.prod(values.shape[1:])]
    )


def all_rows(values: tf.Tensor) -> tf.Tensor:
    """The rows of every replica, [B, ...] -> [M, D] float32; see `tfvae.replicas.whole_batch`."""
    return whole_batch(flat_rows(values))


def all_gaussians(draw: Draw, term: str) -> tuple[tf.Tensor, tf.Tensor]:
    """(means, scales) of the posteriors of every replica, [M, D] float32 each.

    Args:
        draw: one stochastic pass.
        term: who asks, for the sentence.

    Raises:
        UserError: a posterior that is not a diagonal Gaussian.
    """
    parameters = mean_field(draw.posterior)
    if parameters is None:
        raise UserError(
            f"{term} needs a diagonal Gaussian posterior, got {type(draw.posterior).__name__}"
        )
    loc, scale = parameters
    return all_rows(loc), all_rows(scale)


class Pairs(NamedTuple):
    """log_densities: log q(z_iu | x_b) of draw i, posterior b, unit u, [M, M, U]; widths: numbers of each."""

    log_densities: tf.Tensor
    widths: tuple[int, ...]


def all_pairs(draw: Draw, term: str) -> Pairs:
    """The density of each draw of every replica under each posterior, unit by unit.

    Args:
        draw: one stochastic pass, of independent Gaussian numbers and categories.
        term: who asks, for the sentence.

    Raises:
        UserError: another posterior.
    """
    posterior = draw.posterior
    beside = posterior.parts if isinstance(posterior, SideBySide) else (posterior,)
    points = posterior.apart(draw.z) if isinstance(posterior, SideBySide) else (draw.z,)
    found = [_pairs(each, own, term) for each, own in zip(beside, points)]
    if len(found) == 1:
        return found[0]
    if len(draw.z.shape) > 2:
        # numbers of one position stand side by side there, and one behind the other here
        raise UserError(f"{term} of a code of categories needs one vector, got positions")
    widths = sum((each.widths for each in found), ())
    return Pairs(tf.concat([each.log_densities for each in found], -1), widths)


def _pairs(posterior, z, term: str) -> Pairs:
    if isinstance(posterior, OneHot):
        log_pi = all_rows(posterior.log_probabilities())
        # a relaxed draw is largest at a draw of the category: there the pieces are those of the categories
        hard = tf.one_hot(tf.argmax(z, -1), z.shape[-1]) + z - tf.stop_gradient(z)
        return Pairs(tf.matmul(all_rows(hard), log_pi, transpose_b=True)[..., None], (z.shape[-1],))
    parameters = mean_field(posterior)
    if parameters is None:
        raise UserError(
            f"{term} needs a posterior of independent Gaussian numbers or categories, got "
            f"{type(posterior).__name__}"
        )
    loc, scale = map(all_rows, parameters)
    densities = log_normal(all_rows(z)[:, None], loc, scale)
    return Pairs(densities, (1,) * densities.shape[-1])


def log_normal(z, loc, scale):
    """log N(z; loc, scale^2) of each number."""
    return -0.5 * (((z - loc) / scale) ** 2 + np.log(2.0 * np.pi)) - tf.math.log(scale)
