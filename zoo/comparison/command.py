"""python -m zoo.compare --models=vae,free_bits_vae,delta_vae --dataset=omniglot --seeds=3 --train_steps=1000

The same networks, data, budget and seeds for a list of models, one after another: a run directory each
(what `train_main.py` leaves), and in --out `comparison.md`, `.csv`, `.json` and `.html`. Killed, it goes
on where it was: what is done is not run again, what was begun is resumed. Only the same runs count: where
others lie in --out (another number of steps, other settings, other data) it is refused, and they are left
as they are. A model may bring settings of its own (`beta_vae:beta=0.2`); --set is for all that have such
a setting.

--budget_minutes: instead of --train_steps, as many steps as each model makes in that time here; its speed
is measured first and kept, so that a continued comparison has the same steps.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from zoo.command import console, launch_flags

_UNTIMED = "STEPS"
_RATE = 1e-3  # Adam's
_TIMED = 20  # steps of which a model's speed is measured, after half as many


class Entry(NamedTuple):
    """A line of the table: a model with its own settings, and the plans of its seeds.

    Attributes:
        timed: False while its steps are still to be measured (a budget in minutes, nothing run yet).
    """

    name: str
    plans: list[Any]
    timed: bool = True


def entries(
    words: Sequence[str], sets: Sequence[str], seeds: Sequence[int], **fields
) -> list[Entry]:
    """The plans of each model; everything that could be refused is refused here.

    Args:
        words: `model` or `model:name=value:name=value`.
        sets: `name=value`, taken by the models that read the setting.
        seeds: of each model.
        **fields: of `zoo.command.plan.Plan`.

    Raises:
        UserError: an unknown name, a wrong value, a setting that no model reads, a model twice or under
            two names.
    """
    from tfvae.checks import UserError
    from zoo import modalities
    from zoo.command import plan

    dataset, backbone = fields.get("dataset"), fields.get("backbone")
    if dataset is None:
        dataset = _usual(_split(words[0])[0])
    if backbone is None:
        backbone = modalities.of(dataset).DEFAULT_BACKBONE
    fields = {**fields, "dataset": dataset, "backbone": backbone}
    found, taken = [], set()
    for word in words:
        model, own = _split(word)
        shared = plan.reached(model, dataset, backbone, sets, own, fields.get("data"))
        taken |= set(shared)
        first = plan.resolve(model, (*shared, *own), seed=seeds[0], **fields)
        plans = [dataclasses.replace(first, seed=seed) for seed in seeds]
        if fields.get("learning_rate") is None and plans[0].point["optimizer"].name != "sgd":
            plans = [dataclasses.replace(p, learning_rate=_RATE) for p in plans]
        found.append(Entry(word, plans))
    if len({entry.name for entry in found}) != len(found):
        raise UserError(f"--models names one twice: {','.join(words)}")
    seen: dict[str, str] = {}
    for entry in found:  # a setting for all may be the very one that makes a model what it is
        twin = seen.setdefault(repr(entry.plans[0].point), entry.name)
        if twin != entry.name:
            raise UserError(
                f"{entry.name} and {twin} are the same model under these settings; give one a "
                "setting of its own, as in pooled_vae:encoder=max"
            )
    left = [s for s in sets if s not in taken]
    if left:
        raise UserError(f"no model of the comparison has a use for --set={left[0]}")
    return found


def _split(word: str) -> tuple[str, list[str]]:
    """(model, its own settings) of `model:name=value:name=value`; a model may be `module:RECIPE`."""
    from zoo import models

    parts = word.split(":")
    if parts[0] in models.names():
        return parts[0], parts[1:]
    first = next((i for i, part in enumerate(parts) if i and "=" in part), len(parts))
    return ":".join(parts[:first]), parts[first:]


def _usual(model: str) -> str:
    from zoo import models

    return models.load(model).defaults.dataset


def speed(resolved) -> float:
    """Seconds a step of the main stage, without tracing."""
    import keras
    import tensorflow as tf

    from zoo import modalities
    from zoo.command import run

    keras.utils.set_random_seed(resolved.seed)
    kind = modalities.of(resolved.dataset)
    made = run.prepare(resolved, kind, tf.distribute.get_strategy())
    stage = run.main_of(made.stages)
    stage.model.compile(procedure=stage.procedure)
    batches = iter(run.streaming(stage, kind, made.data, resolved.batch_size, 0)(0, (0, 1)))
    step = stage.model.make_train_function()
    for _ in range(_TIMED // 2):
        step(batches)
    started = time.time()
    for _ in range(_TIMED):
        step(batches)
    return (time.time() - started) / _TIMED


def lasting_minutes(entry: Entry, minutes: float, out: str, measure: bool = True) -> Entry:
    """The same with as many steps as fit into the minutes.

    Its speed is measured once and kept in <out>/speed.json; unknown and not to be measured, it stays untimed.
    """
    from tfvae.checks import within
    from tfvae.training.reading import json_object
    from tfvae.training.run_directory import write_atomically

    path = os.path.join(out, "speed.json")
    known = json_object(path) if os.path.exists(path) else {}
    alike = _untimed(entry.plans[0].command())
    if alike not in known:
        if not measure:
            return entry._replace(timed=False)
        console.say(f"{entry.name}: measuring its speed")
        known[alike] = speed(entry.plans[0])
        write_atomically(path, json.dumps(known, indent=1).encode())
    seconds = within(f"the seconds a step of {entry.name} in {path}", known[alike], 1e-9, 1e9)
    return lasting(entry, max(1, round(60 * minutes / seconds)))


def _untimed(words: str) -> str:
    """A command whose steps are not known."""
    return re.sub(r"--train_steps=\d+", f"--train_steps={_UNTIMED}", words)


def lasting(entry: Entry, steps: int) -> Entry:
    """The same with so many steps."""
    tenth = max(1, steps // 10)
    same = {"train_steps": steps, "eval_every": tenth, "checkpoint_every": tenth}
    return entry._replace(plans=[dataclasses.replace(p, **same) for p in entry.plans])


def _arguments() -> argparse.ArgumentParser:
    parser = console.Arguments("python -m zoo.compare", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--models", required=True, help="names of the zoo, each with :name=value settings")
    add("--dataset", help="the data; default: that of the first model")
    add("--data_dir", help="where its files lie")
    add("--data", help="one's own, a folder or a file")
    add("--backbone", help="the networks, the same for all; default: that of the kind of data")
    add("--size", default="tiny", help="of the networks")
    add("--seeds", default="1", help="how many, from 0 on; or these, with commas between")
    add("--train_steps", type=int, help="of each run")
    add("--budget_minutes", type=float, help="of training of each run, instead of steps")
    add("--batch_size", type=int, default=64, help="examples a batch")
    add(
        "--learning_rate",
        type=float,
        help=f"before its schedule; default: {_RATE}, and its own of a model that stands on SGD",
    )
    add("--set", action="append", default=[], help="name=value, for models that read it")
    add("--nll_samples", type=int, help="importance samples of the NLL")
    add("--nll_examples", type=int, help="test examples of the NLL")
    launch_flags.add_to(parser)
    add("--out", default="runs/compare", help="where everything is left")
    add("--print_only", action="store_true", help="print the commands, run nothing")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


_FIELDS = (
    "dataset",
    "data_dir",
    "data",
    "backbone",
    "size",
    "train_steps",
    "batch_size",
    "learning_rate",
    "nll_samples",
    "nll_examples",
)


def main(words=None) -> int:
    """0 if all runs are done, 1 if one of them failed, 2 for a wrong command."""
    asked = _arguments().parse_args(words)
    launch_flags.share_cores(vars(asked))
    stopped = "stopped; the same command goes on where it was"
    return console.command("compare", lambda: _work(asked), asked.debug, stopped)


def _work(asked) -> int:
    from tfvae.checks import UserError, place, within
    from tfvae.training import RunLock
    from zoo.command.seeds import seeds
    from zoo.comparison import launchers

    fields = {name: getattr(asked, name) for name in _FIELDS}
    if (asked.train_steps is None) == (asked.budget_minutes is None):
        raise UserError("give one of --train_steps and --budget_minutes")
    launcher = launchers.make(asked.launcher, launch_flags.said(vars(asked)))
    place("--out", asked.out)
    chosen = entries(asked.models.split(","), asked.set, seeds(asked.seeds), **fields)
    if asked.budget_minutes is not None:
        within("--budget_minutes", asked.budget_minutes, 1e-3, 1e6)
    alone = contextlib.nullcontext() if asked.print_only else RunLock(asked.out)
    with alone:
        if asked.budget_minutes is not None:
            timing = asked.budget_minutes, asked.out, not asked.print_only
            chosen = [lasting_minutes(entry, *timing) for entry in chosen]
        if asked.print_only:
            print_all(chosen, asked.out)
            return 0
        return run_all(chosen, asked.out, launcher)


def _tasks(chosen: Sequence[Entry], out: str) -> list[Any]:
    """The `Task`s, a seed of each model before the next seed."""
    from zoo.comparison.launchers.launcher import Task
    from zoo.comparison.runs import command, folder

    tasks = []
    for plans in zip(*(entry.plans for entry in chosen)):
        for entry, resolved in zip(chosen, plans):
            workdir = folder(out, entry.name, resolved.seed)
            words = command(resolved, workdir)
            tasks.append(Task(resolved, words if entry.timed else _untimed(words), workdir))
    return tasks


def print_all(chosen: Sequence[Entry], out: str) -> None:
    """The commands."""
    print("\n".join(task.words for task in _tasks(chosen, out)))
    if not all(entry.timed for entry in chosen):
        print(f"# {_UNTIMED}: as many as fit into the time; measured when the comparison runs")


def run_all(chosen: Sequence[Entry], out: str, launcher) -> int:
    """Runs what is not done; 0 if all is done then, 1 if something failed.

    Raises:
        UserError: runs of something else lie there.
    """
    from zoo.comparison.running import run_missing
    from zoo.comparison.tables import write

    about = _about(chosen)
    return run_missing(
        chosen, _tasks(chosen, out), out, launcher, lambda: write(chosen, out, about)
    )


def _about(chosen: Sequence[Entry]) -> str:
    first, seeds = chosen[0].plans[0], len(chosen[0].plans)
    steps = {entry.plans[0].train_steps for entry in chosen}
    budget = f"{first.train_steps:,} steps" if len(steps) == 1 else "the same time, see steps"
    return (
        f"{first.dataset}, {first.backbone} ({first.size}), {budget}, batches of {first.batch_size}, "
        f"{seeds} seed(s); test split, nats per example; mean ± standard deviation"
    )


if __name__ == "__main__":
    sys.exit(main())
