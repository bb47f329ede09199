"""What a draw from a posterior costs under a prior: the one place where a rate is computed.

    rate = KL(q || p)  where TFP knows it for exactly these two,   else log q(z) - log p(z) at the draw

whose mean over draws is the KL.

Legend: B batch, D numbers of the last axis of z.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability.python.distributions import kullback_leibler

from tfvae.distributions.ar1 import AR1, kl_normal_ar1
from tfvae.distributions.mean_field import mean_field

__all__ = ["rate"]

tfd = tfp.distributions


def rate(posterior: tfd.Distribution, prior: tfd.Distribution, z: tf.Tensor) -> tf.Tensor:
    """By the last axis of z, summed over its positions; in one group where either does not factorise.

    Args:
        posterior: q(z|x), batch shape [B].
        prior: p(z), batch shape [] or [B].
        z: a draw of `posterior`, [B, ...].

    Returns:
        [B, D] or [B, 1] nats, float32.
    """
    mine, theirs = _of_each_number(posterior), _of_each_number(prior)
    if mine is not None and theirs is not None:
        nats = _nats(mine, theirs, z)
        return tf.reduce_sum(nats, list(range(1, nats.shape.rank - 1)))
    if mine is not None and isinstance(prior, AR1):
        gaussian = mean_field(posterior)
        if gaussian is not None:
            return kl_normal_ar1(*gaussian, prior.correlation)
        return tf.reduce_sum(mine.log_prob(z), 1) - prior.log_prob_by_channel(z)
    return _nats(posterior, prior, z)[:, None]


def _of_each_number(distribution: tfd.Distribution) -> tfd.Distribution | None:
    """The distribution of each number of z, batch shape that of z; `None` where they are dependent."""
    gaussian = mean_field(distribution)
    if gaussian is not None:
        return tfd.Normal(*gaussian)
    while type(distribution) is tfd.Independent:
        distribution = distribution.distribution
    return distribution if distribution.event_shape.rank == 0 else None


def _nats(posterior, prior, z):
    # exactly these two: a sub-class inherits what is registered for its parent, which has another density
    if (type(posterior), type(prior)) in kullback_leibler._DIVERGENCES:
        try:
            return tfd.kl_divergence(posterior, prior)
        except NotImplementedError:  # registered for some parameters of the two only
            pass
    return posterior.log_prob(z) - prior.log_prob(z)
