"""The power spherical posterior on the unit sphere.

Legend: B batch, s spheres, d numbers of a point.
"""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.distributions import HeldPowerSpherical, draw_power_spherical
from tfvae.latents.posteriors.spherical import (
    HeldSphericalPosterior,
    LearnedSphericalPosterior,
    SphericalPart,
    concentration_setting,
    spheres_setting,
)
from tfvae.parts import facts, part

tfd = tfp.distributions

__all__ = ["LearnedPowerSphericalPosterior", "PowerSphericalPosterior"]


@keras.saving.register_keras_serializable(package="tfvae")
class PowerSphericalPosterior(HeldSphericalPosterior):
    """q(z|x) = C (1 + mu(x) . z)^kappa,  kappa held;  E[mu . z] = kappa / (kappa + d - 1).

    De Cao and Aziz 2020. It is drawn without rejections, and against the uniform prior its rate is one
    constant, as that of `VonMisesFisherPosterior`. Compare the two where E[mu . z] is equal: at equal
    concentrations they are far apart.

    Args: see `HeldSphericalPosterior`.
    """

    def __init__(self, event_shape, concentration: float = 50.0, **kwargs):
        super().__init__(event_shape, concentration, **kwargs)

    def each(self, directions) -> HeldPowerSpherical:
        return HeldPowerSpherical(directions, self.concentration)

    def draw_each(self, each, seed) -> tf.Tensor:
        return draw_power_spherical(each.mean_direction, self.concentration, seed)


@keras.saving.register_keras_serializable(package="tfvae")
class LearnedPowerSphericalPosterior(LearnedSphericalPosterior):
    """q(z|x) = C (1 + mu(x) . z)^kappa(x); its draws have exact gradients in both (De Cao and Aziz 2020)."""

    def family(self, direction, concentration):
        return tfd.PowerSpherical(direction, concentration)

    def draw_each(self, each, seed) -> tf.Tensor:
        return draw_power_spherical(each.mean_direction, each.concentration, seed)


@part
class PowerSpherical(SphericalPart):
    """C (1 + mu(x) . z)^kappa on the unit sphere, kappa held, so that the rate is one constant."""

    name = "power_spherical"
    needs = facts("sphere_prior no_xla")  # XLA has no gamma draws
    offers = facts("z density density_of_every_z on_sphere gradient_moves_all")
    closes = ("rate_weight", "rate_budget")  # the rate is that constant whatever x is
    layer = PowerSphericalPosterior
    concentration: float = concentration_setting(50.0)
    spheres: int = spheres_setting()


@part
class LearnedPowerSpherical(SphericalPart):
    """C (1 + mu(x) . z)^kappa(x) on the unit sphere: gradients without a correction."""

    name = "power_spherical_learned"
    needs = facts("sphere_prior no_xla")  # XLA has no gamma draws
    offers = facts("z density density_of_every_z on_sphere paid_rate gradient_moves_all")
    layer = LearnedPowerSphericalPosterior
    spheres: int = spheres_setting()
