"""From a recipe and a context to the model and the stages of its training."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import keras

import tfvae
from tfvae import objectives
from tfvae.inference import amortised, code_only
from tfvae.networks import NoEncoder
from tfvae.parts import Context
from tfvae.procedures import MAIN, Alternating, Player, Stage, Update
from tfvae.procedures.parts import Played
from tfvae.randomness import initial_weights
from tfvae.schedules import Constant
from zoo.command import trial
from zoo.recipe import Recipe

__all__ = ["model", "stages"]


def model(recipe: Recipe, context: Context) -> tfvae.VAE:
    """An untrained model; under the strategy's scope.

    Raises:
        UserError: parts that do not fit, named.
    """
    if recipe.build is not None:
        return recipe.build(context)
    point = context.point
    networks = point["backbone"].make(context)
    context = dataclasses.replace(context, shape=networks.shape, heads=networks.heads)
    chosen, prior = point["posterior"], point["prior"]
    condition, told = None, None
    if prior is not None:
        condition = prior.condition(context)
    if condition is None and point["condition"] is not None:
        condition = point["condition"].make(context)
        told = getattr(point["condition"], "told", lambda: None)()  # not all parts of others say it
    context = dataclasses.replace(context, condition=condition)
    latent = _latent(context, chosen, prior)
    encoder = networks.encoder or NoEncoder()
    target, classifier = point["target"], point["classifier"]
    decoder = networks.decoder if target is None else target.make(context, networks.decoder)
    return tfvae.VAE(
        encoder,
        latent,
        decoder,
        networks.likelihood,
        condition,
        **({} if told is None else {"told": told}),
        classifier=None if classifier is None else classifier.make(context),
        name=context.model.replace(":", "_"),
    )


def _latent(context, chosen, prior):
    if prior is None:
        return chosen.join(chosen.make(context), None)
    made = prior.make(context)
    posterior = chosen.make(context)
    return prior.join(posterior, made) or chosen.join(posterior, made)


# ------------------------------------------------------------------ what trains it


def stages(recipe: Recipe, context: Context, vae) -> Iterator[Stage]:
    """The stages; each is made when the one before is done.

    Raises:
        UserError: settings that exclude each other.
    """
    if recipe.stages is not None:
        yield from recipe.stages(context, vae)
        return
    main = _main(context, vae)  # made first: what it refuses is refused before anything trains
    first = [part for part in context.point["stages"] if not part.after]
    last = [part for part in context.point["stages"] if part.after]
    if first:
        trial.stage_runs(main, context.space)  # it must not be found out after them
    for part in first:
        yield part.make(context, vae)
        part.done(vae, lambda: _fresh(recipe, context))
    yield main
    for part in last:
        yield part.make(context, vae)


def _fresh(recipe, context):
    """Another one of the same parts, with other weights; the same after a resume."""
    with initial_weights(context.seed + 1):
        made = model(recipe, context)
        made.build()
    return made


def _main(context, vae) -> Stage:
    point = context.point
    terms, inference = _bound(context)
    if point["target"] is not None:
        del terms["distortion"]  # there is none
    opponents = _further(context, terms)
    objective, upkeep = objectives.Objective(terms), point["upkeep"]
    played = Played(
        objective,
        inference,
        None if upkeep is None else upkeep.make(context),
    )
    procedure = (point["procedure"] or point["on_collapse"]).make(context, played)
    remedies = [w for w, _ in objective.terms.values() if isinstance(w, objectives.Switch)]
    if point["procedure"] is None:
        remedies.append(procedure)
    if opponents:
        players = [_player(each, context) for each in opponents]
        procedure = Alternating(procedure, players)
    batches = point["batches"]
    stream = None if batches is None else batches.make(context)
    return Stage(MAIN, vae, procedure, context.train_steps, tuple(remedies), stream=stream)


def _bound(context):
    """({name: term or (weight, term)} of what the objective begins with, inference)."""
    point = context.point
    if point["inference"] is None and point["bound"] is not None:
        return point["bound"].make(context)
    inference = amortised if point["inference"] is None else point["inference"].make(context)
    terms = {"distortion": objectives.distortion}
    if point["prior"] is None:
        return terms, inference
    weight, budget, remedy = (point[n] for n in ("rate_weight", "rate_budget", "on_collapse"))
    value = Constant(1.0) if weight is None else weight.make(context)
    if remedy is not None:
        value = remedy.weight(value, context)
    own = {"rate": (value, objectives.rate)}
    terms |= own if budget is None else budget.make(context, value)
    return (terms if remedy is None else remedy.terms(terms, context)), inference


def _further(context, terms) -> list:
    """Adds the terms that stand beside; the critics that these read."""
    opponents = []
    for part in context.point["terms"]:
        added = part.make(context)
        terms |= added.terms
        opponents += added.opponents
    if context.point["upkeep"] is not None:
        terms |= context.point["upkeep"].terms(context)
    # not all parts of others say it
    terms |= getattr(context.point["encoder"], "terms", lambda context: {})(context)
    return opponents


def _player(opponent, context) -> Player:
    update = Update(
        objectives.Objective({"critic": opponent.loss, **opponent.terms}),
        keras.optimizers.Adam(opponent.learning_rate, *opponent.betas),
        variables=lambda model: opponent.critic.trainable_variables,
        inference=code_only,
        jit_compile=context.jit_compile,
    )
    return Player(opponent.name, update, opponent.steps)
