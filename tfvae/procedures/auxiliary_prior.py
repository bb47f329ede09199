"""A last stage: a prior is fitted to the codes of the frozen encoder."""

from __future__ import annotations

import dataclasses
import math

import keras

from tfvae import inference, objectives
from tfvae.latents import AutoregressiveCodes, AutoregressivePrior
from tfvae.latents.priors.attention import AttentionToPast
from tfvae.latents.priors.learned import LearnedPart
from tfvae.latents.priors.maf import MaskedFlow
from tfvae.latents.priors.mixture import MixtureOfGaussians
from tfvae.latents.priors.pixelcnn import PixelCNNOfMap
from tfvae.parts import facts, part, setting
from tfvae.procedures.joint import Joint
from tfvae.procedures.parts import StagePart
from tfvae.procedures.stage import Stage
from tfvae.procedures.update import Update
from tfvae.schedules import Cosine

__all__ = [
    "AuxiliaryAttention",
    "AuxiliaryCodes",
    "AuxiliaryFlow",
    "AuxiliaryMap",
    "AuxiliaryMixture",
    "AuxiliaryPart",
    "AuxiliaryPrior",
    "RenewedPart",
]


def _filters():
    return setting(64, "width of its causal network", low=1, high=4096)


def _layers():
    return setting(6, "depth of its causal network", low=1, high=30)


@dataclasses.dataclass(frozen=True)
class AuxiliaryPart(StagePart):
    """Only a new prior moves, by maximum likelihood on draws of the posterior.

    A sub-class says `renewed`. Where the prior is one that can be learned with the model too, its settings
    come first among the bases.
    """

    after = True
    needs = facts("density renewable_prior encoder_posterior labels_always_known")
    owns = frozenset({"which prior is fitted afterwards"})
    auxiliary_steps: int | None = setting(None, "of that stage; none: a half of train_steps", low=1)
    auxiliary_learning_rate: float = setting(2e-3, "of that stage", low=1e-12, high=1.0)

    def renewed(self, context, prior):
        """What is fitted in the place of a prior."""
        raise NotImplementedError(type(self).__name__)

    def make(self, context, model) -> Stage:
        model = model.with_prior(self.renewed(context, model.latent.prior))
        steps = self.auxiliary_steps or max(1, context.train_steps // 2)
        update = Update(
            objectives.Objective({"rate": objectives.rate}),
            keras.optimizers.Adam(),
            variables=lambda m: m.latent.prior.trainable_variables,
            clip_norm=5.0,
            inference=inference.code_only,
        )
        schedule = Cosine(self.auxiliary_learning_rate, 0.0, steps)
        procedure = Joint(update, learning_rate=schedule, seed=context.seed + 1)
        return Stage("auxiliary_prior", model, procedure, steps)


@part
class AuxiliaryPrior(AuxiliaryPart):
    """Afterwards an autoregressive prior is fitted on the frozen posterior (Razavi et al. 2019)."""

    name = "auxiliary_prior"
    auxiliary_filters: int = _filters()
    auxiliary_layers: int = _layers()
    auxiliary_components: int = setting(
        5, "Gaussians of its mixture at each position", low=1, high=500
    )

    def renewed(self, context, prior):
        sizes = self.auxiliary_filters, self.auxiliary_layers, self.auxiliary_components
        return AutoregressivePrior(prior, *sizes)


class RenewedPart(LearnedPart, AuxiliaryPart):
    """Behind a `tfvae.latents.priors.learned.LearnedPart`, which begins near the prior of the model."""

    def renewed(self, context, prior):
        return self.over(context, prior)


@part
class AuxiliaryAttention(AttentionToPast, RenewedPart):
    """Afterwards causal self-attention over the positions is fitted on the frozen posterior."""

    name = "auxiliary_attention"


@part
class AuxiliaryMixture(MixtureOfGaussians, RenewedPart):
    """Afterwards a mixture (of Gaussians, where the prior was N(0, I)) is fitted on the frozen posterior."""

    name = "auxiliary_mixture"


@part
class AuxiliaryMap(PixelCNNOfMap, RenewedPart):
    """Afterwards a Gated PixelCNN over the map of positions is fitted on the frozen posterior."""

    name = "auxiliary_pixelcnn"
    needs = AuxiliaryPart.needs | facts("positions")


@part
class AuxiliaryFlow(MaskedFlow, RenewedPart):
    """Afterwards a masked autoregressive flow is fitted on the frozen posterior."""

    name = "auxiliary_maf"


@part
class AuxiliaryCodes(AuxiliaryPart):
    """Afterwards a Gated PixelCNN over the map of codes is fitted (van den Oord et al. 2017)."""

    name = "auxiliary_codes"
    needs = facts("codes renewable_prior encoder_posterior labels_always_known")
    auxiliary_filters: int = _filters()
    auxiliary_layers: int = _layers()

    def renewed(self, context, prior):
        grid = context.point["code"].grid(context) or (math.prod(prior.event_shape), 1)
        sizes = self.auxiliary_filters, self.auxiliary_layers
        return AutoregressiveCodes(prior.event_shape, prior.num_codes, grid, *sizes)
