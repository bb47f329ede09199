"""Distributions on the unit sphere about a mean direction, whose concentration is held.

    p(z) = C f(mu . z)  on  S^{d-1} = {z in R^d, |z| = 1};   KL(p || uniform) = one number, whatever mu is

What depends on the concentration alone is computed once, in float64, when the distribution is made: the rate
is the same constant for every x, and its gradient is none.

Legend: B batch, d numbers of z (the sphere has d - 1 dimensions), K terms of a series.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special

from tfvae.checks import UserError, count, positive

__all__ = [
    "Constants",
    "HeldPowerSpherical",
    "HeldVonMisesFisher",
    "log_area",
    "power_spherical_constants",
    "von_mises_fisher_constants",
]

tfd = tfp.distributions


class Constants(NamedTuple):
    """Of a dimension and a concentration, float64.

    Attributes:
        log_normaliser: ln C, nats.
        rate: KL to the uniform distribution on the sphere, nats.
        cosine: E[mu . z].
    """

    log_normaliser: float
    rate: float
    cosine: float


def log_area(dimension: int) -> float:
    """ln |S^{d-1}| = ln 2 + d/2 ln pi - ln Gamma(d/2)."""
    return math.log(2.0) + dimension / 2 * math.log(math.pi) - math.lgamma(dimension / 2)


@functools.cache
def von_mises_fisher_constants(dimension: int, concentration: float) -> Constants:
    """Of C exp(kappa mu . z):  ln C + ln area = -ln 0F1(d/2; kappa^2/4),  KL = kappa A - ln 0F1.

    By the series 0F1 = sum_k t_k,  t_k = (kappa^2/4)^k / (k! (d/2)_k), all of whose terms are positive;
    kappa A = 2 sum_k k t_k / sum_k t_k, A = I_{d/2} / I_{d/2-1}.

    Args:
        dimension: d >= 2.
        concentration: kappa > 0.

    Raises:
        UserError: out of range.
    """
    _check(dimension, concentration)
    half, middle = dimension / 2, concentration / 2
    # the terms rise until k (d/2 + k) = kappa^2 / 4, and are as wide as the root of that k
    k = np.arange(int(middle + 40.0 * math.sqrt(middle + 1.0)) + 200, dtype=np.float64)
    log_terms = (
        2.0 * k * math.log(middle)
        - special.gammaln(k + 1.0)
        - special.gammaln(half + k)
        + special.gammaln(half)
    )
    log_sum = float(special.logsumexp(log_terms))
    strength = 2.0 * float(np.sum(k * np.exp(log_terms - log_sum)))
    return Constants(-log_sum - log_area(dimension), strength - log_sum, strength / concentration)


@functools.cache
def power_spherical_constants(dimension: int, concentration: float) -> Constants:
    """Of C (1 + mu . z)^kappa:  (1 + cos) / 2 ~ Beta(a, b),  b = (d-1)/2,  a = b + kappa.

        ln C = -[(a + b) ln 2 + b ln pi + ln Gamma(a) - ln Gamma(a + b)]
        KL   = ln C + kappa (ln 2 + psi(a) - psi(a + b)) + ln area

    De Cao and Aziz 2020. Compare it with `von_mises_fisher_constants` at equal cosines, never at equal
    concentrations: that of the same cosine A is A (d - 1) / (1 - A).

    Args:
        dimension: d >= 2.
        concentration: kappa > 0.

    Raises:
        UserError: out of range.
    """
    _check(dimension, concentration)
    b = (dimension - 1) / 2
    a = b + concentration
    log_normaliser = -(
        (a + b) * math.log(2.0)
        + b * math.log(math.pi)
        + float(special.gammaln(a) - special.gammaln(a + b))
    )
    inner = math.log(2.0) + float(special.digamma(a) - special.digamma(a + b))
    rate = log_normaliser + concentration * inner + log_area(dimension)
    return Constants(log_normaliser, rate, concentration / (concentration + dimension - 1))


def _check(dimension: int, concentration: float) -> None:
    if count("dimension of a sphere", dimension) < 2:
        raise UserError("a point on a sphere has two numbers or more, got 1: it would be a sign")
    positive("concentration", concentration)


class _Held(tfd.Distribution):
    """Abstract: a sub-class says `constants` and `_log_of`.

    Args:
        mean_direction: mu, unit vectors [..., d].
        concentration: one Python number for all.
    """

    def __init__(self, mean_direction, concentration: float, name: str | None = None):
        parameters = dict(locals())
        self.mean_direction = tf.convert_to_tensor(mean_direction)
        self.concentration = float(concentration)
        self.constants = self._constants(int(self.mean_direction.shape[-1]), self.concentration)
        super().__init__(
            dtype=self.mean_direction.dtype,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name or type(self).__name__,
        )

    def _constants(self, dimension: int, concentration: float) -> Constants:
        raise NotImplementedError(type(self).__name__)

    def _log_of(self, cosine):
        """ln f(mu . z), [...]."""
        raise NotImplementedError(type(self).__name__)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def __getitem__(self, slices):
        return type(self)(self.mean_direction[slices], self.concentration)

    def _batch_shape(self):
        return self.mean_direction.shape[:-1]

    def _batch_shape_tensor(self, **kwargs):
        del kwargs
        return tf.shape(self.mean_direction)[:-1]

    def _event_shape(self):
        return self.mean_direction.shape[-1:]

    def _event_shape_tensor(self, **kwargs):
        del kwargs
        return tf.shape(self.mean_direction)[-1:]

    def _log_prob(self, z):
        cosine = tf.reduce_sum(z * self.mean_direction, -1)
        return self._log_of(cosine) + self.constants.log_normaliser

    def _entropy(self):
        area = log_area(int(self.mean_direction.shape[-1]))
        return self._everywhere(area - self.constants.rate)

    def _mean(self):
        return self.constants.cosine * self.mean_direction

    def _mode(self):
        return self.mean_direction

    def _everywhere(self, value: float):
        return tf.fill(self.batch_shape_tensor(), tf.constant(value, self.dtype))


class HeldVonMisesFisher(_Held):
    """C exp(kappa mu . z), kappa held; `tfd.VonMisesFisher` has a tensor there, and float32 normalisers."""

    def _constants(self, dimension, concentration):
        return von_mises_fisher_constants(dimension, concentration)

    def _log_of(self, cosine):
        return self.concentration * cosine


class HeldPowerSpherical(_Held):
    """C (1 + mu . z)^kappa, kappa held; see `tfd.PowerSpherical`."""

    def _constants(self, dimension, concentration):
        return power_spherical_constants(dimension, concentration)

    def _log_of(self, cosine):
        return self.concentration * tf.math.log1p(tf.clip_by_value(cosine, -1.0 + 1e-7, 1.0))


def _rate(held, uniform, name=None):
    del uniform, name
    return held._everywhere(held.constants.rate)


for _family in (HeldVonMisesFisher, HeldPowerSpherical):
    tfd.RegisterKL(_family, tfd.SphericalUniform)(_rate)
