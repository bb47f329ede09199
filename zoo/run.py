"""From a plan to a run directory: data, model, stages, measures, figures, report, exports."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import tfvae
from tfvae import diagnosis, metrics, training
from tfvae.checks import UserError
from tfvae.randomness import seed_of
from zoo import datasets, plan, recipe, settings
from zoo.datasets import pipeline

__all__ = ["build", "describe", "load", "run"]


# ------------------------------------------------------------------ models


def _context(resolved: plan.Plan, image_shape, bits: int, num_examples: int = 0) -> recipe.Context:
    return recipe.Context(
        tuple(image_shape),
        bits,
        resolved.backbone,
        resolved.size,
        resolved.train_steps,
        resolved.learning_rate,
        resolved.seed,
        resolved.jit_compile,
        num_examples,
    )


def check(model, bits: int) -> None:
    """Runs one tiny batch through every part; axes that do not fit are refused before training.

    Raises:
        UserError: naming the model, with what the parts said of their shapes.
    """
    x = tf.zeros([2, *model.image_shape])
    try:
        model.build()
        draw = model.draw(x + (0.0 if bits == 1 else 100.0), seed_of(0))
    except UserError:
        raise
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        raise UserError(
            f"the parts of {model.name} do not fit: {' '.join(str(error).split())[:300]}"
        ) from error
    if draw.log_likelihood.shape != (2,) or draw.rate.shape.rank != 2:
        raise UserError(
            f"{model.name}: log-likelihood must be [B] and rate [B, G], got "
            f"{draw.log_likelihood.shape} and {draw.rate.shape}"
        )


def build(model: str, dataset: str | None, image_shape, bits: int | None, given: dict[str, Any]):
    """See `zoo.build`."""
    names = {f for f in plan.Plan.__dataclass_fields__ if f != "settings"}
    values = {name: value for name, value in given.items() if name not in names}
    fields = {name: value for name, value in given.items() if name in names}
    resolved = plan.resolve(model, (), values, dataset=dataset, **fields)
    if image_shape is None:
        image_shape, kind = datasets.form(resolved.dataset)
        bits = _bits(kind)
    context = _context(resolved, image_shape, 1 if bits is None else bits)
    keras.utils.set_random_seed(resolved.seed)
    file = recipe.module(model)
    made = file.model(resolved.settings, context)
    check(made, context.bits)
    made.compile(procedure=next(iter(file.stages(resolved.settings, context, made))).procedure)
    return made


def load(workdir: str):
    """See `zoo.load`."""
    path = os.path.join(workdir, "model.keras")
    if not os.path.isfile(path):
        raise UserError(f"no finished run in {workdir!r}: {path} is missing")
    return keras.models.load_model(path)


def _bits(kind: str) -> int:
    return 1 if kind.startswith("binary") else 8


# ------------------------------------------------------------------ describe


def describe(resolved: plan.Plan) -> None:
    """Prints what would run; builds the model and runs one tiny batch through it."""
    file = recipe.module(resolved.model)
    shape, kind = datasets.form(resolved.dataset)
    context = _context(resolved, shape, _bits(kind))
    model = file.model(resolved.settings, context)
    check(model, context.bits)
    print(f"{resolved.model}: {' '.join((file.__doc__ or '').split())}")
    print(f"paper: {file.CITATION}\n")
    print(f"data: {resolved.dataset}, images {context.image_shape}, {kind}")
    for name in ("backbone", "size", "train_steps", "batch_size", "learning_rate", "seed"):
        print(f"  --{name}={getattr(resolved, name)}")
    print("\nsettings (--set=name=value):")
    for name, value, text in settings.describe(resolved.settings):
        print(f"  {name}={value}\n      {text}")
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
    print("\none tiny batch passes.")


# ------------------------------------------------------------------ run


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
    if not resume and resolved.workdir and resolved.strategy != "multi_worker":
        training.RunDirectory.refuse_other_run(resolved.workdir)  # before anything slow
    strategy = training.strategy.make(resolved.strategy, resolved.cpu_replicas)
    if resolved.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.config.set_dtype_policy(resolved.precision)
    keras.utils.set_random_seed(resolved.seed)
    data = datasets.load(resolved.dataset, resolved.data_dir)
    file = recipe.module(resolved.model)
    context = _context(resolved, data.image_shape, _bits(data.kind), len(data.train.x))
    with strategy.scope():
        model = file.model(resolved.settings, context)
        check(model, context.bits)
    directory = _directory(resolved, data, resume, strategy)
    _say(
        f"{resolved.model} on {resolved.dataset}: {model.count_params():,d} weights; {directory.path}"
    )

    valid = pipeline.evaluation_arrays(data.valid, data.kind)[:1000]
    last, seconds = model, 0.0
    with strategy.scope():
        for stage in file.stages(resolved.settings, context, model):
            start = time.time()
            _train(stage, resolved, data, valid, strategy, directory, resume)
            seconds += time.time() - start
            last = stage.model
    if not training.strategy.is_chief(strategy):
        training.strategy.finish(strategy)
        return {}
    report = _report(resolved, data, model, last, seconds, directory, file)
    training.strategy.finish(strategy)
    return report


def _train(stage, resolved, data, valid, strategy, directory, resume):
    def batches(shard, start_step):
        return pipeline.training_stream(
            data.train,
            data.kind,
            resolved.batch_size,
            resolved.seed,
            start_step=start_step,
            shard=shard,
        )

    def evaluate():
        values = stage.model.evaluate(
            valid, batch_size=resolved.batch_size, verbose=0, return_dict=True
        )
        return {k: float(v) for k, v in values.items()}

    training.train(
        stage.name,
        stage.model,
        stage.procedure,
        lambda start: training.strategy.distribute(
            strategy, lambda shard: batches(shard, start), resolved.batch_size
        ),
        stage.steps,
        directory,
        evaluate,
        eval_every=resolved.eval_every,
        checkpoint_every=resolved.checkpoint_every,
        resume=resume,
        write=training.strategy.is_chief(strategy),
    )
    if stage.finish:
        stage.finish()


def _report(resolved, data, model, last, seconds, directory, file) -> dict[str, Any]:
    test = pipeline.evaluation_arrays(data.test, data.kind)
    _say("measuring")
    measured = diagnosis.measure(
        model,
        test,
        num_samples=resolved.nll_samples,
        nll_examples=min(resolved.nll_examples, len(test)),
        seed=resolved.seed,
        auxiliary=None if last is model else last,
    )
    report = {
        "model": resolved.model,
        "dataset": resolved.dataset,
        "backbone": resolved.backbone,
        "size": resolved.size,
        "split": "test",
        "seed": resolved.seed,
        "train_steps": resolved.train_steps,
        "train_seconds": round(seconds, 1),
        **measured,
        **_probe(model, data, test),
        "codebook_perplexity": None,
    }
    report["verdict"] = diagnosis.verdict(report)
    _say("drawing")
    images = diagnosis.collect(last, test, seed=resolved.seed, progress=_progress)
    figures = diagnosis.figures(report, directory.metrics(), images)
    directory.write_json("report.json", report)
    for name, png in figures.items():
        directory.write_bytes(f"figures/{name}.png", png)
    config = {
        **directory.config,
        "command": resolved.command(),
        "citation": file.CITATION,
        "data": data.description,
        "data_citation": data.citation,
    }
    directory.write_bytes("report.html", diagnosis.html(report, config, figures).encode())
    _say("exporting")
    training.export.save_keras(last, directory.join("model.keras"))
    training.export.export_saved_model(last, directory.join("saved_model"))
    _say(f"{diagnosis.sentence(report)}\n{directory.join('report.html')}")
    return report


_PROBED = 10_000
_MOST_CLASSES = 100


def _probe(model, data, test) -> dict[str, float | None]:
    """What simple classifiers read from the codes: a rate buys nats, not meaning."""
    names = ("linear_probe_accuracy", "nearest_neighbour_accuracy")
    labels = data.train.label
    if labels is None or data.test.label is None or not model.has_latent:
        return dict.fromkeys(names)
    if len(np.unique(labels)) > _MOST_CLASSES:
        return dict.fromkeys(names)
    part = data.train._replace(x=data.train.x[:_PROBED], label=labels[:_PROBED])
    train = pipeline.evaluation_arrays(part, data.kind)
    known = (_codes(model, train), part.label, _codes(model, test), data.test.label)
    measures = (metrics.linear_probe_accuracy, metrics.nearest_neighbour_accuracy)
    return {name: measure(*known) for name, measure in zip(names, measures)}


def _codes(model, x) -> np.ndarray:
    encode = tf.function(model.encode, reduce_retracing=True)
    rows = [encode(tf.constant(x[i : i + 200])).numpy() for i in range(0, len(x), 200)]
    return np.concatenate(rows).reshape(len(x), -1)


def _directory(resolved, data, resume, strategy):
    config = {
        **resolved.config(),
        "source": data.source,
        "versions": _versions(),
        "strategy": {"name": resolved.strategy, "replicas": strategy.num_replicas_in_sync},
    }
    path = resolved.workdir or _free(f"runs/{resolved.model}_{resolved.dataset}")
    if not training.strategy.is_chief(strategy):
        return training.RunDirectory(path, config)  # read for checkpoints, never written
    opened = training.RunDirectory.resume if resume else training.RunDirectory.create
    return opened(path, config)


def _free(stem: str) -> str:
    """The first of stem, stem_2, stem_3 ... that does not exist."""
    path, number = stem, 1
    while os.path.exists(path):
        number += 1
        path = f"{stem}_{number}"
    return path


def _versions() -> dict[str, str]:
    wanted = ("tensorflow", "keras", "tensorflow-probability", "numpy")
    return {
        "tfvae": tfvae.__version__,
        **{name: importlib.metadata.version(name) for name in wanted},
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(
            f"\r  row {done}/{total}",
            end="\n" if done == total else "",
            file=sys.stderr,
            flush=True,
        )
