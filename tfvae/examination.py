"""The command behind `python -m tfvae.diagnose`.

python -m tfvae.diagnose RUN_DIRECTORY | model.keras --data=FILE [--out=DIRECTORY]

Says which collapse it is, on what evidence, and what to try; leaves diagnosis.json, diagnosis.txt and
diagnosis.html. A run directory holds all that is needed: model.keras, card.json and, if it was not told to
leave them out, examples.npz. A model.keras needs --data: an .npy of x, or an .npz with x and, for a
conditional model, label.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np

from tfvae import diagnosis, inputs
from tfvae.checks import UserError, one_of, place, within
from tfvae.guard import guarded
from tfvae.inference import amortised, refines, semi_amortised
from tfvae.training import RunDirectory, reading
from tfvae.training.reading import json_object
from tfvae.training.run_directory import refuse_unwritable, write_atomically

__all__ = ["Examined", "main", "read", "save"]


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m tfvae.diagnose", description=__doc__, allow_abbrev=False
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.error = _refuse  # argparse would print its usage too
    add = parser.add_argument
    add("path", help="a run directory, or a .keras file")
    add("--data", help="an .npy of x, or an .npz with x (and label)")
    add("--out", help="where the diagnosis is left; default: beside the model")
    add("--beta", type=float, help="the weight of the rate that was meant; a run knows it")
    add("--examples", type=int, default=1000, help="how many are measured")
    add("--gap_examples", type=int, default=50, help="whose posterior is optimised")
    add("--gap_steps", type=int, default=300, help="of that")
    add("--gaps", default="usual", help="full: a flexible family too, and annealing (minutes)")
    add("--temperatures", type=int, help="of annealing, with --gaps=full; default: 200")
    add("--chains", type=int, help="of annealing for each example, with --gaps=full; default: 16")
    add("--nll_samples", type=int, default=100, help="importance samples of the NLL")
    add("--nll_examples", type=int, default=200, help="examples of the NLL")
    add("--seed", type=int, default=0, help="equal seeds give equal diagnoses")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


def _refuse(message: str) -> NoReturn:
    raise UserError(message)


class Examined(NamedTuple):
    """What is diagnosed: model, data, and what is known of the training (see `diagnose`)."""

    title: str
    model: Any
    x: np.ndarray
    label: np.ndarray | None
    beta: float | None
    weight: float | None
    command: str
    inference: Callable = amortised


def read(path: str, data: str | None = None) -> Examined:
    """Of a run directory, or of a saved model and a file.

    Raises:
        UserError: nothing of the kind is there; says what was looked for.
    """
    if os.path.isfile(os.path.join(path, "config.json")):
        return _of_run(path, data)
    if not os.path.isfile(path) or not path.endswith(".keras"):
        raise UserError(f"{path!r} is neither a run directory (config.json) nor a .keras file")
    if data is None:
        raise UserError(f"{path} says nothing of its data: add --data=x.npy (or an .npz)")
    command = "python train_main.py --dataset=DATASET"
    x, label = reading.data(data)
    return Examined(path, reading.model(path), x, label, 1.0, None, command)


_HEAVIEST = 1e30  # weight of the rate


def _of_run(path: str, data: str | None) -> Examined:
    """Of what a run left."""
    if RunDirectory.finished(path) is None:
        raise UserError(
            f"no finished run in {path!r}: no whole report.json, which is written last; one that was cut "
            "short goes on by --resume"
        )
    model, card, examples = (
        os.path.join(path, n) for n in ("model.keras", "card.json", "examples.npz")
    )
    if not os.path.exists(card):
        raise UserError(
            f"{path} was made before runs left a card.json: examine its model by {model} --data=FILE"
        )
    if data is None and not os.path.exists(examples):
        raise UserError(f"{path} was told to leave no examples: add --data=x.npy (or an .npz)")
    said = json_object(card)
    for name in ("title", "command"):
        if not isinstance(said.get(name), str):
            raise UserError(f"{card}: {name!r} must be a text, got {str(said.get(name))[:40]}")
    if said.get("refined_by"):
        raise UserError(
            f"{card} says that codes were refined by {str(said['refined_by'])[:60]}, and not how: call "
            "tfvae.diagnose(model, x, inference=...) with what refined them"
        )
    beta, weight = (
        None if said.get(name) is None else within(f"{card}: {name!r}", said[name], 0.0, _HEAVIEST)
        for name in ("beta", "rate_weight")
    )
    x, label = reading.data(data or examples)
    return Examined(
        said["title"],
        reading.model(model),
        x,
        label,
        beta,
        weight,
        said["command"],
        _inference(card, said.get("refinement")),
    )


def _inference(card: str, settings) -> Callable:
    """As the run's was: the encoder's own q, or one that is refined."""
    if settings is None:
        return amortised
    try:
        return semi_amortised(**settings)
    except (TypeError, UserError) as wrong:
        raise UserError(
            f"{card}: 'refinement' must be settings of semi_amortised ({wrong})"
        ) from None


def save(found: diagnosis.Diagnosis, title: str, out: str, plane=None) -> None:
    """diagnosis.json, diagnosis.txt and diagnosis.html."""
    figures = diagnosis.examination(found.report, plane) if found.verdict != "no latent" else {}
    page = diagnosis.diagnosis_html(found, title, figures)
    for name, text in (
        ("json", json.dumps(found.as_json(), indent=1, default=float)),
        ("txt", f"{title}\n\n{found}\n"),
        ("html", page),
    ):
        write_atomically(os.path.join(out, f"diagnosis.{name}"), text.encode())


def main(words=None) -> int:
    """The status is 0 if the model could be examined, whatever was found, and 2 if not."""
    debug = "--debug" in (sys.argv if words is None else words)
    return guarded("diagnose", lambda: _examine(_arguments().parse_args(words)), debug)


# the least and the most of what can be asked; a spread needs two examples
RANGES = {
    "examples": (2, 10**9),
    "gap_examples": (2, 10**6),
    "gap_steps": (1, 10**6),
    "temperatures": (2, 10**6),
    "chains": (1, 10**5),
    "nll_samples": (1, 10**6),
    "nll_examples": (1, 10**9),
    "seed": (0, 2**32 - 1),
    "beta": (1e-12, 1e12),
}


def _examine(asked) -> None:
    for name, ends in RANGES.items():
        if getattr(asked, name) is not None:
            within(f"--{name}", getattr(asked, name), *ends)
    one_of("--gaps", asked.gaps, diagnosis.GAPS)
    annealing = {n: getattr(asked, n) for n in ("temperatures", "chains") if getattr(asked, n)}
    if annealing and asked.gaps != "full":
        raise UserError(f"--{min(annealing)} is of annealing: add --gaps=full")
    for what, path in (
        ("what is examined", asked.path),
        ("--data", asked.data),
        ("--out", asked.out),
    ):
        if path is not None:
            place(what, path)
    beside = asked.path if os.path.isdir(asked.path) else os.path.dirname(asked.path)
    out = beside if asked.out is None else asked.out
    examined = read(asked.path, asked.data)
    refuse_unwritable(out)
    some = inputs.some_rows(len(examined.x), asked.examples)
    model, x = examined.model, examined.x[some]
    label = None if examined.label is None else examined.label[some]
    if len(x) < 2:
        raise UserError(f"x must hold at least 2 examples, got {len(x)}")
    model.likelihood.check(x)
    found = diagnosis.diagnose(
        model,
        x,
        label=label if model.asks_label else None,
        weight=examined.weight,
        beta=examined.beta if asked.beta is None else asked.beta,
        num_samples=asked.nll_samples,
        nll_examples=asked.nll_examples,
        gap_examples=asked.gap_examples,
        gap_steps=asked.gap_steps,
        gaps=asked.gaps,
        **annealing,
        seed=asked.seed,
        inference=examined.inference,
        command=examined.command,
        progress=lambda text: print(text, file=sys.stderr, flush=True),
    )
    latent = model.latent
    few = latent.event_shape in ((1,), (2,)) and latent.stochastic and not latent.confined_to
    few = few and not refines(examined.inference)  # the plane is of the encoder's means
    plane = diagnosis.posterior_means(model, x[:100]) if few and not model.asks_label else None
    save(found, examined.title, out, plane)
    print(found)
    print(f"\n{os.path.join(out, 'diagnosis.html')}", file=sys.stderr)
