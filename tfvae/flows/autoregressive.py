"""Autoregressive flows: the same step in two directions, of which each is one pass where it is needed.

    masked     u_i = (z_i - m_i(z_<i)) exp(-a_i(z_<i))     a density in one pass, for priors
    inverse    z_i = m_i(e_<i) + exp(a_i(e_<i)) e_i        draws in one pass, for posteriors

Legend: B batch, D numbers. A conditional is (x [B, D]) -> (m, a), each [B, D], where m_i and a_i see the
numbers before i alone, in an order of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

__all__ = ["inverse_autoregressive", "masked_autoregressive", "noise_of"]

Conditional = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def noise_of(z: tf.Tensor, conditionals: Sequence[Conditional]) -> tuple[tf.Tensor, tf.Tensor]:
    """u of z through masked flows, the last one first, and log |det du / dz|.

    Papamakarios, Pavlakou and Murray 2017, eq. 3-5.

    Args:
        z: [B, D].
        conditionals: of each flow, in the order in which a draw passes them.

    Returns:
        [B, D], and [B] nats: log p(z) is log p(u) and this.
    """
    log_det = tf.zeros_like(z[:, 0])
    for conditional in reversed(conditionals):
        shift, log_scale = conditional(z)
        z = (z - shift) * tf.exp(-log_scale)
        log_det -= tf.reduce_sum(log_scale, -1)
    return z, log_det


def masked_autoregressive(u: tf.Tensor, conditionals: Sequence[Conditional]) -> tf.Tensor:
    """The z [B, D] whose `noise_of` is u: D passes of each conditional.

    Each pass has one number more right, whatever the order, and the last has all of them.
    """
    size, z = int(u.shape[-1]), u
    for conditional in conditionals:
        z = _solved(z, conditional, size)
    return z


def _solved(u: tf.Tensor, conditional: Conditional, size: int) -> tf.Tensor:
    def body(z):
        shift, log_scale = conditional(z)
        return (shift + tf.exp(log_scale) * u,)

    return tf.while_loop(lambda z: True, body, (u,), maximum_iterations=size)[0]


def inverse_autoregressive(
    e: tf.Tensor, conditionals: Sequence[Conditional]
) -> tuple[tf.Tensor, tf.Tensor]:
    """z of e through inverse flows, the first one first, and log |det dz / de|.

    Kingma, Salimans, Jozefowicz, Chen, Sutskever and Welling 2016, eq. 10.

    Returns:
        [B, D], and [B] nats: log q(z) is log q(e) less this.
    """
    log_det = tf.zeros_like(e[:, 0])
    for conditional in conditionals:
        shift, log_scale = conditional(e)
        e = shift + tf.exp(log_scale) * e
        log_det += tf.reduce_sum(log_scale, -1)
    return e, log_det
