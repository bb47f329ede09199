"""Arithmetic that must not overflow: the mean of exponentials, taken piece by piece; what did overflow.

Legend: S terms of one piece, B batch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

__all__ = [
    "LogMeanExp",
    "first_not_finite",
    "is_finite",
    "log_mean_exp_init",
    "log_mean_exp_result",
    "log_mean_exp_update",
]


def is_finite(values: tf.Tensor) -> bool:
    """Whether all of them are finite; what is no floating number is."""
    values = tf.convert_to_tensor(values)
    return not values.dtype.is_floating or bool(tf.reduce_all(tf.math.is_finite(values)))


def first_not_finite(logs: Mapping[str, Any]) -> str | None:
    """The first log of a step that is NaN or infinite, in words: causes before sums.

    The logs of an objective begin with the rate and the distortion, go on with its terms, and their sum
    and its gradient are named only where they alone are not finite.
    """
    if math.isfinite(sum(float(value) for value in logs.values())):
        return None  # a sum is finite only if its parts are
    sums = [name for name in logs if name.split("/")[-1] in ("loss", "objective", "gradient_norm")]
    for name in (*(name for name in logs if name not in sums), *sums):
        if not math.isfinite(float(logs[name])):
            return f"{name} is {float(logs[name])}"
    return None


class LogMeanExp(NamedTuple):
    """What is kept of the terms l_1 ... l_n seen so far; a `tf.while_loop` carries it.

    Attributes:
        maximum: max_i l_i, [B] float32.
        total: sum_i exp(l_i - m), [B] float32, where m is `maximum` if finite, else 0.
        total_square: sum_i exp(2 (l_i - m)), [B] float32.
        count: n, int32 scalar.
    """

    maximum: tf.Tensor
    total: tf.Tensor
    total_square: tf.Tensor
    count: tf.Tensor


def _finite(maximum: tf.Tensor) -> tf.Tensor:
    """The reference point that is subtracted: never infinite, so that no inf - inf arises."""
    return tf.where(tf.math.is_finite(maximum), maximum, tf.zeros_like(maximum))


def log_mean_exp_init(batch_shape) -> LogMeanExp:
    """The state before the first term, for a batch of shape `batch_shape`."""
    zero = tf.zeros(batch_shape, tf.float32)
    return LogMeanExp(zero - float("inf"), zero, zero, tf.constant(0, tf.int32))


def log_mean_exp_update(state: LogMeanExp, chunk: tf.Tensor, count=None) -> LogMeanExp:
    """Adds the terms `chunk`.

    Args:
        state: the state so far.
        chunk: l, [S, B]. -inf adds a zero to the mean; NaN and +inf stay visible in the result.
        count: how many of the S rows count; S if not given. Rows that do not count must be -inf.

    Returns:
        the new state. Its gradient with respect to the terms is that of the log-mean-exp.
    """
    chunk = tf.cast(chunk, tf.float32)
    maximum = tf.maximum(state.maximum, tf.reduce_max(chunk, 0))
    maximum = tf.stop_gradient(maximum)  # the result does not depend on the reference point
    reference = _finite(maximum)
    scale = tf.exp(tf.stop_gradient(_finite(state.maximum)) - reference)
    # A state without any weight has the reference point 0, whose scale may overflow: inf * 0.
    scale = tf.where(state.maximum > -float("inf"), scale, tf.zeros_like(scale))
    terms = tf.exp(chunk - reference)
    count = tf.shape(chunk)[0] if count is None else tf.cast(count, tf.int32)
    return LogMeanExp(
        maximum,
        state.total * scale + tf.reduce_sum(terms, 0),
        state.total_square * scale**2 + tf.reduce_sum(terms**2, 0),
        state.count + count,
    )


def log_mean_exp_result(state: LogMeanExp) -> tuple[tf.Tensor, tf.Tensor]:
    """log (1/n) sum_i exp(l_i), and the effective sample size (sum w)^2 / sum w^2.

    The relative variance of the weights is n / ess - 1.

    Returns:
        the log of the mean, [B] float32 (-inf where every term was -inf), and the effective
        sample size, [B] float32 from 1 to n (0 where every term was -inf).
    """
    count = tf.cast(state.count, tf.float32)
    log_mean = _finite(state.maximum) + tf.math.log(state.total) - tf.math.log(count)
    return log_mean, tf.math.divide_no_nan(state.total**2, state.total_square)
