"""A prior of directions and lengths, both uniform.

Legend: s points of one position, d numbers of a point.
"""

from __future__ import annotations

import keras
import tensorflow_probability as tfp

from tfvae.checks import positive
from tfvae.distributions import Shell, Spheres
from tfvae.latents.parts import PriorPart
from tfvae.latents.prior import Prior
from tfvae.latents.shapes import of_spheres
from tfvae.parts import facts, part

tfd = tfp.distributions

__all__ = ["UniformNormPrior"]


@keras.saving.register_keras_serializable(package="tfvae")
class UniformNormPrior(Prior):
    """z = r u,  u uniform on the unit sphere,  r ~ U(0, norm_max)  (Xu and Durrett 2018, section 3.3).

    Args:
        event_shape: of one z; its last axis is `spheres` points of d numbers side by side.
        norm_max: the largest length.
        spheres: s.
    """

    everywhere = False

    def __init__(self, event_shape, norm_max: float = 5.0, spheres: int = 1, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.norm_max = float(positive("norm_max", norm_max))
        self.spheres, self.width = spheres, of_spheres(self.event_shape, spheres)

    def distribution(self) -> Spheres:
        """p(z), batch shape [], event shape as declared."""
        batch = (*self.event_shape[:-1], self.spheres)
        each = Shell(tfd.SphericalUniform(self.width, batch), 0.0, self.norm_max)
        return Spheres(each, len(self.event_shape) > 1)

    def get_config(self):
        return {**super().get_config(), "norm_max": self.norm_max, "spheres": self.spheres}


@part
class UniformNorm(PriorPart):
    """Directions and lengths, both uniform (the posterior says how long)."""

    name = "uniform_norm"
    needs = facts("in_shell")
    offers = facts("shell_prior one_prior prior_without_rows")

    def make(self, context):
        posterior = context.point["posterior"]
        return UniformNormPrior(context.shape, posterior.norm_max, posterior.spheres)
