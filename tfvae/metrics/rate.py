"""Running means with standard errors: ELBO, distortion, rate, rate per group, shuffle gap.

Everything here is NumPy float64 on the host; figures are nats per example at weight 1.

Legend: B batch, G latent groups.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfvae.checks import UserError

__all__ = ["RateDistortion", "RunningMean", "Summary", "shuffle_gap", "summarise"]


class Summary(NamedTuple):
    """A mean and its standard error sqrt(var / n); the latter is NaN for fewer than two values."""

    mean: float
    standard_error: float


class RunningMean(NamedTuple):
    """Mean and variance of a stream (Chan, Golub and LeVeque 1979); `RunningMean()` is empty.

    Attributes:
        count: values seen, n.
        mean: their mean, scalar or of the shape of one value.
        squares: sum of squared deviations from the mean.
    """

    count: int = 0
    mean: Any = 0.0
    squares: Any = 0.0

    def update(self, values) -> RunningMean:
        """With the values [B, ...] added."""
        values = np.asarray(values, np.float64)
        if values.shape[0] == 0:
            return self
        mean = values.mean(0)
        return self.merge(RunningMean(len(values), mean, ((values - mean) ** 2).sum(0)))

    def merge(self, other: RunningMean) -> RunningMean:
        """The running mean of both streams, in any order."""
        count = self.count + other.count
        if not self.count or not other.count:
            return other if not self.count else self
        share = other.count / count
        shift = other.mean - self.mean
        squares = self.squares + other.squares + shift**2 * (self.count * share)
        return RunningMean(count, self.mean + shift * share, squares)

    @property
    def variance(self):
        """Unbiased (n - 1 form); NaN for fewer than two values."""
        if self.count < 2:
            return np.asarray(self.squares, np.float64) * math.nan
        return self.squares / (self.count - 1)

    @property
    def standard_error(self):
        """sqrt(variance / n); NaN for fewer than two values."""
        return np.sqrt(self.variance / max(self.count, 1))

    def summary(self) -> Summary:
        """Of a stream of scalars."""
        return Summary(float(self.mean), float(self.standard_error))


def summarise(values) -> Summary:
    """Mean over examples and its standard error.

    Args:
        values: one figure per independent example, [N].

    Raises:
        UserError: there is no value, or more than one axis.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not values.size:
        raise UserError(f"values must be one figure per example [N], N > 0, got {values.shape}")
    return RunningMean().update(values).summary()


class RateDistortion(NamedTuple):
    """-ELBO = distortion + rate, streamed over batches; `RateDistortion()` is empty.

    The standard error of `rate` is taken over examples after the sum over groups: groups of one
    example are not independent.
    """

    elbo: RunningMean = RunningMean()
    distortion: RunningMean = RunningMean()
    rate: RunningMean = RunningMean()
    rate_per_group: RunningMean = RunningMean()

    def update(self, log_likelihood, rate) -> RateDistortion:
        """With a batch added.

        Args:
            log_likelihood: log p(x|z), [B] nats.
            rate: true rate per group, [B, G] nats.

        Raises:
            UserError: the shapes are not [B] and [B, G].
        """
        likelihood = np.asarray(log_likelihood, np.float64)
        rate = np.asarray(rate, np.float64)
        if likelihood.ndim != 1 or rate.ndim != 2 or len(rate) != len(likelihood):
            raise UserError(
                "log_likelihood and rate must have shapes [B] and [B, G], "
                f"got {likelihood.shape} and {rate.shape}"
            )
        total = rate.sum(1)
        return RateDistortion(
            self.elbo.update(likelihood - total),
            self.distortion.update(-likelihood),
            self.rate.update(total),
            self.rate_per_group.update(rate),
        )

    def merge(self, other: RateDistortion) -> RateDistortion:
        """Both streams together."""
        return RateDistortion(*(mine.merge(theirs) for mine, theirs in zip(self, other)))

    def report(self) -> dict[str, Any]:
        """The means under the names of the report: floats, and a list for the groups."""
        return {
            "elbo": float(self.elbo.mean),
            "distortion": float(self.distortion.mean),
            "rate": float(self.rate.mean),
            "rate_per_group": np.atleast_1d(self.rate_per_group.mean).tolist(),
        }


def shuffle_gap(log_likelihood, log_likelihood_permuted) -> Summary:
    """mean_i [log p(x_i | z_i) - log p(x_i | z_pi(i))]: what the decoder loses without its code.

    About 0 where the decoder ignores z, whatever the rate says.

    Args:
        log_likelihood: log p(x|z) with the example's own z, [N] nats.
        log_likelihood_permuted: the same x with another example's z, [N] nats.

    Returns:
        mean of the paired differences, nats, and its standard error.

    Raises:
        UserError: the two do not have one shape [N].
    """
    own = np.asarray(log_likelihood, np.float64)
    other = np.asarray(log_likelihood_permuted, np.float64)
    if own.shape != other.shape:
        raise UserError(
            f"log_likelihood_permuted must be paired with log_likelihood {own.shape}, "
            f"got {other.shape}"
        )
    return summarise(own - other)
