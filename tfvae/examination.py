"""The command behind `python -m tfvae.diagnose`.

python -m tfvae.diagnose RUN_DIRECTORY | model.keras --data=FILE [--out=DIRECTORY]

Says which collapse it is, on what evidence, and what to try; leaves diagnosis.json, diagnosis.txt and
diagnosis.html. A run directory knows its data (--data_dir where the files are elsewhere now); a
model.keras needs --data: an .npy of x, or an .npz with x and, for a conditional model, label.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any, NamedTuple

import keras
import numpy as np
from absl import flags

from tfvae import diagnosis
from tfvae.checks import UserError
from tfvae.training.run_directory import write_atomically

__all__ = ["Examined", "main", "read", "save"]

_DATA = flags.DEFINE_string("data", None, "an .npy of x, or an .npz with x (and label)")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "where the files of a run's data lie")
_OUT = flags.DEFINE_string("out", None, "where the diagnosis is left; default: beside the model")
_BETA = flags.DEFINE_float("beta", None, "the weight of the rate that was meant; a run knows it")
_EXAMPLES = flags.DEFINE_integer("examples", 1000, "how many are measured", lower_bound=2)
_GAP_EXAMPLES = flags.DEFINE_integer("gap_examples", 50, "whose posterior is optimised", 1)
_GAP_STEPS = flags.DEFINE_integer("gap_steps", 300, "of that", 1)
_SAMPLES = flags.DEFINE_integer("nll_samples", 100, "importance samples of the NLL", 1)
_NLL_EXAMPLES = flags.DEFINE_integer("nll_examples", 200, "examples of the NLL", 1)
_SEED = flags.DEFINE_integer("seed", 0, "equal seeds give equal diagnoses")


class Examined(NamedTuple):
    """What is diagnosed: model, data, and what is known of the training (see `diagnose`)."""

    title: str
    model: Any
    x: np.ndarray
    label: np.ndarray | None
    beta: float | None
    weight: float | None
    command: str


def read(path: str, data: str | None = None, data_dir: str | None = None) -> Examined:
    """Of a run directory, or of a saved model and a file.

    Raises:
        UserError: nothing of the kind is there; says what was looked for.
    """
    if os.path.isfile(os.path.join(path, "config.json")):
        # run directories are the zoo's; nothing else here knows them
        found = importlib.import_module("zoo.runs").examined(path, data_dir)
        return found if data is None else found._replace(**_arrays(data))
    if not os.path.isfile(path) or not path.endswith(".keras"):
        raise UserError(f"{path!r} is neither a run directory (config.json) nor a .keras file")
    if data is None:
        raise UserError(f"{path} says nothing of its data: add --data=x.npy (or an .npz)")
    command = "python train_main.py --dataset=DATASET"
    model = keras.models.load_model(path)
    arrays = _arrays(data)
    return Examined(path, model, arrays["x"], arrays["label"], 1.0, None, command)


def _arrays(path: str) -> dict[str, np.ndarray | None]:
    try:
        held = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"--data={path} is no .npy or .npz file: {error}") from error
    if isinstance(held, np.ndarray):
        return {"x": held, "label": None}
    if "x" not in held:
        raise UserError(f"--data={path} holds no array 'x', but {', '.join(held.files) or 'none'}")
    return {"x": held["x"], "label": held.get("label")}


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


def main(argv) -> int:
    """The status is 0 if the model could be examined, whatever was found, and 2 if not."""
    try:
        if len(argv) != 2:
            raise UserError("give one run directory or .keras file (--help for the flags)")
        examined = read(argv[1], _DATA.value, _DATA_DIR.value)
        model, x = examined.model, examined.x[: _EXAMPLES.value]
        label = None if examined.label is None else examined.label[: _EXAMPLES.value]
        model.likelihood.check(x)
        found = diagnosis.diagnose(
            model,
            x,
            label=label if model.asks_label else None,
            weight=examined.weight,
            beta=examined.beta if _BETA.value is None else _BETA.value,
            num_samples=_SAMPLES.value,
            nll_examples=_NLL_EXAMPLES.value,
            gap_examples=_GAP_EXAMPLES.value,
            gap_steps=_GAP_STEPS.value,
            seed=_SEED.value,
            command=examined.command,
            progress=lambda text: print(text, file=sys.stderr, flush=True),
        )
        beside = argv[1] if os.path.isdir(argv[1]) else os.path.dirname(os.path.abspath(argv[1]))
        out = _OUT.value or beside
        one = model.latent.event_shape == (1,) and hasattr(model.latent, "posterior")
        plane = diagnosis.posterior_means(model, x[:100]) if one and not model.asks_label else None
        save(found, examined.title, out, plane)
    except UserError as error:
        print(f"diagnose: {error}", file=sys.stderr)
        return 2
    print(found)
    print(f"\n{os.path.join(out, 'diagnosis.html')}", file=sys.stderr)
    return 0
