"""What would run: printed, and tried on the data that there is."""

from __future__ import annotations

import dataclasses
import textwrap

import numpy as np
import tensorflow as tf

from tfvae import training, values
from tfvae.distributions import constant_code_rate
from tfvae.parts import PLACES, choices
from zoo import datasets, modalities, models
from zoo.command import assemble, plan, run, trial

__all__ = ["describe", "first_line", "print_places"]

_EXAMPLES = 10_000  # of training, where no data is read
_INDENTED = {"initial_indent": " " * 4, "subsequent_indent": " " * 8, "break_on_hyphens": False}


def describe(resolved: plan.Plan) -> None:
    """Prints what would run; reads the data where that needs no download, and runs one tiny batch.

    Raises:
        UserError: whatever would keep the run from training.
    """
    kind = modalities.of(resolved.dataset)
    described = models.load(resolved.model)
    strategy = tf.distribute.get_strategy()
    if resolved.strategy != "multi_worker":  # which would wait for the others
        strategy = training.strategy.make(resolved.strategy, resolved.cpu_replicas)
    looked = resolved.files is not None or datasets.made_here(resolved.dataset)
    if looked:
        made = run.prepare(resolved, kind, strategy)
        model, data = made.model, made.data
        space = kind.space_of(data)
        found = ", ".join(f"{len(getattr(data, s).x):,} {s}" for s in ("train", "valid", "test"))
    else:
        space = kind.space(resolved.dataset, None, resolved.point)
        example = space.example()
        made_for = run.context(
            resolved, space, _EXAMPLES, example, examples=lambda n: tf.repeat(example[:1], n, 0)
        )
        model = assemble.model(described, made_for)
        trial.model_runs(model, space)
        trial.stage_runs(next(assemble.stages(described, made_for, model)), space)
        found = "not looked at: --data_dir does not say where they lie"
    print(models.documentation(resolved.model))
    print(f"\npaper: {described.citation}")
    print(f"data: {resolved.dataset}, {space} ({found})")
    for name in ("backbone", "size", "train_steps", "batch_size", "learning_rate", "seed"):
        print(f"  --{name}={getattr(resolved, name)}")
    print_places(resolved)
    _print_parts(model)
    left = "" if looked else "; whether the data can be read was not looked at"
    print(f"\none tiny batch passes{left}.")


def print_places(resolved) -> None:
    """Every place with its part, the settings that only it has, and what else fits there."""
    print("\nplaces, parts and their settings (--set=PLACE=PART, --set=SETTING=VALUE)")
    closed = resolved.point.closed()
    for axis in dict.fromkeys(p.axis for p in PLACES.values()):
        print(f"\n  {axis}")
        for place in (p for p in PLACES.values() if p.axis == axis and p.name not in closed):
            _print_place(resolved, place)
    if closed:
        left = {}
        for name, part in closed.items():
            left.setdefault(str(part), []).append(name)
        for part, names in left.items():
            print(textwrap.fill(f"{part} leaves no {', '.join(names)}", 100, **_INDENTED))


def _print_place(resolved, place) -> None:
    held = resolved.point[place.name]
    parts = held if isinstance(held, tuple) else () if held is None else (held,)
    known = choices(place.name, resolved.kind)
    if not known:
        return
    others = [n for n in known if n not in [p.name for p in parts] and _fits(resolved, place, n)]
    if not parts and not others:
        return
    names = ",".join(part.name for part in parts) or "none"
    _say(f"{place.name}={names}  {place.help}", 4)
    for part in parts:
        _say(first_line(part), 8)
        for f in dataclasses.fields(part):
            _say(f"{f.name}={values.text(getattr(part, f.name))}  {f.metadata['help']}", 8)
    for name in others:
        _say(f"or {name}: {first_line(known[name])}", 8)


def _fits(resolved, place, name: str) -> bool:
    """Whether it could be there, all else as it is."""
    if place.name == "backbone":
        return True
    taken = f"+{name}" if place.many else name
    return plan.could_be(resolved, place.name, taken)


def first_line(part) -> str:
    """What a part says of itself."""
    return (part.__doc__ or "").strip().partition("\n")[0]


def _say(text: str, indent: int) -> None:
    further = " " * (indent + 4)
    print(
        textwrap.fill(
            text,
            100,
            initial_indent=" " * indent,
            subsequent_indent=further,
            break_on_hyphens=False,
        )
    )


def _print_parts(model) -> None:
    print("\nparts, with their weights:")
    for part in ("encoder", "latent", "decoder"):
        layer = getattr(model, part)
        print(f"  {part:8s} {type(layer).__name__:24s} {layer.count_params():>12,d}")
    print(f"  {'total':8s} {'':24s} {model.count_params():>12,d}")
    print(f"  z: {model.latent.event_shape}, likelihood: {type(model.likelihood).__name__}")
    if model.decoder.sees:
        _say(f"each part of x is made from z and {model.decoder.sees}", 2)
    rate = getattr(getattr(model.latent, "prior", None), "committed_rate", None)
    if rate is not None:
        correlations = sorted(set(np.round(model.latent.prior.correlation, 6).tolist()))
        print(f"  committed rate: {np.sum(rate):.4f} nats, correlation {correlations}")
        price = constant_code_rate(model.latent.event_shape[0], correlations)
        print(
            f"  a code that stays the same over the positions costs {np.max(price):.2f} nats a unit "
            "of variance (1/2 at best: fewer positions or channels, or a larger rate)"
        )
