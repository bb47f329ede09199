"""The uniform prior on the unit sphere.

Legend: s spheres of one position, d numbers of a point.
"""

from __future__ import annotations

import keras
import tensorflow_probability as tfp

from tfvae.distributions import Spheres
from tfvae.latents.parts import PriorPart
from tfvae.latents.prior import Prior
from tfvae.latents.shapes import of_spheres
from tfvae.parts import facts, part

tfd = tfp.distributions

__all__ = ["UniformSpherePrior"]


@keras.saving.register_keras_serializable(package="tfvae")
class UniformSpherePrior(Prior):
    """p(z) = 1 / |S^{d-1}|,  ln |S^{d-1}| = ln 2 + d/2 ln pi - ln Gamma(d/2);  one group for each sphere.

    Args:
        event_shape: of one z; its last axis is `spheres` points of d numbers side by side.
        spheres: s.

    Raises:
        UserError: it cannot be divided into so many points of two numbers or more.
    """

    def __init__(self, event_shape, spheres: int = 1, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.spheres, self.width = spheres, of_spheres(self.event_shape, spheres)

    def distribution(self) -> Spheres:
        """p(z), batch shape [], event shape as declared."""
        batch = (*self.event_shape[:-1], self.spheres)
        return Spheres(tfd.SphericalUniform(self.width, batch), len(self.event_shape) > 1)

    def get_config(self):
        return {**super().get_config(), "spheres": self.spheres}


@part
class UniformSphere(PriorPart):
    """The same everywhere on the unit sphere (or spheres, as many as the posterior has)."""

    name = "uniform_sphere"
    needs = facts("on_sphere")
    offers = facts("sphere_prior one_prior prior_without_rows")

    def make(self, context):
        return UniformSpherePrior(context.shape, context.point["posterior"].spheres)
