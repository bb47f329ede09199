"""python -m zoo.compare --models=vae,free_bits_vae,delta_vae --dataset=omniglot --seeds=3 --train_steps=1000

The same networks, data, budget and seeds for a list of models, one after another: a run directory each
(what `train_main.py` leaves), and in --out `comparison.md`, `.csv`, `.json` and `.html`. Killed, it goes
on where it was: what is done is not run again, what was begun is resumed. A model may bring settings of
its own (`beta_vae:beta=0.2`); --set is for all that have such a setting.

--budget_minutes: instead of --train_steps, as many steps as each model makes in that time here; its speed
is measured first and kept, so that a continued comparison has the same steps.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import dataclasses
import io
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from zoo import console

_UNTIMED = "STEPS"
_MOST_SEEDS = 10_000
_RATE = 1e-3  # Adam's
_TIMED = 20  # steps of which a model's speed is measured, after half as many
COLUMNS = (
    ("nll", "NLL"),
    ("rate", "rate"),
    ("distortion", "distortion"),
    ("elbo", "ELBO"),
    ("auxiliary_nll", "NLL, aux."),
    ("mutual_information", "MI"),
    ("active_units", "AU"),
    ("linear_probe_accuracy", "probe"),
    ("train_steps", "steps"),
    ("train_seconds", "seconds"),
)
"""(key of report.json, head of the column)."""


class Entry(NamedTuple):
    """A line of the table: a model with its own settings, and the plans of its seeds.

    Attributes:
        timed: False while its steps are still to be measured (a budget in minutes, nothing run yet).
    """

    name: str
    plans: list[Any]
    timed: bool = True


def entries(words: Sequence[str], sets: Sequence[str], seeds: int, **fields) -> list[Entry]:
    """The plans of each model; everything that could be refused is refused here.

    Args:
        words: `model` or `model:name=value:name=value`.
        sets: `name=value`, taken by the models that read the setting.
        seeds: how many.
        **fields: of `zoo.plan.Plan`.

    Raises:
        UserError: an unknown name, a wrong value, a setting that no model reads, a model twice or under
            two names.
    """
    from tfvae.checks import UserError
    from zoo import modalities, plan

    dataset, backbone = fields.get("dataset"), fields.get("backbone")
    if dataset is None:
        dataset = _usual(words[0].partition(":")[0])
    if backbone is None:
        backbone = modalities.of(dataset).DEFAULT_BACKBONE
    fields = {**fields, "dataset": dataset, "backbone": backbone}
    found, taken = [], set()
    for word in words:
        model, *own = word.split(":")
        shared = plan.reached(model, dataset, backbone, sets, own)
        taken |= set(shared)
        plans = [plan.resolve(model, (*shared, *own), seed=seed, **fields) for seed in range(seeds)]
        if fields.get("learning_rate") is None and plans[0].settings.optimizer != "sgd":
            plans = [dataclasses.replace(p, learning_rate=_RATE) for p in plans]
        found.append(Entry(word, plans))
    if len({entry.name for entry in found}) != len(found):
        raise UserError(f"--models names one twice: {','.join(words)}")
    seen: dict[str, str] = {}
    for entry in found:  # a setting for all may be the very one that makes a model what it is
        twin = seen.setdefault(repr(entry.plans[0].settings), entry.name)
        if twin != entry.name:
            raise UserError(
                f"{entry.name} and {twin} are the same model under these settings; give one a "
                "setting of its own, as in pooled_vae:encoder=max"
            )
    left = [s for s in sets if s not in taken]
    if left:
        raise UserError(f"no model of the comparison has a use for --set={left[0]}")
    return found


def _usual(model: str) -> str:
    from zoo import recipe

    return recipe.load(model).defaults.dataset


def folder(out: str, name: str, seed: int) -> str:
    """The run directory of a line and a seed."""
    return os.path.join(out, f"{re.sub('[^A-Za-z0-9_.=-]+', '_', name)}_{seed}")


def command(resolved, workdir: str, data_dir: str | None) -> str:
    """What runs it, to be pasted."""
    words = [resolved.command(), f"--workdir={shlex.quote(workdir)}"]
    words += [f"--{name}={getattr(resolved, name)}" for name in ("nll_samples", "nll_examples")]
    if data_dir:
        words.append(f"--data_dir={shlex.quote(data_dir)}")
    return " ".join(words)


def speed(resolved) -> float:
    """Seconds a step of the main stage, without tracing."""
    import keras
    import tensorflow as tf

    from zoo import modalities, run

    keras.utils.set_random_seed(resolved.seed)
    kind = modalities.of(resolved.dataset)
    made = run.prepare(resolved, kind, tf.distribute.get_strategy())
    stage = run.main_of(made.stages)
    stage.model.compile(procedure=stage.procedure)
    beside = getattr(stage.model.condition, "beside", None)
    stream = kind.stream(made.data, resolved.batch_size, 0, 0, (0, 1), beside)
    batches = iter(stream)
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
    path = os.path.join(out, "speed.json")
    known = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as stream:
            known = json.load(stream)
    if entry.name not in known:
        if not measure:
            return entry._replace(timed=False)
        console.say(f"{entry.name}: measuring its speed")
        known[entry.name] = speed(entry.plans[0])
        _write(path, json.dumps(known, indent=1))
    return lasting(entry, max(1, round(60 * minutes / known[entry.name])))


def lasting(entry: Entry, steps: int) -> Entry:
    """The same with so many steps."""
    tenth = max(1, steps // 10)
    same = {"train_steps": steps, "eval_every": tenth, "checkpoint_every": tenth}
    return entry._replace(plans=[dataclasses.replace(p, **same) for p in entry.plans])


def results(found: Sequence[Entry], out: str) -> list[dict[str, Any]]:
    """A row for each line: its reports, and (mean, spread, values) of each column that exists."""
    rows = []
    for entry in found:
        reports = []
        for seed in range(len(entry.plans)):
            path = os.path.join(folder(out, entry.name, seed), "report.json")
            if os.path.exists(path):
                with open(path, encoding="utf-8") as stream:
                    reports.append(json.load(stream))
        row: dict[str, Any] = {"model": entry.name, "seeds": len(reports), "reports": reports}
        for key, _ in COLUMNS:
            values = [r[key] for r in reports if r.get(key) is not None]
            if values:
                spread = statistics.stdev(values) if len(values) > 1 else None
                row[key] = (statistics.fmean(values), spread, values)
        rows.append(row)
    return rows


def markdown(rows, about: str) -> str:
    """The table; mean +- standard deviation over seeds."""
    from zoo import comparison_page

    shown = [(key, head) for key, head in COLUMNS if any(key in row for row in rows)]
    lines = [about, "", "| model | " + " | ".join(head for _, head in shown) + " | verdict |"]
    lines.append("|---" * (len(shown) + 2) + "|")
    for row in rows:
        cells = [comparison_page.cell(row.get(key)) for key, _ in shown]
        verdicts = sorted({r["verdict"] for r in row["reports"]})
        lines.append(f"| {row['model']} | " + " | ".join(cells) + f" | {', '.join(verdicts)} |")
    return "\n".join(lines) + "\n"


def table_csv(rows) -> str:
    """One line a run: easy to plot elsewhere."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["model", "seed", "verdict", *(key for key, _ in COLUMNS)])
    for row in rows:
        for report in row["reports"]:
            figures = [report.get(key) for key, _ in COLUMNS]
            writer.writerow([row["model"], report["seed"], report["verdict"], *figures])
    return text.getvalue()


def write(found: Sequence[Entry], out: str, about: str) -> str:
    """Everything that is known so far; the Markdown."""
    from zoo import comparison_page

    rows = results(found, out)
    text = markdown(rows, about)
    kept = [{k: v for k, v in row.items() if k != "reports"} for row in rows]
    _write(os.path.join(out, "comparison.md"), text)
    _write(os.path.join(out, "comparison.csv"), table_csv(rows))
    _write(os.path.join(out, "comparison.json"), json.dumps(kept, indent=1))
    curves = {row["model"]: _curves(out, row) for row in rows}
    _write(os.path.join(out, "comparison.html"), comparison_page.html(rows, curves, COLUMNS, about))
    return text


def _curves(out: str, row) -> list[tuple[int, float]]:
    """(step, validation rate) of the first seed's main stage."""
    from zoo import recipe

    path = os.path.join(folder(out, row["model"], 0), "metrics.jsonl")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as stream:
        lines = [json.loads(line) for line in stream]
    return [
        (line["step"], line["valid"]["rate"])
        for line in lines
        if line["stage"] == recipe.MAIN and "rate" in line["valid"]
    ]


def _write(path: str, text: str) -> None:
    from tfvae.training.run_directory import write_atomically

    write_atomically(path, text.encode())


def _run(words: str, workdir: str) -> int:
    """The command in a process of its own, resumed if it was begun."""
    begun = os.path.exists(os.path.join(workdir, "config.json"))
    arguments = [sys.executable, *shlex.split(words)[1:], *(["--resume"] if begun else [])]
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    arguments[1] = os.path.join(here, arguments[1])
    return subprocess.run(arguments, check=False).returncode


def _arguments() -> argparse.ArgumentParser:
    parser = console.Arguments("python -m zoo.compare", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--models", required=True, help="names of the zoo, each with :name=value settings")
    add("--dataset", help="the data; default: that of the first model")
    add("--data_dir", help="where its files lie")
    add("--backbone", help="the networks, the same for all; default: that of the kind of data")
    add("--size", default="tiny", help="of the networks")
    add("--seeds", type=int, default=1, help="seeds 0 .. seeds - 1")
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
    add("--processes", type=int, default=1, help="runs at once, each with its share of the cores")
    add("--out", default="runs/compare", help="where everything is left")
    add("--print_only", action="store_true", help="print the commands, run nothing")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


_FIELDS = (
    "dataset",
    "data_dir",
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
    console.share_cores(asked.processes)
    stopped = "stopped; the same command goes on where it was"
    return console.command("compare", lambda: _work(asked), asked.debug, stopped)


def _work(asked) -> int:
    from tfvae.checks import UserError, place, within

    fields = {name: getattr(asked, name) for name in _FIELDS}
    if (asked.train_steps is None) == (asked.budget_minutes is None):
        raise UserError("give one of --train_steps and --budget_minutes")
    within("--seeds", asked.seeds, 1, _MOST_SEEDS)
    within("--processes", asked.processes, 1, console.MOST_PROCESSES)
    place("--out", asked.out)
    chosen = entries(asked.models.split(","), asked.set, asked.seeds, **fields)
    if asked.budget_minutes is not None:
        minutes = within("--budget_minutes", asked.budget_minutes, 1e-3, 1e6)
        chosen = [lasting_minutes(e, minutes, asked.out, not asked.print_only) for e in chosen]
    return run_all(chosen, asked.out, asked.data_dir, asked.print_only, asked.processes)


def run_all(
    chosen: Sequence[Entry], out: str, data_dir=None, print_only: bool = False, processes: int = 1
) -> int:
    """Runs (or prints) what is not done, a seed of each model before the next seed."""
    first, seeds = chosen[0].plans[0], len(chosen[0].plans)
    steps = {entry.plans[0].train_steps for entry in chosen}
    budget = f"{first.train_steps:,} steps" if len(steps) == 1 else "the same time, see steps"
    about = (
        f"{first.dataset}, {first.backbone} ({first.size}), {budget}, batches of {first.batch_size}, "
        f"{seeds} seed(s); test split, nats per example; mean +- standard deviation"
    )
    failed = []
    one_writes = threading.Lock()

    def do(task) -> None:
        words, workdir = task
        console.say(words)
        status = _run(words, workdir)
        with one_writes:
            if status:
                failed.append(workdir)
            write(chosen, out, about)  # after each run: a look at it is worth something

    tasks = []
    for seed in range(seeds):
        for entry in chosen:
            workdir = folder(out, entry.name, seed)
            words = command(entry.plans[seed], workdir, data_dir)
            if not entry.timed:
                words = re.sub(r"--train_steps=\d+", f"--train_steps={_UNTIMED}", words)
            tasks.append((words, workdir))
    if print_only:
        print("\n".join(words for words, _ in tasks))
        if not all(entry.timed for entry in chosen):
            print(f"# {_UNTIMED}: as many as fit into the time; measured when the comparison runs")
        return 0
    missing = [t for t in tasks if not os.path.exists(os.path.join(t[1], "report.json"))]
    with concurrent.futures.ThreadPoolExecutor(processes) as pool:
        list(pool.map(do, missing))
    print(write(chosen, out, about))
    for workdir in failed:
        console.say(f"failed: {workdir}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
