"""A last stage: a prior is fitted to the codes of the frozen encoder."""

from __future__ import annotations

import math

import keras

from tfvae import inference, objectives
from tfvae.latents import AutoregressiveCodes, AutoregressivePrior
from tfvae.parts import facts, part, setting
from tfvae.procedures.joint import Joint
from tfvae.procedures.parts import StagePart
from tfvae.procedures.stage import Stage
from tfvae.procedures.update import Update
from tfvae.schedules import Cosine

__all__ = ["AuxiliaryCodes", "AuxiliaryPrior"]


def _steps():
    return setting(None, "of that stage; none: a half of train_steps", low=1)


def _learning_rate():
    return setting(2e-3, "of that stage", low=1e-12, high=1.0)


def _filters():
    return setting(64, "width of its causal network", low=1, high=4096)


def _layers():
    return setting(6, "depth of its causal network", low=1, high=30)


class _Auxiliary(StagePart):
    """Only the prior moves, by maximum likelihood on draws of the posterior."""

    after = True

    def stage(self, context, model) -> Stage:
        """Of the model under its new prior."""
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
class AuxiliaryPrior(_Auxiliary):
    """Afterwards an autoregressive prior is fitted on the frozen posterior (Razavi et al. 2019)."""

    name = "auxiliary_prior"
    needs = facts("density renewable_prior encoder_posterior")
    auxiliary_steps: int | None = _steps()
    auxiliary_learning_rate: float = _learning_rate()
    auxiliary_filters: int = _filters()
    auxiliary_layers: int = _layers()
    auxiliary_components: int = setting(
        5, "Gaussians of its mixture at each position", low=1, high=500
    )

    def make(self, context, model):
        sizes = self.auxiliary_filters, self.auxiliary_layers, self.auxiliary_components
        prior = AutoregressivePrior(model.latent.prior, *sizes)
        return self.stage(context, model.with_prior(prior))


@part
class AuxiliaryCodes(_Auxiliary):
    """Afterwards a Gated PixelCNN over the map of codes is fitted (van den Oord et al. 2017)."""

    name = "auxiliary_codes"
    needs = facts("codes renewable_prior encoder_posterior")
    auxiliary_steps: int | None = _steps()
    auxiliary_learning_rate: float = _learning_rate()
    auxiliary_filters: int = _filters()
    auxiliary_layers: int = _layers()

    def make(self, context, model):
        old = model.latent.prior
        grid = context.point["code"].grid(context) or (math.prod(old.event_shape), 1)
        sizes = self.auxiliary_filters, self.auxiliary_layers
        prior = AutoregressiveCodes(old.event_shape, old.num_codes, grid, *sizes)
        return self.stage(context, model.with_prior(prior))
