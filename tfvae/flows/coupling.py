"""Coupling flows: one half of the numbers is moved by what the other half says, and then the other way round.

Legend: B batch, D numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

__all__ = ["coupling"]


def coupling(x: tf.Tensor, conditional: Callable, swap: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """y = (x_1, m(x_1) + exp(a(x_1)) x_2), and log |det dy / dx|; Dinh, Sohl-Dickstein and Bengio 2017.

    Args:
        x: [B, D], D at least 2; x_1 are the first D // 2 numbers.
        conditional: x_1 -> (m, a), each of the shape of x_2.
        swap: x_2 moves x_1.

    Returns:
        [B, D], and [B] nats.
    """
    first = int(x.shape[-1]) // 2
    one, two = x[:, :first], x[:, first:]
    if swap:
        shift, log_scale = conditional(two)
        one = shift + tf.exp(log_scale) * one
    else:
        shift, log_scale = conditional(one)
        two = shift + tf.exp(log_scale) * two
    return tf.concat([one, two], -1), tf.reduce_sum(log_scale, -1)
