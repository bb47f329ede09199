"""From a trial of the study to its runs: which settings it tries, where they lie, what they came to."""

from __future__ import annotations

import dataclasses
import itertools
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from tfvae.checks import UserError
from tfvae.parts import PLACES
from zoo.command import plan
from zoo.comparison.launchers.launcher import Task
from zoo.comparison.runs import counted, folder
from zoo.sweep.objective import Objective
from zoo.sweep.space import FIELDS, Choice, Range, whole

__all__ = ["Search", "Tried", "checked", "command", "taken"]

_COMBINATIONS = 64  # of parts that are varied, in which a value is looked for that can be


class Search(NamedTuple):
    """What is searched.

    Attributes:
        resolved: (sets, fields) -> a plan, as the flags say it.
        words: the flags of each run, as the user gave them.
        space: what is varied.
        seeds: of each trial.
        objective: what is looked at.
        out: where all of it lies.
    """

    resolved: Callable[..., Any]
    words: Sequence[str]
    space: Sequence[Choice | Range]
    seeds: Sequence[int]
    objective: Objective
    out: str


def taken(search: Search, trial) -> list[tuple[str, str]]:
    """(name, value) of each setting that this trial tries: parts first, then the settings that they have.

    Args:
        search: that.
        trial: of Optuna.
    """
    found: list[tuple[str, str]] = []
    for one in sorted(search.space, key=lambda one: one.name not in (*PLACES, *FIELDS)):
        if one.name in (*PLACES, *FIELDS) or _has_use(search, found, one):
            found.append((one.name, one.suggest(trial)))
    return found


def checked(search: Search) -> list[Choice | Range]:
    """The space, each end of which can be, with some of the parts that are varied too.

    Raises:
        UserError: a name that no trial has a use for, a value that none can have.
    """
    found = []
    for one in search.space:
        parts = [o for o in search.space if o.name in PLACES and o.name != one.name]
        beside = [[(o.name, value) for value in o.ends()] for o in parts]

        def takes(value: str, name=one.name, beside=beside) -> None:
            refused = None
            for others in itertools.islice(itertools.product(*beside), _COMBINATIONS):
                try:
                    Tried.of(search, 0, [*others, (name, value)])
                    return
                except UserError as error:
                    refused = error
            if refused is not None:
                raise refused

        found.append(whole(one, takes))
        for value in found[-1].ends():
            takes(value)
    return found


def _has_use(search: Search, found: Sequence[tuple[str, str]], one: Choice | Range) -> bool:
    """Whether the model has such a setting, beside what was taken before."""
    base, fields = search.resolved(), dict(_fields(found))
    model, dataset = base.model, base.dataset
    backbone = fields.get("backbone", base.backbone)
    own = [f"{name}={value}" for name, value in found if name not in FIELDS]
    sets = [w.partition("=")[2] for w in search.words if w.startswith("--set=")]
    asked = [f"{one.name}={one.ends()[0]}"]
    return bool(plan.reached(model, dataset, backbone, asked, [*sets, *own], base.files))


def _fields(found: Sequence[tuple[str, str]]) -> list[tuple[str, Any]]:
    kinds = {"learning_rate": float, "batch_size": int}
    return [(name, kinds.get(name, str)(value)) for name, value in found if name in FIELDS]


def command(search: Search, settings: Iterable[tuple[str, str]], seed: int) -> str:
    """What trains a model with these settings, in a directory of its own."""
    flags = [f"--{n}={v}" if n in FIELDS else f"--set={n}={v}" for n, v in settings]
    return shlex.join(["python", "train_main.py", *search.words, *flags, f"--seed={seed}"])


class Tried(NamedTuple):
    """A trial with the plans of its seeds; see `zoo.comparison.command.Entry`.

    Attributes:
        name: trial_<number>.
        plans: of its seeds.
        settings: (name, value) of each that it tries.
    """

    name: str
    plans: list[Any]
    settings: list[tuple[str, str]]

    @classmethod
    def of(cls, search: Search, number: int, settings: Sequence[tuple[str, str]]) -> Tried:
        """The plans of a trial.

        Raises:
            UserError: what it tries cannot be.
        """
        sets = [f"{name}={value}" for name, value in settings if name not in FIELDS]
        try:
            fields = dict(_fields(settings))
        except ValueError as error:
            raise UserError(f"--vary: {error}") from error
        first = search.resolved(sets, **fields)
        plans = [dataclasses.replace(first, seed=seed) for seed in search.seeds]
        return cls(f"trial_{number}", plans, list(settings))

    def workdir(self, search: Search, seed: int) -> str:
        """The run directory of a seed."""
        return folder(search.out, self.name, seed)

    def tasks(self, search: Search) -> list[Task]:
        """Its runs."""
        return [
            Task(p, self._command(search, p.seed), self.workdir(search, p.seed)) for p in self.plans
        ]

    def missing(self, search: Search) -> list[Task]:
        """Of its runs those that are not done."""
        return [t for t in self.tasks(search) if counted(t.plan, t.workdir) is None]

    def values(self, search: Search) -> list[float]:
        """The objective of each seed.

        Raises:
            UserError: a run has no such figure.
        """
        held = []
        for resolved in self.plans:
            workdir = self.workdir(search, resolved.seed)
            report = counted(resolved, workdir)
            if report is not None:
                held.append(search.objective.value(workdir, report))
        return held

    def verdicts(self, search: Search) -> list[str]:
        """Of the runs that are done."""
        reports = [counted(p, self.workdir(search, p.seed)) for p in self.plans]
        return [report["verdict"] for report in reports if report is not None]

    def _command(self, search: Search, seed: int) -> str:
        workdir = shlex.quote(self.workdir(search, seed))
        return f"{command(search, self.settings, seed)} --workdir={workdir}"
