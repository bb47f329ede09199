"""Pieces that the zoo's procedures share: learning-rate schedules, optimizer, weight averaging."""

from __future__ import annotations

import keras

from tfvae import inference, objectives
from tfvae.procedures import Joint, Update
from tfvae.schedules import Constant, Cosine, Exponential, Piecewise, Schedule
from zoo.recipe import Context, Stage
from zoo.settings import ImageSettings

__all__ = ["joint_stage", "learning_rate", "prior_stage"]


def learning_rate(kind: str, rate: float, steps: int) -> Schedule:
    """The schedule that a setting names."""
    return {
        "constant": Constant(rate),
        "drop": Piecewise((max(1, int(0.7 * steps)),), (rate, rate / 5)),
        "cosine": Cosine(rate, 0.0, steps),
        "exponential": Exponential(rate, 0.999995),
    }[kind]


def _stage(name, model, update: Update, rate: Schedule, steps: int, seed: int, moving) -> Stage:
    optimizer = update.optimizer

    def finish():
        if optimizer.use_ema:
            optimizer.finalize_variable_values(moving(model))

    return Stage(name, model, Joint(update, learning_rate=rate, seed=seed), steps, finish)


def _adam(decay: float) -> keras.optimizers.Adam:
    return keras.optimizers.Adam(use_ema=decay > 0, ema_momentum=decay or 0.99)


def joint_stage(settings: ImageSettings, context: Context, model, objective=None) -> Stage:
    """All weights together on the ELBO (or another objective)."""
    update = Update(
        objective or objectives.elbo(),
        _adam(settings.ema_decay),
        clip_norm=settings.clip_norm,
        jit_compile=context.jit_compile,
    )
    rate = learning_rate(
        settings.learning_rate_schedule, context.learning_rate, context.train_steps
    )
    return _stage(
        "train",
        model,
        update,
        rate,
        context.train_steps,
        context.seed,
        lambda m: m.trainable_variables,
    )


def prior_stage(context: Context, model, rate: float, steps: int) -> Stage:
    """Only the prior, by maximum likelihood on draws of the frozen posterior."""

    def moving(m):
        return m.latent.prior.trainable_variables

    update = Update(
        objectives.Objective({"rate": objectives.rate}),
        _adam(0.0),
        variables=moving,
        clip_norm=5.0,
        inference=inference.code_only,
    )
    schedule = learning_rate("cosine", rate, steps)
    return _stage("auxiliary_prior", model, update, schedule, steps, context.seed + 1, moving)
