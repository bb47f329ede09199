"""From a recipe, its settings and a context to the model and the stages of its training."""

from __future__ import annotations

import math
from collections.abc import Iterator

import tfvae
from tfvae import objectives
from tfvae.checks import UserError
from tfvae.latents import AutoregressiveCodes, AutoregressivePrior, NoLatent
from tfvae.networks import NoEncoder
from tfvae.randomness import initial_weights
from zoo import axes, backbones, modalities
from zoo import settings as typed
from zoo.axes import codes as codes_axis
from zoo.axes import condition as condition_axis
from zoo.axes import divergence as divergence_axis
from zoo.axes import inference as inference_axis
from zoo.axes import latent as latent_axis
from zoo.axes import memory as memory_axis
from zoo.axes import objective as objective_axis
from zoo.axes.procedure import joint_stage, main_stage, moment_stage, prior_stage
from zoo.command import trial
from zoo.recipe import Context, Recipe, Stage

__all__ = ["model", "settings_class", "stages"]


def settings_class(name: str, recipe: Recipe, modality: str, backbone: str = "") -> type:
    """What `--set` reaches for this model on this kind of data, with this backbone's defaults.

    Raises:
        UserError: the model is not for this kind of data.
    """
    kind = modalities.named(modality)
    if recipe.latent:
        groups = (*axes.GROUPS, *kind.SETTINGS)
    else:
        groups = (axes.TrainingSettings, *kind.SETTINGS_WITHOUT_LATENT)
    point = {**recipe.point, **recipe.point_on.get(backbone, {})}
    return typed.join(name, (*recipe.settings, *groups), point)


def model(recipe: Recipe, settings, context: Context) -> tfvae.VAE:
    """An untrained model; under the strategy's scope.

    Raises:
        UserError: parts that do not fit, named.
    """
    if recipe.build is not None:
        return recipe.build(settings, context)
    if not recipe.latent:
        parts = backbones.without_latent(settings, context)
        encoder, latent, condition = NoEncoder(), NoLatent(), None
    else:
        parts = backbones.build(settings, context)
        encoder, condition = parts.encoder, condition_axis.make(settings, context)
        if settings.neighbours:
            latent, condition = memory_axis.make(settings, parts.positions, context, **parts.heads)
        elif settings.num_codes:
            latent = codes_axis.make(settings, parts.positions)
        else:
            latent = latent_axis.make(settings, parts.positions, condition, **parts.heads)
    made = (encoder, latent, parts.decoder, parts.likelihood, condition)
    return tfvae.VAE(*made, name=context.model)


def stages(recipe: Recipe, settings, context: Context, vae) -> Iterator[Stage]:
    """The stages; each is made when the one before is done.

    Raises:
        UserError: two settings that exclude each other.
    """
    if recipe.stages is not None:
        yield from recipe.stages(settings, context, vae)
    elif not recipe.latent:
        objective = objectives.Objective({"distortion": objectives.distortion})
        yield joint_stage(settings, context, vae, objective)
    else:
        yield from _stages(recipe, settings, context, vae)


def _stages(recipe, settings, context, vae) -> Iterator[Stage]:
    divergence = divergence_axis.make(settings, context)
    further = divergence.terms | codes_axis.terms(settings)
    objective = objective_axis.make(settings, context, further)
    inference = inference_axis.make(settings, context)
    if settings.auxiliary and settings.prior == "label":
        raise UserError(
            "auxiliary=true fits one prior for all examples, and prior=label has one for each label: "
            "take one of them"
        )
    if settings.auxiliary and settings.inference != "amortised":
        raise UserError(
            f"auxiliary=true fits a prior on the encoder's posterior, which "
            f"inference={settings.inference} moves on: take one of them"
        )
    if settings.pretrain_steps and settings.moment_steps:
        raise UserError(
            f"pretrain_steps={settings.pretrain_steps} and moment_steps={settings.moment_steps} both "
            "prepare the encoder: take one of them (0 turns the other off)"
        )
    main = main_stage(  # made first: what it refuses is refused before anything trains
        settings,
        context,
        vae,
        objective,
        inference,
        divergence.players,
        codes_axis.after(settings) or memory_axis.after(settings),
    )
    if settings.pretrain_steps or settings.moment_steps:
        trial.stage_runs(main, context.space)  # it must not be found out after them
    if settings.pretrain_steps:
        yield _pretraining(settings, context, vae)
        _renew_decoder(recipe, settings, context, vae)
    if settings.moment_steps:
        yield moment_stage(settings, context, vae)
    yield main
    if settings.auxiliary:
        yield prior_stage(settings, context, vae.with_prior(_auxiliary(settings, context, vae)))


def _auxiliary(settings, context, vae):
    """The prior of the last stage: over a sequence of vectors, or over a map of codes."""
    sizes = (settings.auxiliary_filters, settings.auxiliary_layers)
    if not settings.num_codes:
        return AutoregressivePrior(vae.latent.prior, *sizes, settings.auxiliary_components)
    old = vae.latent.prior
    grid = backbones.grid(settings, context) or (math.prod(old.event_shape), 1)
    return AutoregressiveCodes(old.event_shape, old.num_codes, grid, *sizes)


def _pretraining(settings, context, vae) -> Stage:
    """z is drawn, its rate is free: an autoencoder with noise (Li et al. 2019, as released)."""
    objective, steps = objectives.elbo(0.0), settings.pretrain_steps
    return joint_stage(settings, context, vae, objective, steps=steps, name="pretrain")


def _renew_decoder(recipe, settings, context, vae) -> None:
    """A decoder that knows nothing, for an encoder that does; the same after a resume."""
    with initial_weights(context.seed + 1):
        fresh = model(recipe, settings, context)
        fresh.build()
    for old, new in zip(vae.decoder.variables, fresh.decoder.variables):
        old.assign(new)
