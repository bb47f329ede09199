"""The step of most flows: one number is shifted and scaled by what the others say.

Legend: B batch, D numbers.
"""

from __future__ import annotations

import tensorflow as tf

__all__ = ["KINDS", "affine", "parameter_size"]

KINDS = ("shift", "bounded", "gated")
"""Of a step y = m + exp(a) x:

    shift      a = 0                                       its determinant is 1 (Chen et al. 2017)
    bounded    a = b tanh(r / b)                           every scale from exp(-b) to exp(b)
    gated      a = ln sigmoid(r + 1.5),  m = (1 - exp(a)) r'   (Kingma et al. 2016, eq. 14)
"""

_GATE = 1.5  # Kingma et al. 2016: open at first, between 1 and 2


def parameter_size(kind: str) -> int:
    """Numbers that a network must give for each number of x."""
    return 1 if kind == "shift" else 2


def affine(raw: tf.Tensor, kind: str, bound: float = 2.0) -> tuple[tf.Tensor, tf.Tensor]:
    """(m, a), each [..., D], from what a network gave.

    Args:
        raw: [..., D, P], P = `parameter_size(kind)`.
        kind: of `KINDS`.
        bound: b, of a bounded step.
    """
    shift = raw[..., 0]
    if kind == "shift":
        return shift, tf.zeros_like(shift)
    if kind == "bounded":
        return shift, bound * tf.tanh(raw[..., 1] / bound)
    log_scale = tf.math.log_sigmoid(raw[..., 1] + _GATE)
    return -tf.math.expm1(log_scale) * shift, log_scale
