"""What is special about diagonal Gaussians: their parameters can be read off.

Legend: B batch.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp

__all__ = ["mean_field"]

tfd = tfp.distributions


def mean_field(distribution: tfd.Distribution) -> tuple[tf.Tensor, tf.Tensor] | None:
    """(loc, scale), [B, ...] each, of a diagonal Gaussian; `None` for any other distribution."""
    normal = distribution
    if type(distribution) is tfd.Independent:
        normal = distribution.distribution
    if type(normal) not in (tfd.Normal, tfd.MultivariateNormalDiag):
        return None
    shape = tf.concat([distribution.batch_shape_tensor(), distribution.event_shape_tensor()], 0)
    return tf.broadcast_to(normal.mean(), shape), tf.broadcast_to(normal.stddev(), shape)
