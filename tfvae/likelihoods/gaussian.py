"""Real numbers (pixels, columns of a table) with normal noise.

    log p(x | m, v) = -1/2 [ (x - m)^2 / v + ln(2 pi v) ]

Legend: B batch, C channels or columns; P = C means, or C means and C log-variances.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError, positive
from tfvae.likelihoods.likelihood import Likelihood, event_rank, sizes, sum_event
from tfvae.parts import Part, facts, part, setting
from tfvae.randomness import batch_normal

tfd = tfp.distributions

__all__ = ["Gaussian"]

_LEAST_LOG_VARIANCE = -10.0  # a density has no upper limit; one pixel that is always black finds it


@keras.saving.register_keras_serializable(package="tfvae")
class Gaussian(Likelihood):
    """p(x | parameters) = prod_i N(x_i; m_i, v_i), a density: its NLL may be below 0.

    v decides what the code is worth: in a linear VAE unit i is active only while the variance of the
    data along it exceeds v times the weight of the rate (Lucas et al. 2019, "Don't Blame the ELBO!").

    Args:
        variance: v of every pixel; `None`: each parameter vector carries log v behind the means (of
            a `tfvae.networks.SharedVariance`: one learned for all), at least -10.
    """

    density = True

    def __init__(self, variance: float | None = None):
        self.variance = None if variance is None else float(positive("variance", variance))

    def parameter_size(self, channels: int) -> int:
        """A mean a channel, and its log-variance where that is learned."""
        return channels * (1 if self.variance is not None else 2)

    def preprocess(self, x) -> tf.Tensor:
        """x."""
        return tf.cast(x, tf.float32)

    def _split(self, parameters) -> tuple[tf.Tensor, tf.Tensor]:
        """(m, log v), each [..., C]."""
        parameters = tf.cast(parameters, tf.float32)
        if self.variance is not None:
            return parameters, tf.fill(tf.shape(parameters), math.log(self.variance))
        mean, log_variance = tf.split(parameters, 2, -1)
        return mean, tf.maximum(log_variance, _LEAST_LOG_VARIANCE)

    def log_prob(self, parameters, x) -> tf.Tensor:
        """[B] nats; see `Likelihood.log_prob`."""
        mean, log_variance = self._split(parameters)
        square = tf.square(tf.cast(x, tf.float32) - mean) * tf.exp(-log_variance)
        log_density = -0.5 * (square + log_variance + math.log(2.0 * math.pi))
        return sum_event(log_density, event_rank(parameters))

    def distribution(self, parameters) -> Any:
        """Independent normal numbers, event [..., C]."""
        mean, log_variance = self._split(parameters)
        return tfd.Independent(tfd.Normal(mean, tf.exp(0.5 * log_variance)), event_rank(mean))

    def mean(self, parameters) -> tf.Tensor:
        """m."""
        return self._split(parameters)[0]

    def mode(self, parameters) -> tf.Tensor:
        """m."""
        return self._split(parameters)[0]

    def sample(self, parameters, seed) -> tf.Tensor:
        """m + sqrt(v) eps."""
        mean, log_variance = self._split(parameters)
        return mean + tf.exp(0.5 * log_variance) * batch_normal(sizes(mean), seed)

    def check(self, array: np.ndarray) -> None:
        """Refuses what is not finite numbers."""
        array = np.asarray(array)
        with np.errstate(over="ignore"):  # 1e39 is infinite as soon as a network sees it
            fits = array.dtype.kind in "uif" and np.isfinite(array.astype(np.float32)).all()
        if not fits:
            raise UserError(
                f"x must be numbers that are finite in float32, got {array.dtype} with nan, inf or others"
            )


@part
class GaussianPixels(Part):
    """Of real numbers."""

    place, name, kinds = "likelihood", "gaussian", ("images",)
    needs = facts("reals")
    offers = facts("smooth_inputs")
    variance: float | None = setting(
        None,
        "none: learned, one for all pixels (autoregressive decoders: each)",
        low=1e-6,
    )

    def make(self, context):
        return Gaussian(self.variance)
