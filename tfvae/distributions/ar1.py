"""AR(1) sequences of Gaussian variables, and what a mean-field posterior must pay for them.

    z_1 ~ N(0, 1),   z_t | z_{t-1} ~ N(a z_{t-1}, 1 - a^2)       (variance), independently per channel

The marginal variance is 1 at every t. Against any mean-field Gaussian q(z) = prod_t N(mu_t, s_t^2)

    KL = 1/2 (s_1^2 + mu_1^2 - 1 - ln s_1^2)
       + 1/2 sum_{t>=2} [ ln(1-a^2) - ln s_t^2 - 1
                          + (s_t^2 + (mu_t - a mu_{t-1})^2 + a^2 s_{t-1}^2) / (1-a^2) ]

which is never below the committed rate

    delta(n, a) = 1/2 [ (n-2) ln(1+a^2) - ln(1-a^2) ]   for n >= 2,   0 for n = 1

Razavi, van den Oord, Poole and Vinyals, "Preventing Posterior Collapse with delta-VAEs", ICLR 2019,
section 2.2; the bracket belongs around both terms.

Legend: B batch, n positions (time), D channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.distributions.mean_field import mean_field
from tfvae.distributions.unbatched import Unbatched

tfd = tfp.distributions

__all__ = [
    "AR1",
    "committed_rate",
    "constant_code_rate",
    "correlation_for_rate",
    "kl_normal_ar1",
]


def committed_rate(length: int, correlation: Sequence[float] | float) -> np.ndarray:
    """delta(n, a) for each channel: the least rate a mean-field Gaussian posterior can have.

    Args:
        length: n, the number of positions, at least 1.
        correlation: a, one number or one per channel, each in (-1, 1).

    Returns:
        float64 array of the shape of `correlation`, nats; sum it for the total.
    """
    square = np.square(np.asarray(correlation, np.float64))
    if length < 1 or np.any(square >= 1):
        raise UserError(
            f"committed_rate needs length >= 1 and |correlation| < 1, got {length} and {correlation}"
        )
    if length == 1:
        return np.zeros_like(square)
    return 0.5 * ((length - 2) * np.log1p(square) - np.log1p(-square))


def constant_code_rate(length: int, correlation: Sequence[float] | float) -> np.ndarray:
    """What a mean of 1 at every position adds to the rate, per channel:  1/2 (n - (n-2) a) / (1 + a).

    The price of telling something by a code that stays the same along the sequence: n / 2 nats where
    the prior is white (a = 0), 1/2 where it does not move (a -> 1). A committed rate that is spread
    over many positions and channels makes a small, and buys no such code.

    Args:
        length: n.
        correlation: a, one number or one per channel.

    Returns:
        float64 array of the shape of `correlation`, nats.
    """
    a = np.asarray(correlation, np.float64)
    return 0.5 * (length - (length - 2) * a) / (1.0 + a)


def correlation_for_rate(length: int, rate: float) -> float:
    """The correlation a in [0, 1) with delta(n, a) = rate, for one channel.

    Solves (n-2) ln(1+u) - ln(1-u) = 2 rate for u = a^2; the left side is increasing in u. Working
    with y = -ln(1-u) keeps the solution exact where a is close to 1.

    Args:
        length: n >= 2 (at n = 1 every Gaussian prior can be met exactly and delta is 0).
        rate: nats, >= 0.

    Raises:
        UserError: no correlation gives that rate.
    """
    if rate < 0 or (length < 2 and rate > 0):
        raise UserError(
            f"no correlation commits {rate} nats over {length} position(s): rate must be >= 0, length >= 2"
        )
    low, high = 0.0, 2.0 * rate + 1e-12  # y = 2 rate is enough: the other term only adds

    def excess(y: float) -> float:
        return (length - 2) * math.log1p(-math.expm1(-y)) + y - 2.0 * rate

    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return math.sqrt(-math.expm1(-0.5 * (low + high)))


def kl_normal_ar1(loc: tf.Tensor, scale: tf.Tensor, correlation: tf.Tensor) -> tf.Tensor:
    """KL(prod_t N(loc_t, scale_t^2) || AR(1)) for each channel (formula at the module's head).

    Args:
        loc: [B, n, D].
        scale: [B, n, D], positive.
        correlation: [D] in (-1, 1).

    Returns:
        [B, D] nats.
    """
    variance = tf.square(scale)
    innovation = 1.0 - tf.square(correlation)
    first = variance[:, 0] + tf.square(loc[:, 0]) - 1.0 - 2.0 * tf.math.log(scale[:, 0])
    expected_square = (
        variance[:, 1:]
        + tf.square(loc[:, 1:] - correlation * loc[:, :-1])
        + tf.square(correlation) * variance[:, :-1]
    )
    later = (
        tf.math.log(innovation)
        - 2.0 * tf.math.log(scale[:, 1:])
        - 1.0
        + expected_square / innovation
    )
    return 0.5 * (first + tf.reduce_sum(later, 1))


class AR1(Unbatched):
    """Independent AR(1) channels with unit marginal variance; event shape [n, D].

    Args:
        length: n, the number of positions.
        correlation: [D] tensor in (-1, 1); channel d has corr(z_t, z_{t+k}) = correlation_d ** k.
    """

    def __init__(self, length: int, correlation, name: str = "AR1"):
        parameters = dict(locals())
        self._length = int(length)
        self._correlation = tf.convert_to_tensor(correlation)
        super().__init__(
            event_shape=[self._length, *self._correlation.shape],
            dtype=self._correlation.dtype,
            reparameterization_type=tfd.FULLY_REPARAMETERIZED,
            parameters=parameters,
            name=name,
        )

    @property
    def length(self) -> int:
        """n."""
        return self._length

    @property
    def correlation(self) -> tf.Tensor:
        """[D]."""
        return self._correlation

    def log_prob_by_channel(self, value) -> tf.Tensor:
        """[..., n, D] -> [..., D] nats; their sum is `log_prob`."""
        a = self._correlation
        innovation = 1.0 - tf.square(a)
        first = tf.square(value[..., 0, :])
        later = tf.square(value[..., 1:, :] - a * value[..., :-1, :]) / innovation
        square = first + tf.reduce_sum(later, -2)
        log_determinant = (self._length - 1) * tf.math.log(innovation)
        return -0.5 * (square + log_determinant + self._length * math.log(2 * math.pi))

    def _log_prob(self, value):
        return tf.reduce_sum(self.log_prob_by_channel(value), -1)

    def _sample_n(self, n, seed=None):
        a = self._correlation
        seed = tfp.random.sanitize_seed(seed)
        noise = tf.random.stateless_normal([n, *self._event_shape()], seed, dtype=self.dtype)
        innovation = tf.sqrt(1.0 - tf.square(a))
        state = noise[:, 0]
        states = [state]
        for t in range(1, self._length):
            state = a * state + innovation * noise[:, t]
            states.append(state)
        return tf.stack(states, 1)

    def _mean(self):
        return tf.zeros(self._event_shape(), self.dtype)

    def _variance(self):
        return tf.ones(self._event_shape(), self.dtype)


@tfd.RegisterKL(tfd.Independent, AR1)
def _kl_independent_ar1(q, p, name=None):
    """KL of a mean-field Gaussian [B, n, D] to an AR(1) prior, [B] nats."""
    del name
    gaussian = mean_field(q)
    if gaussian is None:
        raise NotImplementedError(f"KL({q.distribution.name}, AR1): only Normal has a closed form")
    shape = tf.shape(gaussian[0])
    loc, scale = (tf.reshape(t, [-1, *p.event_shape]) for t in gaussian)
    rate = kl_normal_ar1(loc, scale, p.correlation)
    return tf.reshape(tf.reduce_sum(rate, -1), shape[:-2])
