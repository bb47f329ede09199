"""What a run leaves when it is done: measures, pictures, report.json, report.html, the exports."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np

from tfvae import diagnosis, exploring, metrics, training
from tfvae.inputs import some_rows
from tfvae.procedures import MAIN
from tfvae.training import collapse_monitor
from zoo.command import card, console

__all__ = ["codes", "factors", "write"]

_PROBED = 10_000
_MAPPED = 1000  # codes of the map
_MOST_CLASSES = 100
_FEWEST = 5  # neighbours that vote


def write(resolved, described, kind, data, model, last, seconds, directory) -> dict[str, Any]:
    """Measures the test split and writes everything.

    Args:
        resolved: `zoo.command.plan.Plan`.
        described: `zoo.recipe.Recipe`.
        kind: a module of `zoo.modalities`.
        data: what `kind.load` gave.
        model: as the main stage left it.
        last: the last stage; its model is the one that is kept.
        seconds: of training; `None` if they are not known.
        directory: `tfvae.training.RunDirectory`.

    Returns:
        What report.json holds.
    """
    test = kind.arrays(data, data.test)
    console.say("measuring")
    measured = diagnosis.measure(
        model,
        test,
        num_samples=resolved.nll_samples,
        nll_examples=min(resolved.nll_examples, len(test)),
        seed=resolved.seed,
        auxiliary=None if last.model is model else last.model,
        inference=last.procedure.inference,
        information_batch=resolved.information_batch,
        label=data.test.condition if model.asks_label else None,
    )
    report = {
        "model": resolved.model,
        "dataset": resolved.dataset,
        "backbone": resolved.backbone,
        "size": resolved.size,
        "split": "test",
        "seed": resolved.seed,
        "train_steps": resolved.train_steps,
        "train_seconds": None if seconds is None else round(seconds, 1),
        **measured,
        **_labels(model, data, test, resolved.seed),
        **_probe(model, kind, data, test),
        **factors(model, data, test, resolved.seed),
    }
    report["too_early"] = _too_early(resolved, model)
    report["verdict"] = diagnosis.verdict(report)
    console.say("drawing")
    shown = diagnosis.Shown()
    if model.decodes:
        shown = kind.pictures(last.model, test, data, resolved.seed, console.progress)
    plane = _plane(model, test, data.test)
    figures = diagnosis.figures(report, directory.metrics(), shown.images, MAIN, plane)
    for name, png in figures.items():
        directory.write_bytes(f"figures/{name}.png", png)
    for name, wav in diagnosis.audio_files(shown.sounds):
        directory.write_bytes(f"audio/{name}.wav", wav)
    config = {
        **directory.config,
        "command": resolved.command(),
        "citation": described.citation,
        "data": data.description,
        "data_citation": data.citation,
        "unit": kind.UNIT,
        "remedies": _remedies(report, model, resolved, directory.path),
    }
    page = diagnosis.html(report, config, figures, shown.texts, shown.sounds)
    directory.write_bytes("report.html", page.encode())
    console.say("exporting")
    training.export.save_keras(last.model, directory.join("model.keras"))
    training.export.export_saved_model(last.model, directory.join("saved_model"))
    card.leave(resolved, kind, data, model, last, directory)
    directory.write_json("report.json", report)  # last: by it a run is known to be done
    console.say(diagnosis.sentence(report))
    for tried, why in config["remedies"][:1]:
        console.say(f"to try: {tried}  ({why})")
    console.say(directory.join("report.html"))
    return report


def _too_early(resolved, model) -> str | None:
    """Why nothing can be said yet of the use of the code, if it is so; see `CollapseMonitor`."""
    if resolved.train_steps < collapse_monitor.WARM_UP:
        return (
            f"{resolved.train_steps} steps, of which it takes {collapse_monitor.WARM_UP} at least"
        )
    if not model.procedure.objective.settled(resolved.train_steps):
        return "a weight of the objective was still below the one that its schedule ends with"
    return None


def _remedies(report, model, resolved, workdir) -> list[tuple[str, str]]:
    """(command, why) where the code is not used."""
    found = list(diagnosis.remedies(report["verdict"], resolved.beside(), but=resolved.model))
    if report["verdict"] in ("collapse", "unused rate"):
        words = ["python", "-m", "tfvae.diagnose", workdir]
        words += [] if resolved.keep_examples else ["--data=x.npz"]
        if model.decodes:
            why = "whether the encoder lags, or the decoder needs no code"
            found.insert(0, (shlex.join(words), why))
        beta = getattr(resolved.point["rate_weight"], "beta", 1.0)
        if beta > 1.0:
            less = f"{resolved.beside()} --model={resolved.model} --set=beta=1"
            why = f"the rate was weighed {beta:g} times, which alone can empty a code"
            found.insert(0, (less, why))
    return found


def _plane(model, test, split) -> tuple[np.ndarray, np.ndarray | None] | None:
    """(places of codes on a plane, their labels), where there are any."""
    if not model.has_latent or len(test) < _FEWEST:
        return None
    some = some_rows(len(test), _MAPPED)
    told = None if split.condition is None else split.condition[some]
    label = None if split.label is None else np.asarray(split.label)[some]
    return exploring.code_map(codes(model, test[some], told)), label


def _labels(model, data, test, seed) -> dict[str, Any]:
    """What the model's own classifier says, where it has one."""
    if model.classifier is None:
        return {}
    label = data.test.condition  # what it learned: of some data not the label
    told = label if model.asks_label else None
    return diagnosis.label_figures(model, test, label, told=told, seed=seed)


def _probe(model, kind, data, test) -> dict[str, float | None]:
    """What simple classifiers read from the codes: a rate buys nats, not meaning."""
    names = ("linear_probe_accuracy", "nearest_neighbour_accuracy")
    labels = data.train.label
    if labels is None or data.test.label is None or not model.has_latent:
        return dict.fromkeys(names)
    some = some_rows(len(labels), _PROBED)
    classes = len(np.unique(labels[some]))
    if not 1 < classes <= _MOST_CLASSES or len(labels) < _FEWEST:
        return dict.fromkeys(names)
    part = data.train._replace(x=data.train.x[some])
    train = kind.arrays(data, part)
    known = (
        codes(model, train, data.train.condition[some]),
        labels[some],
        codes(model, test, data.test.condition),
        data.test.label,
    )
    measures = (metrics.linear_probe_accuracy, metrics.nearest_neighbour_accuracy)
    return {name: measure(*known) for name, measure in zip(names, measures)}


def factors(model, data, test, seed) -> dict[str, float | None]:
    """Disentanglement, where the factors of variation are known."""
    known = getattr(data.test, "factors", None)
    if known is None or not model.has_latent:
        return {}
    return metrics.disentanglement(codes(model, test, data.test.condition), known, seed)


def codes(model, x, label=None) -> np.ndarray:
    """The deterministic codes of x, flat: [N, D]; `label` of a conditional model."""
    found = exploring.codes(model, x, label if model.asks_label else None)
    return found.reshape(len(x), -1)
