"""A run, fully resolved: what the flags, the flagfile and the model's defaults add up to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tfvae.checks import UserError, one_of, positive
from zoo import assemble, backbones, modalities, recipe, settings

__all__ = ["Plan", "resolve", "settings_of"]

STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker")
PRECISIONS = ("float32", "mixed_bfloat16")


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that decides what a run computes, and where it lies."""

    model: str
    dataset: str
    backbone: str
    size: str
    settings: Any
    train_steps: int
    batch_size: int
    learning_rate: float
    seed: int
    eval_every: int
    checkpoint_every: int
    nll_samples: int
    nll_examples: int
    information_batch: int | None = None
    data_dir: str | None = None
    workdir: str | None = None
    strategy: str = "auto"
    cpu_replicas: int = 1
    precision: str = "float32"
    jit_compile: bool = False
    deterministic: bool = True

    def config(self) -> dict[str, Any]:
        """What config.json holds of it: what must be equal when a run is resumed."""
        values = dataclasses.asdict(self)
        for name in ("workdir", "data_dir", "strategy", "cpu_replicas"):
            values.pop(name)
        return values

    def command(self) -> str:
        """The command that repeats this run."""
        words = [f"python train_main.py --model={self.model}"]
        for name in _SHOWN:
            words.append(f"--{name}={getattr(self, name)}")
        usual = {name: value for name, value, _ in settings.describe(type(self.settings)())}
        for name, value, _ in settings.describe(self.settings):
            if value != usual[name]:
                words.append(f"--set={name}={value}")
        return " ".join(words)


_SHOWN = ("dataset", "backbone", "size", "train_steps", "batch_size", "learning_rate", "seed")


def settings_of(model: str, dataset: str) -> frozenset[str]:
    """The names of the settings that a model has on a data set."""
    cls = assemble.settings_class(model, recipe.load(model), modalities.of(dataset).NAME)
    return frozenset(f.name for f in dataclasses.fields(cls))


def resolve(
    model: str,
    sets: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    **given: Any,
) -> Plan:
    """Fills in the model's defaults and refuses what cannot run, before anything is made.

    Args:
        model: a name of the zoo.
        sets: `name=value` texts.
        values: settings as Python values.
        **given: fields of `Plan`; `None` means the default.

    Raises:
        UserError: an unknown name, a wrong value.
    """
    described = recipe.load(model)
    defaults = described.defaults
    given = {name: value for name, value in given.items() if value is not None}
    dataset = given.pop("dataset", defaults.dataset)
    kind = modalities.of(dataset)
    usual = defaults.backbone if defaults.backbone in kind.BACKBONES else kind.DEFAULT_BACKBONE
    made = settings.parse(assemble.settings_class(model, described, kind.NAME), sets, values)
    steps = given.pop("train_steps", defaults.train_steps)
    plan = Plan(
        model=model,
        dataset=dataset,
        backbone=one_of(f"backbone of {kind.NAME}", given.pop("backbone", usual), kind.BACKBONES),
        size=one_of("size", given.pop("size", defaults.size), backbones.SIZES),
        settings=made,
        train_steps=steps,
        batch_size=given.pop("batch_size", defaults.batch_size),
        learning_rate=given.pop("learning_rate", defaults.learning_rate),
        seed=given.pop("seed", 0),
        eval_every=given.pop("eval_every", max(1, steps // 10)),
        checkpoint_every=given.pop("checkpoint_every", max(1, steps // 10)),
        nll_samples=given.pop("nll_samples", 100),
        nll_examples=given.pop("nll_examples", 200),
        **given,
    )
    for name in (
        "train_steps",
        "batch_size",
        "learning_rate",
        "eval_every",
        "checkpoint_every",
        "nll_samples",
        "nll_examples",
        "cpu_replicas",
    ):
        positive(f"--{name}", getattr(plan, name))
    one_of("strategy", plan.strategy, STRATEGIES)
    one_of("precision", plan.precision, PRECISIONS)
    if plan.batch_size % plan.cpu_replicas:
        raise UserError(
            f"--batch_size must be a multiple of --cpu_replicas={plan.cpu_replicas}, got {plan.batch_size}"
        )
    return plan
