"""Squares and their inversions (600 images): which code does not tell whether an image is inverted?

That is the label, and encoder and decoder are told it, so that z need not hold it. It is judged by fresh
classifiers (two hidden layers of 64) of 400 images, drawn by seed, asked of the other 200: of 10 draws of
each image's z, and of the means of the posteriors, which may know what draws hide. Even odds are 0.5.
Asserted are the ranges that two seeds of another implementation had, a twentieth wider.
"""

from __future__ import annotations

import numpy as np

from tfvae.exploring import codes, draws
from zoo.benchmarks.table import Benchmark, Row, within

__all__ = ["BENCHMARK"]

_DRAWS, _LEARNED = 10, 400


def _accuracy(seen, label, parts, seed: int) -> float:
    """Of a fresh classifier of the rows `seen` of some images, asked of others': (the one's, the others')."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, test = parts
    probe = make_pipeline(
        StandardScaler(), MLPClassifier((64, 64), max_iter=300, random_state=seed)
    )
    return float(probe.fit(seen[train], label[train]).score(seen[test], label[test]))


def _further(report, model, data, test) -> dict[str, float]:
    """{label_of_draws, label_of_means: what a classifier finds}."""
    label, seed = data.test.label, report["seed"]
    told = label if model.asks_label else None
    order = np.random.default_rng(seed).permutation(len(test))
    apart = order[:_LEARNED], order[_LEARNED:]
    several = np.stack([draws(model, test, seed + i, told).z for i in range(_DRAWS)])
    rows = np.arange(_DRAWS)[:, None] * len(test)
    parts = [(rows + part).ravel() for part in apart]
    flat = several.reshape(_DRAWS * len(test), -1)
    return {
        "label_of_draws": _accuracy(flat, np.tile(label, _DRAWS), parts, seed),
        "label_of_means": _accuracy(codes(model, test, told), label, apart, seed),
    }


_TOLD = {"condition": "labels"}
_HSIC = {**_TOLD, "hsic_between": "label", "hsic_weight": 300.0}
_SINKS = {**_TOLD, "terms": "+kitchen_sinks", "sinks_weight": 1000.0}


def _hidden(rows) -> bool:
    known = rows["vae, told"]["label_of_draws"]
    return all(rows[name]["label_of_draws"] < known for name in ("hsic_vae", "kitchen sinks"))


BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "inverted_squares",
        "backbone": "mlp",
        "size": "tiny",
        "train_steps": 4000,
        "batch_size": 128,
        "learning_rate": 1e-3,
        "nll_samples": 20,
        "nll_examples": 200,
    },
    settings={"latent_width": 6, "learning_rate_schedule": "constant"},
    rows=(
        Row("vae, not told", "vae"),
        Row("vae, told", "vae", _TOLD, within(0.05, label_of_draws=(0.86, 0.93))),
        Row(
            "hsic_vae",
            "hsic_vae",
            _HSIC,
            within(
                0.05,
                label_of_draws=(0.5, 0.52),
                label_of_means=(0.71, 0.75),
                distortion=(4.0, 4.7),
            ),
        ),
        Row(
            "kitchen sinks",
            "vae",
            _SINKS,
            within(0.05, label_of_draws=(0.5, 0.56), distortion=(8.0, 11.0)),
        ),
    ),
    columns=(
        "label_of_draws",
        "label_of_means",
        "distortion",
        "rate",
        "mutual_information",
        "active_units",
        "train_seconds",
    ),
    further=_further,
    joint=(("either term hides the label of draws better than being told alone", _hidden),),
)
