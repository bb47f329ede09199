"""Posterior families: features -> q(z|x)."""

from tfvae.latents.posterior import DrawnPosterior, Posterior
from tfvae.latents.posteriors.auxiliary import AuxiliaryPosterior
from tfvae.latents.posteriors.batch_normalised import BatchNormalisedPosterior
from tfvae.latents.posteriors.concrete import ConcretePosterior
from tfvae.latents.posteriors.coupling import CouplingPosterior
from tfvae.latents.posteriors.fixed_scale import FixedScalePosterior
from tfvae.latents.posteriors.flow import FlowPosterior
from tfvae.latents.posteriors.gaussian import HEADS, GaussianPosterior
from tfvae.latents.posteriors.iaf import InverseAutoregressivePosterior
from tfvae.latents.posteriors.information_dropout import InformationDropoutPosterior
from tfvae.latents.posteriors.mean_field import MeanFieldPosterior
from tfvae.latents.posteriors.planar import PlanarPosterior
from tfvae.latents.posteriors.power_spherical import (
    LearnedPowerSphericalPosterior,
    PowerSphericalPosterior,
)
from tfvae.latents.posteriors.shared_scale import SharedScalePosterior
from tfvae.latents.posteriors.side_by_side import SideBySidePosterior
from tfvae.latents.posteriors.vmf_norm import VMFNormPosterior
from tfvae.latents.posteriors.von_mises_fisher import (
    LearnedVonMisesFisherPosterior,
    VonMisesFisherPosterior,
)

__all__ = [
    "HEADS",
    "AuxiliaryPosterior",
    "BatchNormalisedPosterior",
    "ConcretePosterior",
    "CouplingPosterior",
    "DrawnPosterior",
    "FixedScalePosterior",
    "FlowPosterior",
    "GaussianPosterior",
    "InformationDropoutPosterior",
    "InverseAutoregressivePosterior",
    "LearnedPowerSphericalPosterior",
    "LearnedVonMisesFisherPosterior",
    "MeanFieldPosterior",
    "PlanarPosterior",
    "Posterior",
    "PowerSphericalPosterior",
    "SharedScalePosterior",
    "SideBySidePosterior",
    "VMFNormPosterior",
    "VonMisesFisherPosterior",
]
