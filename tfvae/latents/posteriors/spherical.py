"""What the posteriors on spheres share: a direction for each point, and what measures on a sphere.

Legend: B batch, F features, n positions, s spheres of one position, d numbers of a point.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import positive
from tfvae.distributions import Spheres, great_circle, unit
from tfvae.draw import repeated
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posterior import Posterior
from tfvae.latents.shapes import check_features, of_spheres
from tfvae.parts import setting

tfd = tfp.distributions

__all__ = [
    "HeldSphericalPosterior",
    "LearnedSphericalPosterior",
    "SphericalPart",
    "SphericalPosterior",
    "concentration_setting",
    "spheres_setting",
]


class SphericalPosterior(Posterior):
    """Abstract: mu = linear(features) / |linear(features)|, z a point about it on the unit sphere.

    z is `spheres` points side by side (at each position), each about a direction of its own: a product of
    spheres, each a group of the rate. A sub-class says `each` and `draw_each`, and `further` where more than
    the directions is learned.

    Args:
        event_shape: `(D,)` for one vector, or `(n, D)` for a sequence; D = spheres * d.
        spheres: s.
        uniform_scale: s for the projection ~ U(-s, s); `None` for Glorot's. The direction of a point does
            not depend on it, what a step moves it does.

    Raises:
        UserError: D is no `spheres` points of two numbers or more.
    """

    confined_to = "a point on a sphere"

    def __init__(self, event_shape, spheres: int = 1, uniform_scale: float | None = None, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.spheres, self.width = spheres, of_spheres(self.event_shape, spheres)
        self.uniform_scale = uniform_scale
        kernel: Any = "glorot_uniform"
        if uniform_scale is not None:
            kernel = keras.initializers.RandomUniform(-uniform_scale, uniform_scale)
        self.direction_head = keras.layers.Dense(
            self.event_shape[-1], kernel_initializer=kernel, dtype="float32", name="direction"
        )

    @property
    def unit_scale(self) -> float:
        """A number of a uniform point has variance 1 / d."""
        return 1.0 / math.sqrt(self.width)

    def build(self, features_shape):
        check_features(type(self).__name__, self.event_shape, features_shape)
        if not self.direction_head.built:
            self.direction_head.build(features_shape)
        self.built = True

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, ...]:
        """(unit directions [B, *event_shape], what else is learned), float32."""
        features = tf.cast(features, tf.float32)
        points = unit(self._apart(self.direction_head(features)))
        return (self._together(points), *self.further(features))

    def further(self, features) -> tuple[tf.Tensor, ...]:
        """Parameters besides the directions."""
        del features
        return ()

    def each(self, directions, *further) -> tfd.Distribution:
        """q of each point, batch shape [B, s] or [B, n, s], event shape [d]."""
        raise NotImplementedError(type(self).__name__)

    def draw_each(self, each, seed) -> tf.Tensor:
        """[B, s, d] or [B, n, s, d] ~ `each`."""
        raise NotImplementedError(type(self).__name__)

    def of(self, directions, *further) -> Spheres:
        """q about these directions, of any length above 0."""
        each = self.each(unit(self._apart(directions)), *further)
        return Spheres(each, len(self.event_shape) > 1)

    def parameters_of(self, posterior) -> tuple[tf.Tensor, ...]:
        """The directions alone."""
        return (self._together(posterior.each.mean_direction),)

    def draw(self, posterior, seed) -> tf.Tensor:
        """z [B, *event_shape]; the noise belongs to the example, whatever the number of replicas."""
        return self._together(self.draw_each(posterior.each, seed))

    def propose(self, posterior, num, seed) -> tuple[tf.Tensor, tf.Tensor]:
        many = self.of(*repeated(tuple(self.parameters_of(posterior)), num))
        z, log_posterior = self.scored(many, seed)
        shape = [num, -1, *self.event_shape]
        return tf.reshape(z, shape), tf.reshape(log_posterior(), shape[:2])

    def code(self, posterior) -> tf.Tensor:
        """The direction, which lies on the sphere; the mean of z is a shorter vector along it."""
        return self._together(posterior.each.mean_direction)

    def mean(self, posterior) -> tf.Tensor:
        """E_q[z]: a direction that is hardly meant is a short vector."""
        return posterior.mean()

    def between(self, first, last, share) -> tf.Tensor:
        """Along the great circle, sphere by sphere."""
        share = tf.reshape(share, [-1] + [1] * (len(self.event_shape) + 1))
        way = great_circle(unit(self._apart(first)), unit(self._apart(last)), share)
        return self._together(way)

    def neutral(self, parameters) -> list[tf.Tensor]:
        """All directions alike."""
        return [tf.ones_like(parameters[0]), *map(tf.zeros_like, parameters[1:])]

    def _apart(self, values) -> tf.Tensor:
        shape = [-1, *self.event_shape[:-1], self.spheres, self.width]
        return tf.reshape(values, shape)

    def _together(self, points) -> tf.Tensor:
        return tf.reshape(points, [-1, *self.event_shape])

    def get_config(self):
        return {
            **super().get_config(),
            "spheres": self.spheres,
            "uniform_scale": self.uniform_scale,
        }


class HeldSphericalPosterior(SphericalPosterior):
    """Abstract: one kappa for all x, so that the rate is one constant.

    Args:
        event_shape, spheres, uniform_scale: see `SphericalPosterior`.
        concentration: kappa.

    Raises:
        UserError: kappa is not above 0.
    """

    def __init__(self, event_shape, concentration: float, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.concentration = float(positive("concentration", concentration))

    def get_config(self):
        return {**super().get_config(), "concentration": self.concentration}


class LearnedSphericalPosterior(SphericalPosterior):
    """Abstract: kappa = softplus(linear(features)) + 1 of each point, beside its direction.

    Never below 1, as released by Davidson et al. 2018; the rate goes to 0 as kappa does, so a learned
    concentration brings back the collapse that a held one excludes.
    """

    def __init__(self, event_shape, spheres: int = 1, **kwargs):
        super().__init__(event_shape, spheres, **kwargs)
        self.concentration_head = keras.layers.Dense(
            self.spheres, dtype="float32", name="concentration"
        )

    def build(self, features_shape):
        super().build(features_shape)
        if not self.concentration_head.built:
            self.concentration_head.build(features_shape)

    def further(self, features) -> tuple[tf.Tensor]:
        """softplus^-1(kappa - 1), [B, s] or [B, n, s]."""
        return (self.concentration_head(features),)

    def family(self, direction, concentration) -> tfd.Distribution:
        """Of one point, TFP's."""
        raise NotImplementedError(type(self).__name__)

    def each(self, directions, raw) -> tfd.Distribution:
        return self.family(directions, tf.nn.softplus(raw) + 1.0)

    def parameters_of(self, posterior) -> tuple[tf.Tensor, tf.Tensor]:
        """What `of` was given for this q."""
        # a kappa of 1 to rounding has no finite one: as near as its next number
        above = tf.maximum(posterior.each.concentration - 1.0, 1e-6)
        return (*super().parameters_of(posterior), tfp.math.softplus_inverse(above))


class SphericalPart(PosteriorPart):
    """Has `spheres`, which the prior reads."""

    brings = {"prior": "uniform_sphere"}
    layer: ClassVar[type[SphericalPosterior]]

    def settings(self) -> dict[str, Any]:
        """Of the layer, besides its shape."""
        return dataclasses.asdict(self)

    def make(self, context):
        return self.layer(context.shape, **self.settings(), **context.heads)


def spheres_setting():
    """A setting of every posterior on spheres."""
    return setting(
        1, "how many points z is, side by side, each a group of the rate", low=1, high=4096
    )


def concentration_setting(default: float):
    """A setting of those whose concentration is held."""
    return setting(
        default,
        "kappa, the same for every x: with it the rate is one constant",
        low=1e-3,
        high=1e5,
    )
