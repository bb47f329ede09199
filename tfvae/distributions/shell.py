"""Directions times a length: points of a shell around the origin.

    z = r u,   u ~ a distribution on the unit sphere,   r ~ U(low, low + width)
    log p(z) = log p(u) - ln width - (d - 1) ln r

Legend: B batch, d numbers of z.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions

__all__ = ["Shell"]

_ROUNDING = 1e-5  # of a length that is computed anew from z


class Shell(tfd.Distribution):
    """See the module.

    Args:
        direction: of u, event shape [d].
        low: the least length, its batch shape; or a number.
        width: a number.
    """

    def __init__(self, direction: tfd.Distribution, low, width: float, name: str = "Shell"):
        parameters = dict(locals())
        self.direction, self.width = direction, float(width)
        self.low = tf.convert_to_tensor(low, direction.dtype)
        super().__init__(
            dtype=direction.dtype,
            reparameterization_type=direction.reparameterization_type,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def __getitem__(self, slices):
        low = self.low[slices] if self.low.shape.rank else self.low
        return Shell(self.direction[slices], low, self.width)

    @property
    def mean_direction(self):
        """Of u."""
        return self.direction.mean_direction

    def _batch_shape(self):
        return self.direction.batch_shape

    def _batch_shape_tensor(self, **kwargs):
        del kwargs
        return self.direction.batch_shape_tensor()

    def _event_shape(self):
        return self.direction.event_shape

    def _event_shape_tensor(self, **kwargs):
        del kwargs
        return self.direction.event_shape_tensor()

    def _log_prob(self, z):
        length = tf.norm(z, axis=-1)
        safe = tf.maximum(length, 1e-20)
        nats = self.direction.log_prob(z / safe[..., None]) - tf.math.log(self.width)
        nats -= (self.event_shape[-1] - 1.0) * tf.math.log(safe)
        above, below = length - self.low, self.low + self.width - length
        inside = tf.minimum(above, below) >= -_ROUNDING * (1.0 + length)
        return tf.where(inside, nats, -float("inf"))

    def _sample_n(self, n, seed=None):
        first, second = tfp.random.split_seed(seed, salt="shell")
        u = self.direction.sample(n, seed=first)
        share = tf.random.stateless_uniform(tf.shape(u)[:-1], second, dtype=self.dtype)
        return u * (self.low + self.width * share)[..., None]

    def _mean(self):
        return self.direction.mean() * self._middle()

    def _mode(self):
        """The mode of u, in the middle of the lengths (all of which are alike)."""
        return self.direction.mode() * self._middle()

    def _middle(self):
        return (self.low + 0.5 * self.width)[..., None]


@tfd.RegisterKL(Shell, Shell)
def _rate(inner, outer, name=None):
    """KL of the directions + ln(width / width), for a range of lengths within the other's."""
    del name
    return tfd.kl_divergence(inner.direction, outer.direction) + tf.math.log(
        outer.width / inner.width
    )
