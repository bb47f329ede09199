"""What every likelihood offers, and what the 8-bit ones share.

    log p(x|z) = sum_i log p(x_i | parameters_i),   i over pixels and channels, or over tokens    nats

A likelihood owns the units of the data: it turns raw values into the networks' input, refuses
arrays in other units, and answers in raw units.

Legend: B batch, C channels (columns of a table), P parameters of them, ... any axes between or before.
"""

from __future__ import annotations

import abc
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.configured import Configured

__all__ = ["Likelihood", "check_bytes", "event_rank", "preprocess_bytes", "sizes", "sum_event"]


class Likelihood(Configured, abc.ABC):
    """Abstract: p(x | parameters) of data whose parts are independent given the parameters.

    x is of any rank: an image [B, H, W, C], a sequence [B, T, C], a table [B, C].

    `mean`, `mode` and `sample` take whole images (sentences) or single pixels (tokens): any leading
    axes, the first of which is the batch.
    """

    dtype = tf.float32
    """Of a raw value."""

    bits: int | None = None
    """Bits a raw value has: 1 (binary) or 8; `None` where it is no pixel, or a real number."""

    input_range: tuple[float, float] | None = None
    """The least and the greatest number that `preprocess` gives; `None` where there is no such."""

    has_channels = True
    """Whether the last axis of x is that of channels; words and samples of a waveform have none."""

    density = False
    """Whether p(x|z) is a density: its NLL has no least value, and depends on the units of x."""

    def units(self, x) -> tf.Tensor:
        """How many parts of each x the rate of text is spread over, [B]: tokens; 1 for an image."""
        return tf.ones([tf.shape(x)[0]])

    def trim(self, x: np.ndarray) -> np.ndarray:
        """A batch without what is padding in all of it."""
        return x

    @abc.abstractmethod
    def parameter_size(self, channels: int) -> int:
        """P for x of `channels` channels."""

    @abc.abstractmethod
    def preprocess(self, x) -> tf.Tensor:
        """Raw x [..., C] -> network input [..., C], float32 in about [-1, 1]."""

    @abc.abstractmethod
    def log_prob(self, parameters, x) -> tf.Tensor:
        """log p(x | parameters).

        Args:
            parameters: [B, ..., P], any floating type; the arithmetic is float32.
            x: [B, ..., C] raw.

        Returns:
            [B] nats, float32, summed over all axes but the batch.
        """

    @abc.abstractmethod
    def distribution(self, parameters) -> Any:
        """The `tfd.Distribution` with batch shape [B] and event shape [..., C], raw units."""

    @abc.abstractmethod
    def mean(self, parameters) -> tf.Tensor:
        """E[x | parameters], [..., P] -> [..., C] raw, float32."""

    @abc.abstractmethod
    def mode(self, parameters) -> tf.Tensor:
        """The likeliest value, [..., P] -> [..., C] raw, float32."""

    @abc.abstractmethod
    def sample(self, parameters, seed) -> tf.Tensor:
        """A draw from p(x | parameters), [..., P] -> [..., C] raw, float32; `seed` is [2] int32."""

    @abc.abstractmethod
    def check(self, array: np.ndarray) -> None:
        """Refuses a NumPy array of raw data in the wrong units.

        Raises:
            UserError: wrong type or range.
        """


def sizes(tensor: tf.Tensor) -> list:
    """The sizes of the axes: an integer where it is known, else a scalar tensor."""
    dynamic = tf.shape(tensor)
    return [dynamic[i] if size is None else size for i, size in enumerate(tensor.shape)]


def event_rank(parameters) -> int:
    """Axes of one example: all but the batch."""
    return len(parameters.shape) - 1


def sum_event(log_prob: tf.Tensor, rank: int) -> tf.Tensor:
    """[..., *event] -> [...]: the sum over the last `rank` axes."""
    return tf.reduce_sum(log_prob, axis=list(range(-rank, 0)))


def preprocess_bytes(x) -> tf.Tensor:
    """x / 127.5 - 1: the levels 0 .. 255 -> [-1, 1], float32."""
    return tf.cast(x, tf.float32) / 127.5 - 1.0


def check_bytes(array: np.ndarray) -> None:
    """Refuses what is not whole numbers from 0 to 255 (of an integer or floating type).

    Raises:
        UserError: otherwise.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "uif":
        raise UserError(f"x must be numbers (uint8, other integers or floats), got {array.dtype}")
    if array.size and not (array.min() >= 0 and array.max() <= 255):
        raise UserError(
            f"x must be whole numbers from 0 to 255, got {array.min():g} to {array.max():g}"
        )
    if array.dtype.kind == "f" and np.any(array != np.floor(array)):
        raise UserError(
            "x must be whole numbers from 0 to 255, got fractions "
            f"from {array.min():g} to {array.max():g}"
        )
