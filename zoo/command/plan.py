"""A run, fully resolved: what the flags, the flagfile and the model's defaults add up to."""

from __future__ import annotations

import dataclasses
import shlex
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from tfvae.checks import UserError, one_of, place
from zoo import backbones, datasets, modalities, models, settings
from zoo import values as checked
from zoo.axes.procedure import facts as facts_of_procedure
from zoo.command import assemble
from zoo.settings import field

__all__ = ["Plan", "idle", "reached", "resolve", "settings_class"]

STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker")
PRECISIONS = ("float32", "mixed_bfloat16")
_NEEDED = dataclasses.MISSING


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that decides what a run computes, and where it lies."""

    model: str
    dataset: str
    backbone: str
    size: str
    settings: Any
    train_steps: int = field(_NEEDED, "batches", low=1)
    batch_size: int = field(_NEEDED, "examples a batch, over all devices", low=1, high=1_000_000)
    learning_rate: float = field(_NEEDED, "before its schedule", low=1e-12, high=1e6)
    seed: int = field(_NEEDED, "of everything random", low=0, high=2**32 - 1)
    eval_every: int = field(_NEEDED, "steps between evaluations", low=1)
    checkpoint_every: int = field(_NEEDED, "steps between checkpoints", low=1)
    nll_samples: int = field(_NEEDED, "importance samples", low=1, high=1_000_000)
    nll_examples: int = field(_NEEDED, "test examples of the NLL", low=1)
    information_batch: int | None = field(None, "test examples", low=2, high=1_000_000)
    data_dir: str | None = field(None, "where the data's files lie")
    data: str | None = field(None, "one's own data, a folder or a file")
    workdir: str | None = field(None, "the run directory")
    strategy: str = field("auto", "where it computes", choices=STRATEGIES)
    cpu_replicas: int = field(1, "logical CPU devices", low=1, high=256)
    precision: str = field("float32", "of the weights and sums", choices=PRECISIONS)
    jit_compile: bool = field(False, "XLA")
    deterministic: bool = field(True, "kernels")

    @property
    def files(self) -> str | None:
        """Where the data lies: a published set's files, or one's own."""
        return self.data if datasets.own.is_own(self.dataset) else self.data_dir

    def places(self) -> list[str]:
        """The words of a command that say so."""
        named = {"data_dir": self.data_dir, "data": self.data}
        return [f"--{name}={value}" for name, value in named.items() if value is not None]

    def config(self) -> dict[str, Any]:
        """What config.json holds of it: what must be equal when a run is resumed."""
        values = dataclasses.asdict(self)
        for name in ("workdir", "data_dir", "data", "strategy", "cpu_replicas"):
            values.pop(name)
        return values

    def command(self) -> str:
        """The command that repeats this run."""
        words = ["python", "train_main.py", f"--model={self.model}"]
        for name in _SHOWN:
            words.append(f"--{name}={getattr(self, name)}")
        usual = {name: value for name, value, _ in settings.describe(type(self.settings)())}
        for name, value, _ in settings.describe(self.settings):
            if value != usual[name]:
                words.append(f"--set={name}={value}")
        return shlex.join(words + self.places())

    def beside(self) -> str:
        """What the command of another model on the same data, networks and budget begins with."""
        words = ["python", "train_main.py"]
        words += [f"--{name}={getattr(self, name)}" for name in _SHOWN]
        words.append(f"--set=optimizer={self.settings.optimizer}")  # whose learning rate that is
        return shlex.join(words + self.places())


def _usual_rate(defaults, made) -> float:
    stands_on = type(made)().optimizer
    own = made.optimizer == stands_on == "sgd"
    return defaults.sgd_learning_rate if own else defaults.learning_rate


_SHOWN = ("dataset", "backbone", "size", "train_steps", "batch_size", "learning_rate", "seed")


def settings_class(model: str, dataset: str, backbone: str = "") -> type:
    """What `--set` reaches for this model on this data set."""
    described, kind = models.load(model), modalities.of(dataset)
    return assemble.settings_class(model, described, kind.NAME, backbone)


def _facts(made, kind, dataset: str, backbone: str, space, files) -> dict[str, Any]:
    """What `field(of=...)` may name besides settings."""
    return {
        "backbone": backbone,
        **kind.facts(made, dataset, space, files),
        **facts_of_procedure(made, kind.NAME),
    }


def idle(plan: Plan, name: str) -> str:
    """Why nothing reads that setting of the plan; empty where something does."""
    kind = modalities.of(plan.dataset)
    facts = _facts(plan.settings, kind, plan.dataset, plan.backbone, None, plan.files)
    return settings.idle(plan.settings, name, facts)


def _backbone(model: str, kind) -> str:
    usual = models.load(model).defaults.backbone
    return usual if usual in kind.BACKBONES else kind.DEFAULT_BACKBONE


def reached(
    model: str,
    dataset: str,
    backbone: str,
    shared: Sequence[str] | Mapping[str, Any],
    own: Sequence[str] | Mapping[str, Any] = (),
    files: str | None = None,
) -> Sequence[str] | Mapping[str, Any]:
    """Those of the settings for several models that this one has, and that have an effect on it.

    Args:
        model, dataset, backbone: of the plan.
        shared: `name=value` texts, or {name: value}.
        own: the settings of this model alone, which win.
        files: where the data lies.

    Raises:
        UserError: a wrong value.
    """
    kind, cls = modalities.of(dataset), settings_class(model, dataset, backbone)
    names = {f.name for f in dataclasses.fields(cls)}
    by_name = isinstance(shared, Mapping)
    there = {each: each if by_name else each.partition("=")[0].strip() for each in shared}
    there = {each: name for each, name in there.items() if name in names}
    kept = {each: shared[each] for each in there} if by_name else list(there)
    made = cls(**{**settings.given(cls, kept), **settings.given(cls, own)})
    facts = _facts(made, kind, dataset, backbone, None, files)
    wanted = [each for each, name in there.items() if not settings.idle(made, name, facts)]
    return {each: shared[each] for each in wanted} if by_name else wanted


def resolve(
    model: str,
    sets: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    recorded: bool = False,
    space=None,
    **given: Any,
) -> Plan:
    """Fills in the model's defaults and refuses what cannot run, before anything is made.

    Args:
        model: a name of the zoo.
        sets: `name=value` texts.
        values: settings as Python values.
        recorded: the values are those of a whole run, with those that nothing reads.
        space: of the data, where it is not the data set that says it.
        **given: fields of `Plan`; `None` means the default.

    Raises:
        UserError: an unknown name, a wrong value, a setting that has no effect on this model.
    """
    described = models.load(model)
    defaults = described.defaults
    given = {name: value for name, value in given.items() if value is not None}
    dataset = given.pop("dataset", defaults.dataset)
    kind = modalities.of(dataset)
    usual = _backbone(model, kind)
    backbone = one_of(f"backbone of {kind.NAME}", given.pop("backbone", usual), kind.BACKBONES)
    cls = assemble.settings_class(model, described, kind.NAME, backbone)
    said = {**settings.given(cls, sets), **settings.given(cls, values or {})}
    made = cls(**said)
    steps = given.pop("train_steps", defaults.train_steps)
    plan = Plan(
        model=model,
        dataset=dataset,
        backbone=backbone,
        size=one_of("size", given.pop("size", defaults.size), backbones.SIZES),
        settings=made,
        train_steps=steps,
        batch_size=given.pop("batch_size", defaults.batch_size),
        learning_rate=given.pop("learning_rate", _usual_rate(defaults, made)),
        seed=given.pop("seed", 0),
        eval_every=given.pop("eval_every", _tenth(steps)),
        checkpoint_every=given.pop("checkpoint_every", _tenth(steps)),
        nll_samples=given.pop("nll_samples", 100),
        nll_examples=given.pop("nll_examples", 200),
        **given,
    )
    plan = _checked(plan)
    if not recorded:
        facts = _facts(plan.settings, kind, dataset, plan.backbone, space, plan.files)
        settings.refuse_idle(plan.settings, said, facts)
    return plan


def _tenth(steps) -> int:
    return max(1, steps // 10) if isinstance(steps, int) else 1


def _checked(plan: Plan) -> Plan:
    """The same with every number of the right type, or a refusal."""
    hints = typing.get_type_hints(Plan)
    values = {}
    for f in dataclasses.fields(Plan):
        if f.metadata:
            what, value = f"--{f.name}", getattr(plan, f.name)
            values[f.name] = checked.typed(what, value, hints[f.name])
            checked.in_range(what, values[f.name], **f.metadata["range"])
    for name in ("workdir", "data_dir", "data"):
        if values[name] is not None:
            place(f"--{name}", values[name])
    _refuse_other_places(plan)
    if values["batch_size"] % values["cpu_replicas"]:
        raise UserError(
            f"--batch_size must be a multiple of --cpu_replicas={values['cpu_replicas']}, got "
            f"{values['batch_size']}"
        )
    return dataclasses.replace(plan, **values)


def _refuse_other_places(plan: Plan) -> None:
    if not datasets.own.is_own(plan.dataset):
        if plan.data is not None:
            doors = ", ".join(datasets.own.DOORS)
            raise UserError(
                f"--data is of one's own data (--dataset={doors}), and {plan.dataset!r} is none: its "
                "files are found by --data_dir"
            )
    elif plan.data_dir is not None:
        raise UserError(
            f"--data_dir is of published data sets, and {plan.dataset!r} is one's own: say --data="
        )
