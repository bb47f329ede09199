"""UCI digits: is a digit strange to a VAE that never saw its class?

One class is left out of the training. `auc_elbo`, `auc_regret`, `auc_typicality`: area under the ROC curve
of the scores of `tfvae.exploring`, test digits of the nine other classes against all digits of that class:
0.5 is chance, 1 is always. `auc_pixels` is the same of the distance to the nearest training image: what a
score must beat to be worth a model.
"""

from __future__ import annotations

import statistics

import numpy as np

from tfvae import exploring
from zoo.benchmarks.table import Benchmark, Row
from zoo.datasets import digits
from zoo.datasets.data import Data, Split
from zoo.datasets.pipeline import evaluation_arrays
from zoo.datasets.registry import IMAGES, Outside

__all__ = ["BENCHMARK", "held_out"]

_DIGITS = IMAGES["digits"]
_SCORES = ("elbo", "regret", "typicality", "pixels")
_CLASSES = range(10)


def _without(left_out: int) -> Outside:
    """The digits without those of a class."""

    def load(data_dir):
        data = digits.load("digits", data_dir)
        splits = {s: _rows(getattr(data, s), left_out, False) for s in ("train", "valid", "test")}
        return data._replace(name=f"digits without {left_out}", **splits)

    return Outside(_DIGITS.shape, _DIGITS.kind, load, _DIGITS.labels, made_here=True)


def _rows(split: Split, label: int, kept: bool) -> Split:
    """Those of a class, or all others."""
    return split.at((split.label == label) == kept)


WITHOUT_0, WITHOUT_1, WITHOUT_2, WITHOUT_3, WITHOUT_4 = map(_without, _CLASSES[:5])
WITHOUT_5, WITHOUT_6, WITHOUT_7, WITHOUT_8, WITHOUT_9 = map(_without, _CLASSES[5:])


def held_out(left_out: int) -> np.ndarray:
    """All digits of a class, as they are measured, float32 [N, 8, 8, 1]."""
    data = digits.load("digits")
    splits = [_rows(s, left_out, True) for s in (data.train, data.valid, data.test)]
    return np.concatenate([evaluation_arrays(split, data.kind) for split in splits])


def _further(report, model, data: Data, test) -> dict[str, float]:
    """The area of each score; the class is the one that the training has not."""
    (left_out,) = {*_CLASSES} - set(np.unique(np.asarray(data.train.label)).tolist())
    seed, strange = report["seed"], held_out(left_out)
    known = evaluation_arrays(data.train, data.kind)
    scores = {
        "elbo": lambda x: exploring.elbo_score(model, x, seed=seed),
        "regret": lambda x: exploring.likelihood_regret(model, x, seed=seed),
        "typicality": lambda x: exploring.typicality(model, x, known, seed=seed),
        "pixels": lambda x: exploring.nearest(known, x, 1)[1][:, 0],
    }
    return {
        f"auc_{name}": exploring.roc_auc(score(test), score(strange))
        for name, score in scores.items()
    }


def _mean(rows, score: str) -> float:
    """Over all classes and seeds."""
    return statistics.fmean(figures[f"auc_{score}"] for row in rows for figures in rows[row])


def _above(score: str, other: str):
    def holds(rows) -> bool:
        return _mean(rows, score) > _mean(rows, other)

    return f"mean over the classes: {score} above {other}", holds


BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "backbone": "mlp",
        "size": "tiny",
        "train_steps": 3000,
        "batch_size": 100,
        "learning_rate": 1e-3,
        "nll_samples": 100,
        "nll_examples": 200,
    },
    settings={"latent_width": 8},
    rows=tuple(
        Row(f"without {c}", "vae", fields={"dataset": f"{__name__}:WITHOUT_{c}"}) for c in _CLASSES
    ),
    columns=("distortion", "rate", *(f"auc_{name}" for name in _SCORES)),
    further=_further,
    overall=(_above("elbo", "typicality"),),
)
