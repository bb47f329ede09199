"""Multiplicative log-normal noise: its sizes, its draws, and what it costs.

    z = f e,   e = exp(alpha n),   n ~ N(0, 1),   alpha = 0.001 + alpha_max sigmoid(g)

    under LN(mu, sigma^2):       KL(N(ln f, alpha^2) || N(mu, sigma^2))
    under q_0 delta_0 + c / z:   -ln alpha - 1/2 ln(2 pi e) - ln c where f > 0, -ln q_0 where f = 0     nats

Achille and Soatto 2018. Posteriors, distributions and the layers of an encoder have it from here.

Legend: B batch.
"""

from __future__ import annotations

import math

import tensorflow as tf

from tfvae.randomness import batch_normal

__all__ = [
    "ACTIVATIONS",
    "LEAST_NOISE",
    "log_normal_cost",
    "log_scale_of",
    "log_uniform_cost",
    "multiplied",
    "noise_of",
    "size_of",
]

ACTIVATIONS = ("softplus", "relu")
"""Of f: the first under a log-normal, the second under the log-uniform cost, which knows of f = 0."""

LEAST_NOISE = 1e-3  # as released
_LEAST_SIZE = 1e-4  # as released


def size_of(raw, activation: str) -> tf.Tensor:
    """f, the activation of `raw`; a softplus is at least 1e-4."""
    if activation == "relu":
        return tf.nn.relu(raw)
    return tf.maximum(tf.nn.softplus(raw), _LEAST_SIZE)


def noise_of(raw, max_noise: float) -> tf.Tensor:
    """alpha = 0.001 + alpha_max sigmoid(raw)."""
    return LEAST_NOISE + max_noise * tf.sigmoid(raw)


def multiplied(size, noise, seed) -> tf.Tensor:
    """f exp(alpha n), [B, ...]; the noise belongs to the example, whatever the number of replicas.

    Args:
        size: f, [B, ...].
        noise: alpha, [B, ...].
        seed: [2] int32.
    """
    return size * tf.exp(noise * batch_normal(tf.shape(size), seed))


def log_normal_cost(size, noise, loc, log_scale) -> tf.Tensor:
    """KL(N(ln f, alpha^2) || N(mu, sigma^2)) of each number, nats; f = 0 is nowhere under it.

    Args:
        size: f.
        noise: alpha.
        loc: mu.
        log_scale: ln sigma.
    """
    away = (tf.math.log(tf.maximum(size, 1e-30)) - loc) * tf.exp(-log_scale)
    narrower = tf.math.log(noise) - log_scale
    return 0.5 * away**2 + 0.5 * tf.math.expm1(2.0 * narrower) - narrower


def log_uniform_cost(size, noise, log_scale: float, log_zero: float = 0.0) -> tf.Tensor:
    """-ln alpha - 1/2 ln(2 pi e) - ln c of each number where f > 0, -ln q_0 where f = 0; nats.

    Args:
        size: f.
        noise: alpha.
        log_scale: ln c.
        log_zero: ln q_0.
    """
    alive = -tf.math.log(noise) - 0.5 * math.log(2.0 * math.pi * math.e) - log_scale
    return tf.where(size > 0, alive, tf.zeros_like(alive) - log_zero)


def log_scale_of(max_noise: float) -> float:
    """The ln c at which the most noise costs nothing, so that the cost is ln((0.001 + alpha_max) / alpha)."""
    return -math.log(max_noise + LEAST_NOISE) - 0.5 * math.log(2.0 * math.pi * math.e)
