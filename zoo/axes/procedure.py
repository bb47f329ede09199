"""The procedure axis: which weights move when, by which optimizer, how fast."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import keras

from tfvae import diagnosis, objectives
from tfvae import inference as inferences
from tfvae.checks import UserError
from tfvae.procedures import (
    REFERENCES,
    STOPPING,
    Aggressive,
    Alternating,
    Joint,
    KeepBest,
    Plateau,
    Player,
    Until,
    Update,
    encoder_variables,
)
from tfvae.schedules import Constant, Cosine, Exponential, Piecewise, Restarts, Schedule
from zoo.recipe import MAIN, Context, Stage
from zoo.settings import ON, field

OPTIMIZERS = ("adam", "sgd")
_ADAM_RATE = 1e-3  # where the run's is SGD's
_MOMENTS = 0.1  # where WAE's pretraining ends, as released
_AGGRESSIVE = {"procedure": ("aggressive",), "on_collapse": ("aggressive",)}
_PLATEAU = {"learning_rate_schedule": ("plateau",)}

__all__ = [
    "ProcedureSettings",
    "TrainingSettings",
    "facts",
    "joint_stage",
    "learning_rate",
    "main_stage",
    "moment_stage",
    "prior_stage",
]


@dataclasses.dataclass(frozen=True)
class ProcedureSettings:
    """Joint, or the encoder ahead of the decoder."""

    procedure: str = field(
        "joint",
        "aggressive: many steps of the encoder for each one of the decoder, at first",
        choices=("joint", "aggressive"),
    )
    encoder_optimizer: str | None = field(
        None,
        "of the encoder in aggressive training; none: as `optimizer`, which is the decoder's there",
        choices=OPTIMIZERS,
        of=_AGGRESSIVE,
    )
    encoder_learning_rate: float | None = field(
        None,
        "of that optimizer, with the same schedule; none: as --learning_rate",
        low=1e-12,
        high=1e6,
        of=_AGGRESSIVE,
    )
    inner_steps: int = field(
        99, "the most steps of the encoder for one of the decoder", low=1, of=_AGGRESSIVE
    )
    window: int | None = field(
        None,
        "inner steps between looks at the loss; none: 15 for text, 10 for images",
        low=1,
        of=_AGGRESSIVE,
    )
    aggressive_steps: int | None = field(
        None,
        "steps of the decoder after which it ends in any case; none: by the information alone",
        low=1,
        of=_AGGRESSIVE,
    )
    check_every: int | None = field(
        None, "steps between looks at the mutual information; none: an epoch", low=1, of=_AGGRESSIVE
    )
    stopping: str | None = field(
        None,
        "it ends when that falls below the last one (previous) or has not exceeded the best one "
        "`patience` times (best); none: previous for text, best for images",
        choices=STOPPING,
        of=_AGGRESSIVE,
    )
    patience: int = field(5, "of stopping=best", low=1, of=(_AGGRESSIVE, {"stopping": ("best",)}))
    information_examples: int = field(
        500, "validation examples of that mutual information", low=2, of=_AGGRESSIVE
    )
    information_batch_size: int | None = field(
        None,
        "of the batches whose mean it is (as released for text: 32, which bounds it by ln 32 = 3.5); none: "
        "all in one",
        low=2,
        of=_AGGRESSIVE,
    )
    pretrain_steps: int = field(
        0,
        "first an autoencoder (weight 0) for so many steps; then its decoder is made anew",
        low=0,
    )
    moment_steps: int = field(
        0,
        "first the encoder alone for so many steps: mean and covariance of its codes come to those "
        "of the prior (WAE as released: at most 200), to a distance below 0.1",
        low=0,
    )
    moment_points: int = field(
        1000,
        "examples of a batch of that, in whole batches of the run (WAE as released: 1000 of MNIST, 256 "
        "of CelebA)",
        low=2,
        high=1_000_000,
        of={"moment_steps": ON},
    )


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """The optimizer and its learning rate."""

    optimizer: str = field("adam", "adam, or sgd without momentum", choices=OPTIMIZERS)
    adam_beta1: float = field(
        0.9,
        "of Adam's mean of the gradient (WAE as released: 0.5)",
        low=0.0,
        high=0.9999,
        of={"optimizer": ("adam",), "encoder_optimizer": ("adam",), "moment_steps": ON},
    )
    clip_norm: float | None = field(5.0, "largest global norm of the gradient, or none", low=1e-6)
    learning_rate_schedule: str = field(
        "drop",
        "drop: a fifth for the last 30 % of the steps; exponential: times 0.999995 a step; "
        "restarts: a cosine in each of `learning_rate_cycles`; plateau: a half whenever validation "
        "has not improved in `plateau_patience` evaluations, with the best weights taken back",
        choices=("constant", "drop", "cosine", "exponential", "restarts", "plateau"),
    )
    plateau_patience: int = field(2, "evaluations without a better one", low=1, of=_PLATEAU)
    plateau_reference: str | None = field(
        None,
        "than the best of all (best), or than the best since the last fall (fall); none: fall for "
        "text, best for images, as released",
        choices=REFERENCES,
        of=_PLATEAU,
    )
    plateau_start: int = field(0, "the step before which it does not fall", low=0, of=_PLATEAU)
    plateau_falls: int = field(5, "halvings after which the training ends", low=1, of=_PLATEAU)
    keep_best: bool = field(
        False,
        "end with the weights of the best evaluation, as released for text (plateau always does)",
    )
    learning_rate_cycles: int = field(
        4, "of learning_rate_schedule=restarts", low=1, of={"learning_rate_schedule": ("restarts",)}
    )
    ema_decay: float = field(
        0.0,
        "Polyak averaging of the weights that are kept, 0 for none (published: 0.9995)",
        low=0.0,
        high=0.99999,
    )


def facts(settings, modality: str) -> dict:
    """What is meant where the settings say none; see `zoo.settings.field`."""
    if not hasattr(settings, "stopping"):
        return {}
    return {"stopping": _stopping(settings, modality == "text")}


def _stopping(settings, text: bool) -> str:
    return settings.stopping or ("previous" if text else "best")


def learning_rate(settings, rate: float, steps: int, modality: str) -> Schedule | KeepBest:
    """The schedule that the settings name."""
    usual = "fall" if modality == "text" else "best"
    schedule = {
        "constant": lambda: Constant(rate),
        "drop": lambda: Piecewise((max(1, int(0.7 * steps)),), (rate, rate / 5)),
        "cosine": lambda: Cosine(rate, 0.0, steps),
        "exponential": lambda: Exponential(rate, 0.999995),
        "restarts": lambda: Restarts(rate, steps, settings.learning_rate_cycles),
        "plateau": lambda: Plateau(
            rate,
            0.5,
            settings.plateau_patience,
            settings.plateau_start,
            settings.plateau_falls,
            settings.plateau_reference or usual,
        ),
    }[settings.learning_rate_schedule]()
    return KeepBest(schedule) if settings.keep_best else schedule


def _optimizer(settings, name: str | None = None) -> keras.optimizers.Optimizer:
    average = {"use_ema": settings.ema_decay > 0, "ema_momentum": settings.ema_decay or 0.99}
    if (name or settings.optimizer) == "sgd":
        return keras.optimizers.SGD(**average)
    return keras.optimizers.Adam(beta_1=settings.adam_beta1, **average)


def main_stage(
    settings,
    context: Context,
    model,
    objective: objectives.Objective,
    inference: Callable,
    players: Sequence[Player] = (),
    after=None,
) -> Stage:
    """Encoder and decoder by the procedure that the settings name, and the critics in turn with it."""
    switches = [w for w, _ in objective.terms.values() if isinstance(w, objectives.Switch)]
    if settings.procedure == "joint" and settings.on_collapse != "aggressive":
        stage = joint_stage(settings, context, model, objective, inference, after=after)
    else:
        rate = _rate(settings, context, context.train_steps)
        procedure = _aggressive(settings, context, objective, inference, rate)
        stage = Stage(MAIN, model, procedure, context.train_steps)
        if settings.on_collapse == "aggressive":
            switches.append(procedure)
    stage = dataclasses.replace(stage, remedies=tuple(switches))
    if not players:
        return stage
    return dataclasses.replace(stage, procedure=Alternating(stage.procedure, players))


def joint_stage(
    settings,
    context: Context,
    model,
    objective: objectives.Objective,
    inference: Callable = inferences.amortised,
    steps: int | None = None,
    name: str = MAIN,
    after=None,
) -> Stage:
    """All weights together on an objective, for the steps of the run if no others are named."""
    steps = steps or context.train_steps
    update = Update(
        objective,
        _optimizer(settings),
        clip_norm=settings.clip_norm,
        inference=inference,
        jit_compile=context.jit_compile,
        after=after,
    )
    rate = _rate(settings, context, steps)
    procedure = Joint(update, learning_rate=rate, seed=context.seed)
    return Stage(name, model, procedure, steps)


def _rate(settings, context: Context, steps: int) -> Schedule | KeepBest:
    """Refuses two settings that both say which weights are kept."""
    plateau = settings.learning_rate_schedule == "plateau"
    if plateau and settings.keep_best:
        raise UserError(
            "learning_rate_schedule=plateau keeps the best weights itself: leave keep_best=true out"
        )
    if settings.ema_decay and (plateau or settings.keep_best):
        best = "learning_rate_schedule=plateau" if plateau else "keep_best=true"
        raise UserError(
            f"ema_decay={settings.ema_decay} keeps averaged weights, and {best} the best ones: take "
            "one of them"
        )
    return learning_rate(settings, context.learning_rate, steps, context.modality)


def _aggressive(settings, context: Context, objective, inference, rate) -> Aggressive:
    if settings.ema_decay:
        raise UserError(
            f"ema_decay={settings.ema_decay} averages the weights of one optimizer, and "
            "procedure=aggressive has two"
        )
    if settings.window is not None and settings.window > settings.inner_steps:
        raise UserError(
            f"window={settings.window} has no effect: it must be at most "
            f"inner_steps={settings.inner_steps}, after which no look is taken"
        )
    text = context.modality == "text"
    # of a model that is built for `fit` it is the epoch of that
    epoch = max(1, context.num_examples // context.batch_size) if context.num_examples else None
    return Aggressive(
        _optimizer(settings, settings.encoder_optimizer),
        _optimizer(settings),
        diagnosis.ValidationInformation(
            context.valid,
            context.valid_label,
            settings.information_examples,
            settings.information_batch_size,
            context.seed,
        ),
        settings.check_every or epoch,
        objective,
        settings.inner_steps,
        settings.window or (15 if text else 10),
        _stopping(settings, text),
        settings.patience,
        settings.aggressive_steps,
        clip_norm=settings.clip_norm,
        inference=inference,
        learning_rate=rate,
        jit_compile=context.jit_compile,
        seed=context.seed,
        waiting=settings.procedure == "joint",
        encoder_factor=_encoder_factor(settings, context),
    )


def _encoder_factor(settings, context: Context) -> float:
    """The encoder's learning rate, in units of the run's."""
    own = settings.encoder_learning_rate
    if own is None and settings.encoder_optimizer not in (None, settings.optimizer):
        raise UserError(
            f"encoder_optimizer={settings.encoder_optimizer} needs encoder_learning_rate: no rate "
            f"suits it and the decoder's {settings.optimizer} alike"
        )
    if own is None:
        return 1.0
    return own / context.learning_rate


def moment_stage(settings, context: Context, model) -> Stage:
    """Only the encoder, until its codes lie where the prior's draws do (WAE, as released)."""
    distance = objectives.MomentDistance(context.seed)
    update = Update(
        objectives.Objective({"moments": distance}),
        keras.optimizers.Adam(beta_1=settings.adam_beta1),
        variables=encoder_variables,
        clip_norm=settings.clip_norm,
        inference=inferences.encoder_only,
        jit_compile=context.jit_compile,
    )
    rate = context.learning_rate if settings.optimizer == "adam" else _ADAM_RATE
    procedure = Until(_MOMENTS, update=update, learning_rate=Constant(rate), seed=context.seed)
    points = min(settings.moment_points, context.num_examples)
    batch_size = max(1, points // context.batch_size) * context.batch_size
    return Stage("moments", model, procedure, settings.moment_steps, batch_size=batch_size)


def prior_stage(settings, context: Context, model) -> Stage:
    """Only the prior, by maximum likelihood on draws of the frozen posterior."""

    def moving(m):
        return m.latent.prior.trainable_variables

    steps = settings.auxiliary_steps or max(1, context.train_steps // 2)
    update = Update(
        objectives.Objective({"rate": objectives.rate}),
        keras.optimizers.Adam(),
        variables=moving,
        clip_norm=5.0,
        inference=inferences.code_only,
    )
    schedule = Cosine(settings.auxiliary_learning_rate, 0.0, steps)
    procedure = Joint(update, learning_rate=schedule, seed=context.seed + 1)
    return Stage("auxiliary_prior", model, procedure, steps)
