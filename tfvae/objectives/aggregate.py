"""What the terms of the aggregated posterior q(z) = E_x q(z|x) read.

Legend: B batch of this replica, M global batch, D latent numbers (all event axes flattened).
"""

from __future__ import annotations

import math

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.distributions import mean_field
from tfvae.draw import Draw
from tfvae.replicas import whole_batch

__all__ = ["all_gaussians", "all_rows", "flat_rows"]


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
