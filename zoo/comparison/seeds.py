"""train_main.py --seeds: several seeds of one model, each a run directory of its own, and one report.

<workdir>/<model>_<seed>/   seeds.md   seeds.csv   seeds.json   seeds.html

Killed, --resume makes what is missing and goes on with what was begun; with more seeds it makes those too.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

from tfvae.checks import UserError
from tfvae.checks import place as path_like
from tfvae.training import RunDirectory, RunLock
from tfvae.training.run_directory import write_atomically
from zoo.command import console, run
from zoo.comparison import seeds_page, spread, tables
from zoo.comparison.launchers import Launcher
from zoo.comparison.launchers.launcher import Task
from zoo.comparison.running import run_missing
from zoo.comparison.runs import counted, folder

__all__ = ["Seeds", "run_seeds"]


class Seeds(NamedTuple):
    """A model with the plans of its seeds; see `zoo.comparison.command.Entry`."""

    name: str
    plans: list[Any]


def run_seeds(
    plans: Sequence[Any], words: Sequence[str], launcher: Launcher, resume: bool = False
) -> int:
    """Makes the runs and their report; 0 if all is done then, 1 if something failed.

    Args:
        plans: the same but for their seed; their workdir is that of all.
        words: the flags of each run, as the user gave them, but for seed and workdir.
        launcher: makes them.
        resume: there are some already.

    Raises:
        UserError: the workdir holds something else, or runs, and `resume` is not said.
    """
    first = plans[0]
    if first.strategy == "multi_worker":
        raise UserError("--strategy=multi_worker is of one run: say --seed instead of --seeds")
    with run.claimed(first, "seeds") as workdir:
        _refuse_wrong_place(workdir, resume)
        with RunLock(workdir):
            console.say(f"{_seeds(len(plans))} of {first.model} on {first.dataset}; {workdir}")
            entry = Seeds(first.model, list(plans))
            tasks = [_task(entry, resolved, words, workdir) for resolved in plans]
            status = run_missing([entry], tasks, workdir, launcher, lambda: write(entry, workdir))
            console.say(os.path.join(workdir, "seeds.html"))
            return status


def _refuse_wrong_place(workdir: str, resume: bool) -> None:
    path_like("--workdir", workdir)
    held = os.path.exists(os.path.join(workdir, "seeds.json"))
    if resume and not held:
        raise UserError(f"--workdir={workdir} holds no seeds to resume (no seeds.json)")
    if held and not resume:
        raise UserError(
            f"--workdir={workdir} holds seeds already; go on with them by --resume, or name another"
        )
    if not held:
        RunDirectory.refuse_other_run(workdir)


def _task(entry: Seeds, resolved, words: Sequence[str], out: str) -> Task:
    workdir = folder(out, entry.name, resolved.seed)
    own = [f"--seed={resolved.seed}", f"--workdir={workdir}"]
    return Task(resolved, shlex.join(["python", "train_main.py", *words, *own]), workdir)


# ------------------------------------------------------------------ the report


def write(entry: Seeds, out: str) -> str:
    """Everything that is known so far; the Markdown."""
    found = {p.seed: counted(p, folder(out, entry.name, p.seed)) for p in entry.plans}
    reports = {seed: report for seed, report in found.items() if report is not None}
    said = spread.sentences(list(reports.values()), len(found))
    over, every = spread.table(list(reports.values())), spread.verdicts_table(list(found), reports)
    links = {
        str(seed): f"{os.path.basename(folder(out, entry.name, seed))}/report.html"
        for seed in reports
    }
    about = _about(entry.plans[0], len(found))
    curves = {seed: tables.curve(folder(out, entry.name, seed)) for seed in reports}
    drawn = seeds_page.figures(reports, curves)
    title = f"{entry.name}: {_seeds(len(found))}"
    page = seeds_page.html(title, about, said, every, over, links, drawn)
    text = "\n\n".join([about, _markdown(over), _markdown(every), "\n".join(said)]) + "\n"
    kept = {
        "model": entry.name,
        "seeds": list(found),
        "done": list(reports),
        "verdicts": {str(seed): report["verdict"] for seed, report in reports.items()},
        "figures": {k: s._asdict() for k, s in spread.spreads(list(reports.values())).items()},
    }
    for kind, content in (
        ("md", text),
        ("csv", _csv(reports)),
        ("html", page),
        ("json", json.dumps(kept, indent=1)),  # by it a directory of seeds is known
    ):
        write_atomically(os.path.join(out, f"seeds.{kind}"), content.encode())
    return text


def _about(first, seeds: int) -> str:
    return (
        f"{first.dataset}, {first.backbone} ({first.size}), {first.train_steps:,} steps, batches of "
        f"{first.batch_size}, {_seeds(seeds)}; test split, nats per example"
    )


def _seeds(number: int) -> str:
    return f"{number} seed{'s' if number > 1 else ''}"


def _markdown(heads_rows) -> str:
    heads, rows = heads_rows
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, *rows)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])


def _csv(reports) -> str:
    """One line a run, with every number of its report."""
    text = io.StringIO()
    names = list(spread.spreads(list(reports.values())))
    writer = csv.writer(text)
    writer.writerow(["seed", "verdict", *names])
    for seed, report in reports.items():
        writer.writerow([seed, report["verdict"], *(report.get(name) for name in names)])
    return text.getvalue()
