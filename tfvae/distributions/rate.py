"""What a draw from a posterior costs under a prior: the one place where a rate is computed.

    rate = KL(q || p)  where TFP knows it for exactly these two,   else log q(z) - log p(z) at the draw

whose mean over draws is the KL.

Legend: B batch, D numbers of the last axis of z.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability.python.distributions import kullback_leibler

from tfvae.checks import UserError
from tfvae.distributions.ar1 import AR1, kl_normal_ar1
from tfvae.distributions.mean_field import mean_field
from tfvae.distributions.side_by_side import SideBySide
from tfvae.distributions.spheres import Spheres

__all__ = ["Rate", "rate"]

tfd = tfp.distributions


class Rate(NamedTuple):
    """nats [B, G] float32; is_exact: whether they are the closed form, whatever z is."""

    nats: tf.Tensor
    is_exact: bool


def rate(
    posterior,
    prior: tfd.Distribution,
    z: tf.Tensor,
    log_posterior: Callable[[], tf.Tensor] | None = None,
) -> Rate:
    """By the last axis of z, summed over its positions; in one group where either does not factorise.

    Of points on spheres a sphere is a group, of categories a category; what stands side by side has the
    groups of the one behind those of the other.

    Args:
        posterior: q(z|x), batch shape [B]; or what a family has that is no `tfd.Distribution`.
        prior: p(z), batch shape [] or [B].
        z: a draw of `posterior`, [B, ...].
        log_posterior: () -> log q(z|x) at the draw, [B], of a posterior that has no density of every z.

    Returns:
        [B, D], [B, s] of s spheres, or [B, 1] nats.

    Raises:
        UserError: neither a `tfd.Distribution` nor a density at the draw.
    """
    if not isinstance(posterior, tfd.Distribution):
        if log_posterior is None:
            raise UserError(
                f"a posterior that is no tfd.Distribution needs log_posterior, got {type(posterior).__name__}"
            )
        return Rate((log_posterior() - prior.log_prob(z))[:, None], False)
    if isinstance(posterior, SideBySide) and isinstance(prior, SideBySide):
        if posterior.widths != prior.widths:
            raise UserError(
                "posterior and prior must be cut alike, got pieces of "
                f"{posterior.widths} and of {prior.widths} numbers"
            )
        both = zip(posterior.parts, prior.parts, posterior.apart(z))
        found = [rate(mine, theirs, own) for mine, theirs, own in both]
        nats = tf.concat([each.nats for each in found], 1)
        return Rate(nats, all(each.is_exact for each in found))
    if isinstance(posterior, Spheres) and isinstance(prior, Spheres):
        if posterior.each.event_shape != prior.each.event_shape:
            raise UserError(
                f"posterior and prior must have spheres of one size, got points of "
                f"{posterior.each.event_shape[0]} and of {prior.each.event_shape[0]} numbers"
            )
        found = _nats(posterior.each, prior.each, posterior.apart(z))
        axes = list(range(1, found.nats.shape.rank - 1))
        return found._replace(nats=tf.reduce_sum(found.nats, axes))
    mine, theirs = _of_each_number(posterior), _of_each_number(prior)
    if mine is not None and theirs is not None:
        found = _nats(mine, theirs, z)
        axes = list(range(1, found.nats.shape.rank - 1))
        return found._replace(nats=tf.reduce_sum(found.nats, axes))
    if mine is not None and isinstance(prior, AR1):
        gaussian = mean_field(posterior)
        if gaussian is not None:
            return Rate(kl_normal_ar1(*gaussian, prior.correlation), True)
        return Rate(tf.reduce_sum(mine.log_prob(z), 1) - prior.log_prob_by_channel(z), False)
    found = _nats(posterior, prior, z, log_posterior)
    return found._replace(nats=found.nats[:, None])


def _of_each_number(distribution: tfd.Distribution) -> tfd.Distribution | None:
    """The distribution of each number of z, batch shape that of z; `None` where they are dependent."""
    gaussian = mean_field(distribution)
    if gaussian is not None:
        return tfd.Normal(*gaussian)
    while type(distribution) is tfd.Independent:
        distribution = distribution.distribution
    return distribution if distribution.event_shape.rank == 0 else None


def _nats(posterior, prior, z, log_posterior=None) -> Rate:
    # exactly these two: a sub-class inherits what is registered for its parent, which has another density
    if (type(posterior), type(prior)) in kullback_leibler._DIVERGENCES:
        try:
            return Rate(tfd.kl_divergence(posterior, prior), True)
        except NotImplementedError:  # registered for some parameters of the two only
            pass
    mine = posterior.log_prob(z) if log_posterior is None else log_posterior()
    return Rate(mine - prior.log_prob(z), False)
