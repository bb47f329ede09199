"""From a plan to a run directory: data, model, stages, and the report of them."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import itertools
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

import tfvae
from tfvae import diagnosis, training
from tfvae.checks import UserError, place
from tfvae.inputs import some_rows
from tfvae.parts import Context
from tfvae.procedures import MAIN, Stage
from tfvae.randomness import deterministic, initial_weights
from tfvae.streams import Source
from tfvae.training import collapse_monitor, reading
from tfvae.training.run_directory import room
from zoo import modalities, models, trackers
from zoo.command import assemble, console, plan, report, trial
from zoo.datasets import labels, own
from zoo.datasets.data import refuse_too_few
from zoo.recipe import Recipe
from zoo.trackers import tracking

__all__ = [
    "Prepared",
    "build",
    "claimed",
    "context",
    "finished",
    "load",
    "prepare",
    "resolved_of",
    "run",
    "streaming",
    "train_stage",
]

_VALIDATED = 1000  # examples of each evaluation during training
_SHOWN = 100  # of them in the plane of posterior means
_WATCHED = 200  # whose latent is watched
_EXPORTS = ("report.html", "model.keras", "saved_model")


# ------------------------------------------------------------------ models


def context(
    resolved: plan.Plan,
    space,
    num_examples: int = 0,
    valid=None,
    valid_label=None,
    examples: Callable[[int], np.ndarray] | None = None,
) -> Context:
    """What the plan's model is made for, on data of this space; see `Context`.

    Raises:
        UserError: the model is to be told labels, and the data set has none.
    """
    return Context(
        resolved.model,
        resolved.kind,
        space,
        resolved.size,
        resolved.point,
        resolved.train_steps,
        resolved.batch_size,
        resolved.learning_rate,
        resolved.seed,
        resolved.jit_compile,
        num_examples,
        _labels(resolved),
        valid,
        valid_label,
        examples=examples,
    )


def _labels(resolved: plan.Plan) -> int:
    """How many there are, where a part of the model reads them; else 0."""
    asking = _reads_labels(resolved)
    if asking is None:
        return 0
    if not own.is_own(resolved.dataset):
        return labels.count(resolved.dataset, asking)
    kind = modalities.of(resolved.dataset)
    return labels.count_of(kind.load(resolved.dataset, resolved.files, resolved.point), asking)


def _reads_labels(resolved: plan.Plan) -> str | None:
    """The first part of the model that does: what it is told, or a term."""
    return next((str(part) for part in resolved.point if "labels" in part.needed()), None)


def resolved_of(model: str, space=None, **given: Any) -> plan.Plan:
    """The plan of the fields of a plan and the parts and settings of a model, as Python values.

    Raises:
        UserError: an unknown name, a wrong value, parts that do not fit.
    """
    names = {f for f in plan.Plan.__dataclass_fields__ if f != "point"}
    values = {name: value for name, value in given.items() if name not in names}
    fields = {name: value for name, value in given.items() if name in names}
    return plan.resolve(model, (), values, space=space, **fields)


def build(
    model: str,
    dataset: str | None,
    space,
    data_dir: str | None,
    data: str | None,
    given: dict[str, Any],
):
    """See `zoo.build`."""
    if space is not None:
        usual = models.load(model).defaults.dataset
        dataset = modalities.dataset_of(space, usual) if dataset is None else dataset
        if modalities.of(dataset) is not modalities.of_space(space):
            raise UserError(
                f"dataset={dataset} is {modalities.of(dataset).NAME}, and the space is of "
                f"{modalities.of_space(space).NAME}: leave one of them out"
            )
    resolved = resolved_of(
        model, space=space, dataset=dataset, data_dir=data_dir, data=data, **given
    )
    if space is None:
        kind = modalities.of(resolved.dataset)
        space = kind.space(resolved.dataset, resolved.files, resolved.point)
    made_for = context(resolved, space)
    described = models.load(model)
    with initial_weights(resolved.seed):
        made = assemble.model(described, made_for)
        trial.model_runs(made, space)
        main = main_of(assemble.stages(described, made_for, made))
        if main.remedies:
            main.procedure.watch = functools.partial(_watching, main.remedies)
        made.compile(procedure=main.procedure)
        made.make_train_function()  # critics and weights of the objective are made by this seed too
    return made


def _watching(remedies, x, label) -> training.CollapseMonitor:
    """What turns them on, looking at the validation data of a `fit`."""
    label = None if label is None else label[:_WATCHED]
    return training.CollapseMonitor(x[:_WATCHED], label=label, remedies=remedies)


def main_of(stages: Iterator[Stage]) -> Stage:
    """That of the model's own objective; those before it are passed over untrained.

    Raises:
        UserError: there is none, in a recipe with stages of its own.
    """
    names = []
    for stage in stages:
        if stage.name == MAIN:
            return stage
        names.append(stage.name)
    raise UserError(f"one stage of a recipe must be named {MAIN!r}, got {names}")


def finished(workdir: str) -> dict[str, Any]:
    """The report of a run that is done.

    Raises:
        UserError: there is none.
    """
    report = training.RunDirectory.finished(place("workdir", workdir))
    if report is None:
        raise UserError(
            f"no finished run in {workdir!r}: no whole report.json, which is written last; one that was "
            "cut short goes on by --resume"
        )
    return report


def load(workdir: str):
    """See `zoo.load`."""
    finished(workdir)
    path = os.path.join(workdir, "model.keras")
    if not os.path.isfile(path):
        raise UserError(f"no finished run in {workdir!r}: {path} is missing")
    return reading.model(path)


# ------------------------------------------------------------------ run


class Prepared(NamedTuple):
    """What a plan's training starts from."""

    described: Recipe
    data: Any
    valid: np.ndarray
    valid_label: np.ndarray | None
    model: Any
    stages: Iterator[Stage]


def prepare(resolved: plan.Plan, kind, strategy) -> Prepared:
    """Reads the data, makes the model and the first stage; nothing is written.

    Args:
        resolved: a plan.
        kind: a module of `zoo.modalities`.
        strategy: under whose scope the model is made.

    Raises:
        UserError: data that cannot be read, parts that do not fit, settings that exclude each other.
    """
    data = kind.load(resolved.dataset, resolved.files, resolved.point)
    if own.is_own(resolved.dataset):
        console.say(f"{resolved.files}: {data.description}")
    refuse_too_few(data, resolved.batch_size, resolved.information_batch)
    valid = kind.arrays(data, data.valid)
    valid = valid[some_rows(len(valid), _VALIDATED)]
    described = models.load(resolved.model)
    asking, valid_label = _reads_labels(resolved), None
    if asking is not None:
        _refuse_unlabelled(data, asking)
    if resolved.point["condition"] is not None:
        valid_label = _of_validated(data)
    held = (kind.space_of(data), len(data.train.x), valid, valid_label)
    made_for = context(resolved, *held, lambda n: _first(kind, data, n))
    with strategy.scope():
        model = assemble.model(described, made_for)
        trial.model_runs(model, made_for.space)
        stages = assemble.stages(described, made_for, model)
        first = next(stages)  # settings that exclude each other are refused here
        trial.stage_runs(first, made_for.space)
    return Prepared(described, data, valid, valid_label, model, itertools.chain((first,), stages))


def _first(kind, data, number: int) -> np.ndarray:
    """Of the training split, as it is measured."""
    return kind.arrays(data, data.train._replace(x=data.train.x[:number]))


def _of_validated(data) -> np.ndarray:
    label = data.valid.condition
    return label[some_rows(len(label), _VALIDATED)]


def _refuse_unlabelled(data, asking: str) -> None:
    for name in ("train", "valid", "test"):
        if getattr(data, name).condition is None:
            raise UserError(
                f"{asking} needs labels, and the files of {data.name} have none for {name}"
            )
    if np.ptp(data.train.condition) == 0:
        only = int(data.train.condition[0])
        names = getattr(data, "label_names", ())
        said = repr(names[only]) if names else only
        raise UserError(
            f"{asking} needs labels that differ, and every train example of {data.name} has {said}"
        )


def run(resolved: plan.Plan, resume: bool = False) -> dict[str, Any]:
    """Trains, measures and leaves the run directory.

    Args:
        resolved: a plan.
        resume: continue the run in its workdir.

    Returns:
        What report.json holds.

    Raises:
        UserError: the plan cannot be carried out; says why in one line.
    """
    workdir = resolved.workdir or ""
    if resume and not workdir:
        raise UserError("a run is resumed in its workdir, and none is named")
    if not resume and workdir and resolved.strategy != "multi_worker":
        training.RunDirectory.refuse_other_run(workdir)  # before anything slow
    # of several workers one may stand where there is no run: they agree on that together
    here = resolved.strategy != "multi_worker" or os.path.exists(
        os.path.join(workdir, "config.json")
    )
    if resolved.track is not None:
        trackers.make(resolved.track)  # refused before anything slow
    if resume and here and (report := _finished(resolved, workdir)) is not None:
        return report
    strategy = training.strategy.make(resolved.strategy, resolved.cpu_replicas)
    if not training.strategy.is_chief(strategy):  # reads checkpoints, and never writes
        return _run(resolved, workdir, resume, strategy, None)
    with claimed(resolved) as path, training.RunLock(path) as lock:
        return _run(resolved, path, resume, strategy, lock)


def _finished(resolved: plan.Plan, workdir: str) -> dict[str, Any] | None:
    """The report of a run that is to be resumed and is done, said in one line; `None` if it is not.

    Raises:
        UserError: there is no run, or another one.
    """
    held = training.RunDirectory.config_of(workdir, plan.current)
    asked = resolved.config()  # of the data nothing is known yet, and nothing more will be done
    known = {name: value for name, value in held.items() if name in asked}
    other = training.RunDirectory.difference(known, asked)
    if other:
        raise UserError(f"--workdir={workdir} holds another run: {other}")
    report = training.RunDirectory.finished(workdir)
    left = [os.path.join(workdir, name) for name in _EXPORTS]
    if report is None or not all(map(os.path.exists, left)):
        return None
    if resolved.track is not None:
        with training.RunLock(workdir) as lock:
            directory = training.RunDirectory(workdir, held, lock)
            tracking.Tracking(resolved.track, directory, console.say).close(report)
    console.say(f"the run is finished, nothing is done: {left[0]}")
    return report


@contextlib.contextmanager
def claimed(resolved: plan.Plan, *further: str) -> Iterator[str]:
    """The workdir; if none is named, a new one that no other process gets too, by these words."""
    if resolved.workdir:
        yield resolved.workdir
        return
    name = re.sub(r"[^\w.-]+", "_", "_".join((resolved.model, resolved.dataset, *further)))
    stem, number = f"runs/{name}", 1
    with room("runs"):
        os.makedirs("runs", exist_ok=True)
        while True:
            path = stem if number == 1 else f"{stem}_{number}"
            try:
                os.mkdir(path)
                break
            except FileExistsError:
                number += 1
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):  # holds something, unless the run was refused
            os.rmdir(path)


def _run(resolved, path: str, resume: bool, strategy, lock) -> dict[str, Any]:
    if resolved.deterministic:
        deterministic()
    keras.config.set_dtype_policy(resolved.precision)
    keras.utils.set_random_seed(resolved.seed)
    kind = modalities.of(resolved.dataset)
    made = prepare(resolved, kind, strategy)
    data, model = made.data, made.model
    config = {
        **resolved.config(),
        **data_identity(kind, data),
        "versions": _versions(),
        "strategy": {"name": resolved.strategy, "replicas": strategy.num_replicas_in_sync},
    }
    if lock is None:
        directory = training.RunDirectory(path, config)
    else:
        if resume:
            directory = training.RunDirectory.resume(path, config, lock, plan.current)
        else:
            directory = training.RunDirectory.create(path, config, lock)
        kind.leave(data, directory)
    console.say(
        f"{resolved.model} on {resolved.dataset}: {model.count_params():,d} weights; {directory.path}"
    )
    shown = tracking.Tracking(resolved.track if lock else None, directory, console.say)
    seconds = []
    with strategy.scope():
        for stage in made.stages:
            seconds.append(
                train_stage(
                    stage, resolved, kind, made, strategy, directory, resume, written=shown.rows
                )
            )
            if not hasattr(stage.stream, "held_out"):
                last = stage
            elif lock is not None:  # of other data than the run's, on which the report is measured
                training.export.save_keras(stage.model, directory.join(f"{stage.name}.keras"))
    written = {}
    if lock is not None:
        known = None if None in seconds else sum(seconds)
        written = report.write(resolved, made.described, kind, data, model, last, known, directory)
    shown.close(written or None)
    training.strategy.finish(strategy)
    return written


def data_identity(kind, data) -> dict[str, Any]:
    """What config.json holds of the data: a run goes on with the same alone."""
    return {"source": data.source, **kind.identity(data)}


def streaming(stage, kind, data, batch_size: int, seed: int) -> Callable:
    """(start, shard) -> the batches of a stage, once it is compiled: its own, or the training set's.

    Args:
        stage: a stage, with a stream and a batch size of its own or without.
        kind: a module of `zoo.modalities`.
        data: the run's.
        batch_size: the run's.
        seed: the run's.
    """
    source = Source(data, stage.batch_size or batch_size, seed, kind.stream, kind.arrays)
    if stage.stream is not None:
        return lambda start, shard: stage.stream(source, start, shard)
    return lambda start, shard: source.batches(start, shard, beside=stage.model.beside)


def train_stage(
    stage, resolved, kind, made, strategy, directory, resume, say=console.say, **further_to_train
) -> float | None:
    """One stage of a plan, in its run directory: `tfvae.training.train`.

    Args:
        stage: of `made.stages`, whose stages before it are done.
        resolved, kind, made, strategy: see `prepare`.
        directory: a `RunDirectory`.
        resume: go on from the checkpoints there.
        say: takes the lines about a collapse; `None` where nobody is told.
        **further_to_train: more of what `train` takes.
    """
    batch_size = stage.batch_size or resolved.batch_size
    valid, label = _held_out(stage, made)
    batches_from = streaming(stage, kind, made.data, resolved.batch_size, resolved.seed)

    def evaluate():
        batches = kind.batches(valid, resolved.batch_size, label)
        values = stage.model.evaluate(**batches, verbose=0, return_dict=True)
        return {k: float(v) for k, v in values.items()}

    def stream(start):
        return training.strategy.distribute(
            strategy, lambda shard: batches_from(start, shard), batch_size
        )

    def further():
        latent = stage.model.latent
        drawn = latent.stochastic and not stage.model.asks_label
        if latent.event_shape != (1,) or not drawn:
            return {}
        return {"mean_space": diagnosis.posterior_means(stage.model, valid[:_SHOWN])}

    return training.train(
        stage.name,
        stage.model,
        stage.procedure,
        stream,
        stage.steps,
        directory,
        evaluate,
        eval_every=resolved.eval_every,
        checkpoint_every=resolved.checkpoint_every,
        resume=resume,
        write=training.strategy.is_chief(strategy),
        further=further,
        watch=_watch(stage, valid, label, say if training.strategy.is_chief(strategy) else None),
        begin_with=stage.start,
        **further_to_train,
    )


def _held_out(stage, made) -> tuple[np.ndarray, np.ndarray | None]:
    """The validation data of a stage, with labels where a model or a term reads them."""
    valid, label = made.valid, made.valid_label
    if label is None and stage.procedure.needs_label:
        _refuse_unlabelled(made.data, "a term of the objective")
        label = _of_validated(made.data)
    own = getattr(stage.stream, "held_out", None)
    return (valid, label) if own is None else own(valid, label)


def _watch(stage, valid, label, say) -> training.CollapseMonitor | None:
    """Of the stage in which a latent can be lost, and only where its rate is part of a bound."""
    latent = stage.model.latent
    if stage.name != MAIN or not latent.stochastic or not latent.bound:
        return None
    return training.CollapseMonitor(
        valid[:_WATCHED],
        label=label[:_WATCHED] if stage.model.asks_label else None,
        remedies=stage.remedies,
        say=say or (lambda text: None),
        warm_up=max(collapse_monitor.WARM_UP, stage.steps // 10),
    )


def _versions() -> dict[str, str]:
    wanted = ("tensorflow", "keras", "tensorflow-probability", "numpy")
    return {
        "tfvae": tfvae.__version__,
        **{name: importlib.metadata.version(name) for name in wanted},
    }
