"""Runs the rows of a benchmark and writes their table; a row that is done is not run again.

A row is trained and measured as `train_main.py` would; its run directory lies beside its JSON until that is
written, so a row that was cut short goes on where it was.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import math
import multiprocessing
import os
import shlex
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfvae import diagnosis
from tfvae.checks import UserError
from tfvae.procedures import MAIN
from tfvae.randomness import deterministic
from tfvae.training import RunDirectory, RunLock
from tfvae.training.reading import json_object
from tfvae.training.run_directory import write_atomically
from zoo import modalities
from zoo.command import console, plan, run
from zoo.comparison import page as comparison_page

__all__ = ["Benchmark", "Row", "above", "load", "measure_row", "run_all", "within"]

_MANY = 5  # seeds, from which on a table has mean and spread


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: as the table says it.
        model: of the zoo.
        settings: what differs from the benchmark's own.
        asserts: (what is asserted in words, a predicate of the row's figures).
        fields: of the plan, instead of the benchmark's own.
        watched: updates of the main stage after which the benchmark looks at it; 0: before the first.
    """

    name: str
    model: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    asserts: tuple[str, Callable[[dict[str, Any]], bool]] | None = None
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    watched: Sequence[int] = ()


def _nothing(model, data) -> dict[str, Any]:
    del model, data
    return {}


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Rows that share data, networks and budget.

    Attributes:
        about: printed above the table: the docstring of its module.
        fields: of the plan.
        settings: of every row that reads such a setting.
        rows: the table.
        columns: figures of the report that it shows.
        further: (report, model, data, measured split) -> more figures of a row.
        joint: assertions about several rows, of each seed: (words, predicate of {row name: figures}).
        overall: of all seeds together: (words, predicate of {row name: [figures of each seed]}).
        look: (model, data) -> what is seen of a row that is watched; `watched` of its figures, with
            the `step`.
        pictures: {row name: figures} of a seed -> {name: PNG}, left as `<name>_<seed>.png`.
    """

    about: str | None
    fields: Mapping[str, Any]
    settings: Mapping[str, Any]
    rows: Sequence[Row]
    columns: Sequence[str]
    further: Callable[..., dict[str, Any]] | None = None
    joint: Sequence[tuple[str, Callable[[dict[str, dict]], bool]]] = ()
    overall: Sequence[tuple[str, Callable[[dict[str, list[dict]]], bool]]] = ()
    look: Callable[..., dict[str, Any]] = _nothing
    pictures: Callable[[dict[str, dict]], dict[str, bytes]] | None = None


def above(key: str, ours: str, plain: str, rows) -> bool:
    """Whether a row's figure is above another's, seed by seed: by two standard errors of the mean difference.

    Of one seed or two, whose spread says nothing, only by its sign.
    """
    gains = [mine[key] - other[key] for mine, other in zip(rows[ours], rows[plain])]
    error = statistics.stdev(gains) / math.sqrt(len(gains)) if len(gains) > 2 else 0.0
    return statistics.mean(gains) > 2.0 * error


def within(slack: float, **ranges):
    """{figure: (low, high)}, each end moved outwards by its share `slack`, as (words, predicate)."""
    words = ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in ranges.items())

    def holds(figures) -> bool:
        return all(
            low - slack * abs(low) <= figures[name] <= high + slack * abs(high)
            for name, (low, high) in ranges.items()
        )

    return words, holds


class _Watch(keras.callbacks.Callback):
    """Looks at the model after some of its updates."""

    def __init__(self, look: Callable[[Any], dict[str, Any]], steps: Sequence[int]):
        super().__init__()
        self._look, self._steps, self._done = look, steps, 0
        self.seen: list[dict[str, Any]] = []

    def on_train_begin(self, logs=None):
        del logs
        self._see()

    def on_train_batch_end(self, batch, logs=None):
        del batch, logs
        self._done += 1
        self._see()

    def _see(self):
        if self._done in self._steps:
            self.seen.append({"step": self._done, **self._look(self.model)})


def measure_row(
    benchmark: Benchmark, row: Row, seed: int, data_dir: str | None, folder: str | None = None
) -> dict[str, Any]:
    """Trains and measures one row; its figures, with the seconds of training and the command.

    Args:
        benchmark, row, seed: what is measured.
        data_dir: see `train_main.py`.
        folder: of the training until it is measured; one that lies there goes on. Without it nothing is
            left of a training that is cut short.
    """
    resolved = _resolve(benchmark, row, seed, data_dir)
    if resolved.deterministic:
        deterministic()
    keras.utils.set_random_seed(seed)
    kind, strategy = modalities.of(resolved.dataset), tf.distribute.get_strategy()
    made = run.prepare(resolved, kind, strategy)
    watch = _Watch(lambda model: benchmark.look(model, made.data), row.watched)
    with _training(resolved, kind, made, folder, bool(row.watched)) as (directory, resume):
        seconds, done = [], []
        for stage in made.stages:
            seen = [watch] if stage.name == MAIN else []
            shown = {"say": None, "callbacks": seen, "progress": False}
            where = strategy, directory, resume
            seconds.append(run.train_stage(stage, resolved, kind, made, *where, **shown))
            done.append(stage)
    last = done[-1]
    test = kind.arrays(made.data, made.data.test)
    report = diagnosis.measure(
        made.model,
        test,
        num_samples=resolved.nll_samples,
        nll_examples=min(resolved.nll_examples, len(test)),
        seed=seed,
        inference=last.procedure.inference,
        information_batch=resolved.information_batch,
        auxiliary=None if last.model is made.model else last.model,
        label=made.data.test.condition if made.model.asks_label else None,
    )
    report["train_seconds"] = None if None in seconds else round(sum(seconds), 1)
    report["command"] = resolved.command()
    report["seed"] = seed
    if watch.seen:
        report["watched"] = watch.seen
    if benchmark.further is not None:
        report.update(benchmark.further(report, made.model, made.data, test))
    return report


@contextlib.contextmanager
def _training(
    resolved, kind, made, folder: str | None, anew: bool
) -> Iterator[tuple[RunDirectory, bool]]:
    """(where it is kept, whether it goes on); one of other settings, or that must begin anew, is dropped."""
    config = {**resolved.config(), **run.data_identity(kind, made.data)}
    if folder is None:
        with tempfile.TemporaryDirectory() as path:
            yield RunDirectory.create(path, config), False
        return
    if os.path.exists(os.path.join(folder, "config.json")) and not anew:
        held = RunDirectory.config_of(folder, plan.current)
        if RunDirectory.difference(held, config) is None:
            yield RunDirectory(folder, held), True
            return
    shutil.rmtree(folder, ignore_errors=True)
    yield RunDirectory.create(folder, config), False


def _resolve(benchmark: Benchmark, row: Row, seed: int, data_dir: str | None) -> plan.Plan:
    fields = {**benchmark.fields, **row.fields}
    shared = plan.reached(
        row.model, fields["dataset"], fields["backbone"], benchmark.settings, row.settings
    )
    values = {**shared, **row.settings}
    return plan.resolve(row.model, (), values, seed=seed, data_dir=data_dir, **fields)


def load(name: str) -> Benchmark:
    """`BENCHMARK` of the module of that name."""
    return importlib.import_module(f"zoo.benchmarks.{name}").BENCHMARK


class _Task(NamedTuple):
    """A row and a seed whose figures are wanted; benchmarks hold functions, so its name travels."""

    benchmark: str
    row: str
    seed: int
    path: str
    data_dir: str | None


def _measured(task: _Task) -> str:
    """Measures it, leaves its JSON, and says what was found."""
    benchmark = load(task.benchmark)
    (row,) = (row for row in benchmark.rows if row.name == task.row)
    folder = task.path.removesuffix(".json")
    figures = measure_row(benchmark, row, task.seed, task.data_dir, folder)
    write_atomically(task.path, json.dumps(figures, indent=1).encode())
    shutil.rmtree(folder, ignore_errors=True)
    keras.backend.clear_session()
    return f"{row.name}, seed {task.seed}: {_line(figures, benchmark.columns)}"


def _figures(benchmark: Benchmark, task: _Task) -> dict[str, Any]:
    """What lies there of a row.

    Raises:
        UserError: it is not of that row's settings: a benchmark may have changed.
    """
    figures = json_object(task.path)
    (row,) = (row for row in benchmark.rows if row.name == task.row)
    asked = _words(_resolve(benchmark, row, task.seed, None).command())
    made = _words(str(figures.get("command")))
    if made != asked:
        changed = sorted({*made} ^ {*asked})
        raise UserError(
            f"{task.path} is of other settings than the row {task.row!r} has ({' '.join(changed)[:200]}); "
            "remove it, or name another --out"
        )
    return figures


def _words(command: str) -> list[str]:
    """Of a command, but for where the data lie."""
    with contextlib.suppress(ValueError):  # quotes that do not end: no command of ours
        return [w for w in shlex.split(command) if not w.startswith("--data_dir=")]
    return []


def run_all(
    name: str,
    seeds: Sequence[int],
    out: str,
    only: Sequence[str] = (),
    data_dir: str | None = None,
    processes: int = 1,
) -> bool:
    """Runs what is not done yet, writes `<out>/<name>.md`, and says whether every assertion holds.

    Args:
        name: of the benchmark; its rows' figures lie in `<out>/<name>/`.
        seeds: each row is run with each of them.
        out: a directory.
        only: names of rows; all if not given.
        data_dir: see `train_main.py`.
        processes: rows that are run at once (see `console.share_cores`); the seconds of a row are
            then those of a busy machine.

    Raises:
        UserError: another process runs it there, or the figures of a row that lie there are of other
            settings, or damaged.
    """
    folder = os.path.join(out, name)
    with RunLock(folder):
        return _run_all(name, seeds, out, folder, only, data_dir, processes)


def _run_all(name, seeds, out, folder, only, data_dir, processes) -> bool:
    benchmark = load(name)
    chosen = [row for row in benchmark.rows if not only or row.name in only]
    wanted = [
        _Task(
            name, row.name, seed, os.path.join(folder, f"{_slug(row.name)}_{seed}.json"), data_dir
        )
        for row in chosen
        for seed in seeds
    ]
    missing = []
    for task in wanted:
        if os.path.exists(task.path):
            _figures(benchmark, task)  # refused before anything is run
        else:
            missing.append(task)
    if processes == 1:
        for task in missing:
            console.say(_measured(task))
    elif missing:
        fresh = multiprocessing.get_context("spawn")
        with fresh.Pool(processes, console.import_tensorflow) as pool:
            for line in pool.imap_unordered(_measured, missing):
                console.say(line)
    found: dict[int, dict[str, dict[str, Any]]] = {seed: {} for seed in seeds}
    for task in wanted:
        found[task.seed][task.row] = _figures(benchmark, task)
    text, holds = _table(benchmark, chosen, found)
    write_atomically(os.path.join(out, f"{name}.md"), text.encode())
    print(text)
    for picture in _pictures(benchmark, found, folder):
        console.say(picture)
    return holds


def _pictures(benchmark, found, folder) -> list[str]:
    """Draws those whose rows were run; their files."""
    names, made = {row.name for row in benchmark.rows}, []
    for seed, figures in found.items() if benchmark.pictures else ():
        try:
            drawn = benchmark.pictures(_Rows(names, figures))
        except _LeftOut:
            continue
        for name, content in drawn.items():
            made.append(os.path.join(folder, f"{_slug(name)}_{seed}.png"))
            write_atomically(made[-1], content)
    return made


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() or c == "." else "_" for c in name)


def _cell(value) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def _line(figures, columns) -> str:
    return ", ".join(f"{column} {_cell(figures.get(column))}" for column in columns)


def _span(values) -> str:
    """One figure, or the least and the greatest of the seeds; of many, whose ends say little, the mean."""
    if len(values) >= _MANY and None not in values:
        return comparison_page.cell((statistics.fmean(values), statistics.stdev(values), values))
    cells = [_cell(v) for v in (values if None in values else sorted(values))]
    return cells[0] if len(set(cells)) == 1 else f"{cells[0]} to {cells[-1]}"


class _LeftOut(Exception):
    """A row that an assertion reads was not asked for."""


class _Rows(dict):
    """{name: figures} of the rows that were run, for assertions; other keys are mistakes."""

    def __init__(self, names, figures):
        super().__init__(figures)
        self._names = names

    def __missing__(self, name):
        raise _LeftOut(name) if name in self._names else KeyError(name)


def _table(benchmark, rows, found) -> tuple[str, bool]:
    seeds = list(found)
    spread = "least to greatest where they differ"
    if len(seeds) >= _MANY:
        spread = "mean ± standard deviation; counts: least to greatest"
    head = ["model", *benchmark.columns, "asserted", "holds"]
    lines = [
        (benchmark.about or "").strip(),
        f"\nseeds {', '.join(map(str, seeds))}; {spread}\n",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
    ]
    everything = True
    for row in rows:
        figures = [found[seed][row.name] for seed in seeds]
        cells = [_span([f.get(column) for f in figures]) for column in benchmark.columns]
        words, held = "", ""
        if row.asserts is not None:
            words, predicate = row.asserts
            kept = sum(bool(predicate(f)) for f in figures)
            everything &= kept == len(seeds)
            held = f"{kept}/{len(seeds)}"
        lines.append("| " + " | ".join([row.name, *cells, words, held]) + " |")
    names = {row.name for row in benchmark.rows}
    for words, predicate in benchmark.joint:
        try:
            kept = sum(bool(predicate(_Rows(names, found[seed]))) for seed in seeds)
        except _LeftOut:
            continue
        everything &= kept == len(seeds)
        lines.append(f"\n{words}: holds for {kept}/{len(seeds)} seeds")
    every = {row.name: [found[seed][row.name] for seed in seeds] for row in rows}
    for words, predicate in benchmark.overall:
        try:
            held = bool(predicate(_Rows(names, every)))
        except _LeftOut:
            continue
        everything &= held
        lines.append(f"\n{words}: {'holds' if held else 'does not hold'}")
    return "\n".join(lines) + "\n", everything
