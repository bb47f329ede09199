"""The columns of a table: numbers with normal noise, and categories.

    log p(x | m, v, l) = sum_j log N(x_j; m_j, v_j) + sum_g [ l_c - logsumexp_k l_k ]

over numbers j and categories g, of which x holds c. A category of K kinds is K columns of x, one-hot.

Legend: B batch, C columns of x, K kinds of a category, J numbers; P = C means or logits, then J
log-variances.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError, count
from tfvae.likelihoods.likelihood import Likelihood, sizes
from tfvae.parts import Part, facts, part
from tfvae.randomness import batch_normal, batch_uniform, fold

tfd = tfp.distributions

__all__ = ["Columns"]

_LEAST_LOG_VARIANCE = -10.0  # a density has no upper limit; a number that tells itself finds it
_NUMBERS, _KINDS = 1, 2  # purposes of the seed


@keras.saving.register_keras_serializable(package="tfvae")
class Columns(Likelihood):
    """A likelihood by column, independent given the parameters.

    With numbers among them it is a density, whose NLL may be below 0 and depends on their units.

    Args:
        groups: the columns from left to right: 1 is a number, K > 1 a category of K kinds.
    """

    def __init__(self, groups: Sequence[int]):
        self.groups = tuple(count("groups", size) for size in groups)
        if not self.groups:
            raise UserError("groups must name one column at least, got none")
        starts = np.cumsum((0, *self.groups[:-1])).tolist()
        self._spans = list(zip(starts, self.groups))
        self._numbers = np.array([start for start, size in self._spans if size == 1], np.int32)
        self.density = len(self._numbers) > 0

    @property
    def width(self) -> int:
        """C."""
        return sum(self.groups)

    def units(self, x) -> tf.Tensor:
        """The columns of the table: a category is one of them."""
        return tf.fill([tf.shape(x)[0]], float(len(self.groups)))

    def parameter_size(self, channels: int) -> int:
        """A mean or logit a column, and a log-variance a number.

        Raises:
            UserError: there are other columns.
        """
        if channels != self.width:
            raise UserError(
                f"x must have the {self.width} columns of {self.groups}, got {channels}"
            )
        return self.width + len(self._numbers)

    def preprocess(self, x) -> tf.Tensor:
        """x."""
        return tf.cast(x, tf.float32)

    def _split(self, parameters) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """(means and logits [..., C], means [..., J], log-variances [..., J])."""
        parameters = tf.cast(parameters, tf.float32)
        values, log_variance = tf.split(parameters, [self.width, len(self._numbers)], -1)
        mean = tf.gather(values, self._numbers, axis=-1)
        return values, mean, tf.maximum(log_variance, _LEAST_LOG_VARIANCE)

    def _categories(self, values):
        """The columns [..., K] of each category."""
        for start, size in self._spans:
            if size > 1:
                yield values[..., start : start + size]

    def _joined(self, numbers, categories) -> tf.Tensor:
        """Numbers [..., J] and one-hot categories, in the order of the columns: [..., C]."""
        numbers, categories = _each(numbers), iter(categories)
        return tf.concat([next(numbers if size == 1 else categories) for size in self.groups], -1)

    def log_prob(self, parameters, x) -> tf.Tensor:
        """[B] nats; see `Likelihood.log_prob`."""
        values, mean, log_variance = self._split(parameters)
        x = tf.cast(x, tf.float32)
        square = tf.square(tf.gather(x, self._numbers, axis=-1) - mean) * tf.exp(-log_variance)
        total = -0.5 * tf.reduce_sum(square + log_variance + math.log(2.0 * math.pi), -1)
        for logits, hot in zip(self._categories(values), self._categories(x)):
            total += tf.reduce_sum(tf.nn.log_softmax(logits) * hot, -1)
        return tf.reduce_sum(total, axis=list(range(1, len(total.shape))))

    def distribution(self, parameters) -> Any:
        """Independent columns, event [C]."""
        values, mean, log_variance = self._split(parameters)
        mean, scale = _each(mean), _each(tf.exp(0.5 * log_variance))
        logits = self._categories(values)
        return tfd.Blockwise(
            [
                tfd.Independent(tfd.Normal(next(mean), next(scale)), 1)
                if size == 1
                else tfd.OneHotCategorical(logits=next(logits), dtype=tf.float32)
                for size in self.groups
            ]
        )

    def mean(self, parameters) -> tf.Tensor:
        """m, and the probability of each kind."""
        values, mean, _ = self._split(parameters)
        return self._joined(mean, [tf.nn.softmax(logits) for logits in self._categories(values)])

    def mode(self, parameters) -> tf.Tensor:
        """m, and the likeliest kind."""
        values, mean, _ = self._split(parameters)
        return self._joined(mean, [_hot(logits) for logits in self._categories(values)])

    def sample(self, parameters, seed) -> tf.Tensor:
        """m + sqrt(v) eps, and argmax_k (l_k + Gumbel noise)."""
        values, mean, log_variance = self._split(parameters)
        noise = batch_normal(sizes(mean), fold(seed, _NUMBERS))
        uniform = batch_uniform(sizes(values), fold(seed, _KINDS))
        noisy = values - tf.math.log(-tf.math.log(uniform))
        return self._joined(
            mean + tf.exp(0.5 * log_variance) * noise,
            [_hot(logits) for logits in self._categories(noisy)],
        )

    def check(self, array: np.ndarray) -> None:
        """Refuses what is not finite numbers and one-hot categories of these columns.

        Raises:
            UserError: otherwise.
        """
        array = np.asarray(array)
        if array.dtype.kind not in "uif" or array.ndim < 2 or array.shape[-1] != self.width:
            raise UserError(
                f"x must be numbers [N, {self.width}], the columns {self.groups}, got {array.dtype} "
                f"{list(array.shape)}"
            )
        with np.errstate(over="ignore"):  # 1e39 is infinite as soon as a network sees it
            if not np.isfinite(array.astype(np.float32)).all():
                raise UserError(
                    "x must be numbers that are finite in float32, got nan, inf or others"
                )
        for start, size in self._spans:
            hot = array[..., start : start + size]
            if size > 1 and not (np.isin(hot, (0, 1)).all() and (hot.sum(-1) == 1).all()):
                raise UserError(
                    f"x must be one-hot in its columns {start} to {start + size - 1}, got something else"
                )


def _each(numbers) -> Iterator[tf.Tensor]:
    """[..., J] -> J of [..., 1]."""
    return iter([numbers[..., j : j + 1] for j in range(numbers.shape[-1])])


def _hot(logits) -> tf.Tensor:
    """One-hot at the largest, [..., K]."""
    return tf.one_hot(tf.argmax(logits, -1), logits.shape[-1], dtype=tf.float32)


@part
class ColumnsOfRows(Part):
    """A normal of each number, a categorical of each category."""

    place, name, kinds = "likelihood", "columns", ("tables",)
    offers = facts("smooth_inputs")

    def make(self, context):
        return Columns(context.space.groups)
