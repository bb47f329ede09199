"""Planar flows: a draw is pushed along one direction, by how it lies to one plane.

    y = x + u^ tanh(w . x + b),   u^ = u + (m(w . u) - w . u) w / |w|^2,   m(a) = -1 + ln(1 + e^a)

Rezende and Mohamed 2015, eq. 10-12 and appendix A.1: w . u^ > -1, without which there is no way back.

Legend: B batch, D numbers.
"""

from __future__ import annotations

import tensorflow as tf

__all__ = ["planar"]

_LEAST = 1e-12  # |w|^2, where w is 0 and so is the step


def planar(x: tf.Tensor, w, u, b) -> tuple[tf.Tensor, tf.Tensor]:
    """y [B, D], and log |det dy / dx| = ln (1 + (1 - tanh^2) w . u^), [B] nats.

    Args:
        x, w, u: [B, D].
        b: [B].
    """
    along = tf.reduce_sum(w * u, -1)
    reach = tf.math.softplus(along) - 1.0  # w . u^
    square = tf.maximum(tf.reduce_sum(w * w, -1), _LEAST)
    u = u + ((reach - along) / square)[:, None] * w
    height = tf.tanh(tf.reduce_sum(w * x, -1) + b)
    # 1 + h' w . u^ = tanh^2 + h' (1 + w . u^), of which no part is below 0: no rounding makes it so
    slope = 1.0 - height**2
    return x + u * height[:, None], tf.math.log(height**2 + slope * tf.math.softplus(along))
