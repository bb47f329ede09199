"""What would run: printed, and tried on the data that there is."""

from __future__ import annotations

import textwrap

import numpy as np
import tensorflow as tf

from tfvae import training
from tfvae.distributions import constant_code_rate
from zoo import datasets, modalities, models, settings
from zoo.command import assemble, plan, run, trial

__all__ = ["describe"]

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
    looked = resolved.files is not None or resolved.dataset in datasets.MADE_HERE
    if looked:
        made = run.prepare(resolved, kind, strategy)
        model, data = made.model, made.data
        space = kind.space_of(data)
        found = ", ".join(f"{len(getattr(data, s).x):,} {s}" for s in ("train", "valid", "test"))
    else:
        space = kind.space(resolved.dataset, None, resolved.settings)
        made_for = run.context(resolved, space, _EXAMPLES, valid=space.example())
        model = assemble.model(described, resolved.settings, made_for)
        trial.model_runs(model, space)
        trial.stage_runs(
            next(assemble.stages(described, resolved.settings, made_for, model)), space
        )
        found = "not looked at: --data_dir does not say where they lie"
    print(models.documentation(resolved.model))
    print(f"\npaper: {described.citation}")
    print(f"data: {resolved.dataset}, {space} ({found})")
    for name in ("backbone", "size", "train_steps", "batch_size", "learning_rate", "seed"):
        print(f"  --{name}={getattr(resolved, name)}")
    _print_settings(resolved)
    _print_parts(model)
    left = "" if looked else "; whether the data can be read was not looked at"
    print(f"\none tiny batch passes{left}.")


def _print_settings(resolved) -> None:
    """Those that are read, by heading; of the others the names alone."""
    print("\nsettings (--set=name=value)")
    for heading, lines in settings.headings(resolved.settings).items():
        print(f"\n  {heading}")
        without = []
        for name, value, text in lines:
            if plan.idle(resolved, name):
                without.append(name)
            else:
                print(textwrap.fill(f"{name}={value}  {text}", 100, **_INDENTED))
        if without:
            print(textwrap.fill(f"(not read here: {', '.join(without)})", 100, **_INDENTED))


def _print_parts(model) -> None:
    print("\nparts, with their weights:")
    for part in ("encoder", "latent", "decoder"):
        layer = getattr(model, part)
        print(f"  {part:8s} {type(layer).__name__:24s} {layer.count_params():>12,d}")
    print(f"  {'total':8s} {'':24s} {model.count_params():>12,d}")
    print(f"  z: {model.latent.event_shape}, likelihood: {type(model.likelihood).__name__}")
    rate = getattr(getattr(model.latent, "prior", None), "committed_rate", None)
    if rate is not None:
        correlations = sorted(set(np.round(model.latent.prior.correlation, 6).tolist()))
        print(f"  committed rate: {np.sum(rate):.4f} nats, correlation {correlations}")
        price = constant_code_rate(model.latent.event_shape[0], correlations)
        print(
            f"  a code that stays the same over the positions costs {np.max(price):.2f} nats a unit "
            "of variance (1/2 at best: fewer positions or channels, or a larger rate)"
        )
