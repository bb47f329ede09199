"""The von Mises-Fisher posterior on the unit sphere.

Legend: B batch, F features, s spheres, d numbers of a point.
"""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.distributions import HeldVonMisesFisher, draw_von_mises_fisher
from tfvae.latents.posteriors.spherical import (
    HeldSphericalPosterior,
    LearnedSphericalPosterior,
    SphericalPart,
    concentration_setting,
    spheres_setting,
)
from tfvae.parts import facts, part

tfd = tfp.distributions

__all__ = ["LearnedVonMisesFisherPosterior", "VonMisesFisherPosterior"]


@keras.saving.register_keras_serializable(package="tfvae")
class VonMisesFisherPosterior(HeldSphericalPosterior):
    """q(z|x) = C_d(kappa) exp(kappa mu(x) . z),  mu = linear(features) / |linear(features)|,  kappa held.

        rate = kappa A_d(kappa) + ln C_d(kappa) + ln |S^{d-1}|,   A_d = I_{d/2} / I_{d/2-1}

    against the uniform prior: one constant, computed once in float64, whose gradient is 0: no encoder and no
    decoder can bring it to 0. Xu and Durrett 2018, section 3 (their released code has the rate of d + 2).

    Args: see `HeldSphericalPosterior`.
    """

    def __init__(self, event_shape, concentration: float = 35.0, **kwargs):
        super().__init__(event_shape, concentration, **kwargs)

    def each(self, directions) -> HeldVonMisesFisher:
        return HeldVonMisesFisher(directions, self.concentration)

    def draw_each(self, each, seed) -> tf.Tensor:
        return draw_von_mises_fisher(each.mean_direction, self.concentration, seed)


@keras.saving.register_keras_serializable(package="tfvae")
class LearnedVonMisesFisherPosterior(LearnedSphericalPosterior):
    """q(z|x) = C_d(kappa(x)) exp(kappa(x) mu(x) . z)  (S-VAE, Davidson et al. 2018).

    The draw's gradient in kappa takes the accepted noise as a constant. That is short of the truth, most in
    few dimensions: `tfvae.objectives.rejection_correction` adds what is missing of the distortion's gradient.
    The rate's is exact in any case.
    """

    def family(self, direction, concentration):
        return tfd.VonMisesFisher(direction, concentration)

    def draw_each(self, each, seed) -> tf.Tensor:
        return draw_von_mises_fisher(each.mean_direction, each.concentration, seed)


@part
class VonMisesFisher(SphericalPart):
    """vMF(mu(x), kappa) on the unit sphere, kappa held, so that the rate is one constant."""

    name = "vmf"
    needs = facts("sphere_prior")
    offers = facts("z density density_of_every_z on_sphere gradient_moves_all")
    closes = ("rate_weight", "rate_budget")  # the rate is that constant whatever x is
    layer = VonMisesFisherPosterior
    concentration: float = concentration_setting(35.0)
    spheres: int = spheres_setting()


@part
class LearnedVonMisesFisher(SphericalPart):
    """vMF(mu(x), kappa(x)) on the unit sphere (S-VAE, Davidson et al. 2018)."""

    name = "vmf_learned"
    needs = facts("sphere_prior")
    offers = facts(
        "z density density_of_every_z on_sphere rejection_sampled paid_rate gradient_moves_all"
    )
    withholds = facts("exact_gradient")  # of kappa: proposals that were accepted
    layer = LearnedVonMisesFisherPosterior
    spheres: int = spheres_setting()
