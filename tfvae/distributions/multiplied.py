"""Positive numbers that are multiplied by log-normal noise, and what they are measured against.

    z = f e,   e = exp(alpha n),   n ~ N(0, 1);    z = 0 where f = 0

    LogNormal:   KL(LN(ln f, alpha) || LN(mu, sigma)) = KL(N(ln f, alpha^2) || N(mu, sigma^2))
    LogUniform:  p(z) = q_0 delta_0 + c / z;   cost -ln alpha - 1/2 ln(2 pi e) - ln c, or -ln q_0 where f = 0

Achille and Soatto 2018.

Legend: B batch.
"""

from __future__ import annotations

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.multiplicative import log_normal_cost, log_uniform_cost

tfd = tfp.distributions

__all__ = ["LogUniform", "Multiplied"]


class Multiplied(tfd.AutoCompositeTensorDistribution):
    """z = f exp(alpha n), one number; f >= 0. Its density at f = 0 is that of a mass point.

    Args:
        size: f.
        noise: alpha > 0.
    """

    def __init__(self, size, noise, name="Multiplied"):
        self.size, self.noise = tf.convert_to_tensor(size), tf.convert_to_tensor(noise)
        super().__init__(
            dtype=self.size.dtype,
            reparameterization_type=tfd.FULLY_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters={"size": size, "noise": noise, "name": name},
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        del dtype, num_classes
        properties = tfp.util.ParameterProperties()
        return {"size": properties, "noise": properties}

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor()], 0)
        drawn = tf.random.stateless_normal(shape, tfp.random.sanitize_seed(seed), dtype=self.dtype)
        return self.size * tf.exp(self.noise * drawn)

    def _log_prob(self, value):
        alive = (self.size > 0) & (value > 0)
        safe, size = tf.where(alive, value, 1.0), tf.where(self.size > 0, self.size, 1.0)
        away = (tf.math.log(safe) - tf.math.log(size)) / self.noise
        density = -0.5 * away**2 - 0.5 * math.log(2 * math.pi) - tf.math.log(self.noise * safe)
        apart = tf.where(self.size > 0, -math.inf, tf.where(value > 0, -math.inf, 0.0))
        return tf.where(alive, density, apart)

    def _mean(self):
        """Of test mode: the noise is off (its median; E exp(alpha n) would be above 1)."""
        return self.size * tf.ones_like(self.noise)

    def _entropy(self):
        size = tf.where(self.size > 0, self.size, 1.0)
        alive = 0.5 * math.log(2 * math.pi * math.e) + tf.math.log(self.noise * size)
        return tf.where(self.size > 0, alive, 0.0)


class LogUniform(tfd.AutoCompositeTensorDistribution):
    """p(z) = q_0 delta_0(z) + c / z: no distribution, for it has no sum; it has costs and no draws.

    Args:
        shape: of the batch.
        log_scale: ln c.
        log_zero: ln q_0.
    """

    def __init__(self, shape, log_scale: float = 0.0, log_zero: float = 0.0, name="LogUniform"):
        self.shape, self.log_scale, self.log_zero = tuple(shape), log_scale, log_zero
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters={"shape": shape, "log_scale": log_scale, "log_zero": log_zero, "name": name},
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        del dtype, num_classes
        return {}

    def _batch_shape(self):
        return tf.TensorShape(self.shape)

    def _batch_shape_tensor(self, **_):
        return tf.constant(self.shape, tf.int32)

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _log_prob(self, value):
        alive = self.log_scale - tf.math.log(tf.where(value > 0, value, 1.0))
        return tf.where(value > 0, alive, self.log_zero)

    def _sample_n(self, n, seed=None):
        del n, seed
        raise UserError(
            "a log-uniform prior has no sum, and so no draws: take the log-normal one to sample"
        )


@tfd.RegisterKL(Multiplied, tfd.LogNormal)
def _to_log_normal(q, p, name=None):
    """Of f > 0; f = 0 is nowhere under p."""
    with tf.name_scope(name or "kl_multiplied_log_normal"):
        return log_normal_cost(q.size, q.noise, p.loc, tf.math.log(p.scale))


@tfd.RegisterKL(Multiplied, LogUniform)
def _to_log_uniform(q, p, name=None):
    with tf.name_scope(name or "kl_multiplied_log_uniform"):
        return log_uniform_cost(q.size, q.noise, p.log_scale, p.log_zero)
