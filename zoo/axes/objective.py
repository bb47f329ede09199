"""The objective axis: the weight of the rate over the steps, and what stands beside it."""

from __future__ import annotations

import dataclasses

from tfvae.checks import UserError
from tfvae.objectives import (
    FREE_BITS_FORMS,
    BagOfWords,
    Capacity,
    DualVariable,
    Objective,
    Switch,
    cosine_similarity,
    distortion,
    free_bits,
    rate,
)
from tfvae.schedules import Constant, Cyclical, Linear, Scaled, Schedule, Sigmoid
from zoo.settings import ON, field

_PAID = {"num_codes": (0,)}  # the rate of codes is the same for every x until a prior is fitted
_RAMP = {"annealing": ("linear",), "on_collapse": ("annealing",)}
_CYCLES = {"annealing": ("cyclical",)}
_SIGMOID = {"annealing": ("sigmoid",)}
_DUAL = {"target_rate": ON, "target_distortion": ON}

__all__ = ["ObjectiveSettings", "make", "rate_weight"]


@dataclasses.dataclass(frozen=True)
class ObjectiveSettings:
    """distortion + weight(step) * rate + further terms."""

    beta: float = field(1.0, "weight of the rate (once annealed)", low=0.0, of=_PAID)
    annealing: str = field(
        "none",
        "of that weight: from annealing_start up to 1, times beta",
        choices=("none", "linear", "sigmoid", "cyclical"),
        of=_PAID,
    )
    annealing_start: float = field(
        0.0,
        "the weight at the start of a linear ramp or of a cycle (He et al.: 0.1)",
        low=0.0,
        of={"annealing": ("linear", "cyclical"), "on_collapse": ("annealing",)},
    )
    annealing_steps: int | None = field(
        None, "of a linear ramp; none: a fifth of train_steps", low=1, of=_RAMP
    )
    annealing_slope: float | None = field(
        None, "k of sigmoid(k (step - midpoint)); none: 6 / midpoint", low=1e-12, of=_SIGMOID
    )
    annealing_midpoint: float | None = field(
        None, "of the sigmoid, in steps; none: a tenth of train_steps", low=0.0, of=_SIGMOID
    )
    cycles: int = field(4, "M of cyclical annealing", low=1, of=_CYCLES)
    cycle_ratio: float = field(
        0.5, "R: the part of a cycle that rises", low=0.0, high=1.0, of=_CYCLES
    )
    cycle_shape: str = field(
        "linear", "how a cycle rises", choices=("linear", "sigmoid", "cosine"), of=_CYCLES
    )
    free_bits: float = field(
        0.0, "lambda in nats: rate that is not paid (of each group, or in total)", low=0.0
    )
    free_bits_form: str = field(
        "batch_group",
        "whether the floor is under the batch's mean or each example, each group or the total",
        choices=FREE_BITS_FORMS,
        of={"free_bits": ON},
    )
    free_bits_groups: int | None = field(
        None,
        "join the latent's groups into this many; none: as they are",
        low=1,
        of={"free_bits": ON},
    )
    capacity: float | None = field(
        None, "C in nats: minimise |rate - C(step)|, C rising linearly from 0; none: off", low=0.0
    )
    capacity_weight: float = field(
        10.0, "gamma of the capacity term", low=1e-6, of={"capacity": ON}
    )
    capacity_steps: int | None = field(
        None, "until C is reached; none: a half of train_steps", low=1, of={"capacity": ON}
    )
    target_rate: float | None = field(
        None, "nats: beta is learned (Lagrange) so that the rate comes to this; none: off", low=0.0
    )
    target_distortion: float | None = field(
        None, "nats: GECO, the least rate at this distortion; none: off"
    )
    dual_update: str = field(
        "multiplicative",
        "how the weight of a target moves",
        choices=("multiplicative", "additive"),
        of=_DUAL,
    )
    dual_step_size: float = field(
        2e-3,
        "nu of that; too large for the time in which the rate answers, it never settles",
        low=1e-12,
        high=1e6,
        of=_DUAL,
    )
    dual_start: float = field(1.0, "the weight at first", low=0.0, high=1e4, of=_DUAL)
    dual_warm_up: int | None = field(
        None,
        "steps before it moves; none: a twentieth of train_steps for target_distortion, which early "
        "reconstructions miss by far, and 0 for target_rate",
        low=0,
        of=_DUAL,
    )
    on_collapse: str = field(
        "say",
        "when two indicators agree that the code is lost: say so; or also begin annealing anew, "
        "switch free_bits on (before, the whole rate is paid), begin a phase of aggressive training",
        choices=("say", "annealing", "free_bits", "aggressive"),
    )
    bow_weight: float = field(0.0, "of the bag-of-words term (text)", low=0.0)
    bow_units: int = field(400, "of its hidden layer", low=1, high=65536, of={"bow_weight": ON})
    cosine_weight: float = field(
        0.0, "of the mean cosine between the features of different examples", low=0.0
    )


def rate_weight(settings, context) -> Schedule:
    """beta * annealing(step)."""
    steps = context.train_steps
    shapes = {
        "none": lambda: Constant(1.0),
        "linear": lambda: _linear(settings, context),
        "sigmoid": lambda: _sigmoid(settings, steps),
        "cyclical": lambda: Cyclical(
            steps,
            settings.cycles,
            settings.cycle_ratio,
            settings.cycle_shape,
            settings.annealing_start,
        ),
    }
    return _scaled(settings.beta, shapes[settings.annealing]())


def _sigmoid(settings, train_steps: int) -> Schedule:
    middle, slope = settings.annealing_midpoint, settings.annealing_slope
    if middle is None:
        middle = max(1.0, train_steps / 10)
    if slope is None and middle == 0:
        raise UserError(
            "annealing_midpoint=0 leaves no slope of its own (6 / midpoint): say annealing_slope=..."
        )
    return Sigmoid(6.0 / middle if slope is None else slope, middle)


def _linear(settings, context) -> Schedule:
    steps = settings.annealing_steps or max(1, context.train_steps // 5)
    return Linear(settings.annealing_start, 1.0, steps)


def _scaled(beta: float, shape: Schedule) -> Schedule:
    """beta times the shape."""
    if beta == 1.0:
        return shape
    return Constant(beta) if isinstance(shape, Constant) else Scaled(beta, shape)


def make(settings, context, further) -> Objective:
    """The objective that the settings describe.

    Args:
        settings: `ObjectiveSettings` at least.
        context: of the run.
        further: {name: (weight, term)} beside them.

    Raises:
        UserError: two of them want to decide about the same term.
    """
    _refuse_conflicts(settings, context)
    terms = {"distortion": _distortion(settings, context)}
    terms |= _rate(settings, context)
    if settings.bow_weight:
        bag = BagOfWords(context.space.vocabulary_size, settings.bow_units)
        terms["bag_of_words"] = (settings.bow_weight, bag)
    if settings.cosine_weight:
        terms["cosine"] = (settings.cosine_weight, cosine_similarity)
    return Objective(terms | further)


def _distortion(settings, context):
    if settings.target_distortion is None:
        return distortion
    usual = context.train_steps // 20
    return _dual(settings, "distortion", settings.target_distortion, usual), distortion


def _rate(settings, context) -> dict:
    if settings.target_rate is not None:
        return {"rate": (_dual(settings, "rate", settings.target_rate, 0), rate)}
    if settings.capacity is not None:
        steps = settings.capacity_steps or max(1, context.train_steps // 2)
        term = Capacity(Linear(0.0, settings.capacity, steps))
        return {"capacity": (settings.capacity_weight, term)}
    weight = rate_weight(settings, context)
    if settings.on_collapse == "annealing":
        weight = Switch(weight, _scaled(settings.beta, _linear(settings, context)), "annealing")
    if not settings.free_bits:
        return {"rate": (weight, rate)}
    floor = free_bits(settings.free_bits, settings.free_bits_form, settings.free_bits_groups)
    if settings.on_collapse == "free_bits":
        return {
            "rate": (Switch(weight, 0.0, "free bits"), rate),
            "free_bits": (Switch(0.0, settings.beta, "free bits"), floor),
        }
    return {"free_bits": (weight, floor)}


def _dual(settings, watched: str, target: float, warm_up: int) -> DualVariable:
    if settings.dual_warm_up is not None:
        warm_up = settings.dual_warm_up
    low = 0.0 if settings.dual_update == "additive" else 1e-4
    return DualVariable(
        watched,
        target,
        settings.dual_update,
        settings.dual_step_size,
        start=settings.dual_start,
        bounds=(low, 1e4),
        start_step=warm_up,
        largest_change=0.05,
    )


def _refuse_conflicts(settings, context) -> None:
    deciders = [
        f"{name}={value}"
        for name, value, off in (
            ("free_bits", settings.free_bits, 0.0),
            ("capacity", settings.capacity, None),
            ("target_rate", settings.target_rate, None),
            ("target_distortion", settings.target_distortion, None),
        )
        if value != off
    ]
    if len(deciders) > 1:
        raise UserError(
            f"{deciders[0]} and {deciders[1]} both decide what the rate costs: take one of them"
        )
    alone = [d for d in deciders if not d.startswith("free_bits")]
    if alone and (settings.annealing != "none" or settings.beta != 1.0):
        other = f"annealing={settings.annealing}"
        if settings.annealing == "none":
            other = f"beta={settings.beta}"
        raise UserError(f"{alone[0]} decides the weight of the rate itself: {other} cannot")
    if settings.on_collapse == "free_bits" and not settings.free_bits:
        raise UserError(
            "on_collapse=free_bits needs the floor that it switches on: say free_bits=..."
        )
    if alone and settings.on_collapse in ("annealing", "free_bits"):
        raise UserError(
            f"{alone[0]} decides the weight of the rate itself: on_collapse={settings.on_collapse} "
            "cannot"
        )
    if settings.bow_weight and not hasattr(context.space, "vocabulary_size"):
        raise UserError(
            f"bow_weight={settings.bow_weight}: the bag of words is a term of text, and this is "
            f"{context.modality}"
        )
