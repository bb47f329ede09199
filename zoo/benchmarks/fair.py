"""What codes of people say of their income or credit (y), and of their sex (s): Adult and German of the UCI.

Classifiers that are trained afterwards, on the means of the posteriors of the training rows, and judged on
the test rows: logistic regression and a random forest. Beside them what the same find in x without s, and the
chance to name the more frequent kind. `vae` encodes s like all columns; `s told` is the graph alone (the
decoder is told s); `vfae` has the label and the MMD between the two kinds of s. Where y depends on s, a code
that tells y perfectly tells some of s. Needs --data_dir.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfvae.exploring import codes, draws
from zoo.benchmarks.table import Benchmark, Row

__all__ = ["BENCHMARK"]

_MOST = 10_000  # rows that a probe learns from
_NEAR_Y, _NEAR_S = 0.02, 0.03


def _probes() -> dict[str, Any]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return {
        "linear": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "forest": RandomForestClassifier(200, min_samples_leaf=5, random_state=0, n_jobs=1),
    }


def _sex(columns) -> slice:
    """Where it stands in a row."""
    widths = dict(zip(columns.names, columns.groups))
    before = columns.names.index("sex")
    start = sum(columns.groups[:before])
    return slice(start, start + widths["sex"])


def _found(seen, known) -> dict[str, float]:
    """{y_linear, s_linear, y_forest, s_forest}: of (train, test) rows, and of what is known of them."""
    found = {}
    for what, (learned, judged) in known.items():
        for name, probe in _probes().items():
            found[f"{what}_{name}"] = float(probe.fit(seen[0], learned).score(seen[1], judged))
    return found


_OF_X: dict[str, dict[str, float]] = {}  # of a data set, which is the same for every row and seed


def _further(report, model, data, test) -> dict[str, float]:
    """What probes find in draws (`_draws`) and means of the posteriors and in x (`_of_x`), and chances."""
    del test
    sex, seed = _sex(data.columns), report["seed"]
    train, held = (split.at(slice(None)) for split in (data.train, data.test))
    train = train.at(np.random.default_rng(0).permutation(len(train.x))[:_MOST])
    pair = train, held
    known = {
        "y": [split.label for split in pair],
        "s": [split.x[:, sex].argmax(1) for split in pair],
    }
    told = [split.label if model.asks_label else None for split in pair]
    means = [codes(model, split.x, label) for split, label in zip(pair, told)]
    drawn = [draws(model, split.x, seed + i, told[i]).z for i, split in enumerate(pair)]
    if data.name not in _OF_X:
        _OF_X[data.name] = _found([np.delete(split.x, sex, 1) for split in pair], known)
    chances = {f"chance_{what}": np.bincount(k[1]).max() / len(k[1]) for what, k in known.items()}
    return {
        **_found(means, known),
        **{f"{name}_draws": value for name, value in _found(drawn, known).items()},
        **{f"{name}_of_x": value for name, value in _OF_X[data.name].items()},
        **{name: float(value) for name, value in chances.items()},
    }


def _fair(figures) -> bool:
    near = figures["y_linear"] > figures["y_linear_of_x"] - _NEAR_Y
    return near and figures["s_linear"] < figures["chance_s"] + _NEAR_S


_TOLD = {"data": "sensitive_rows"}
_GERMAN = {"dataset": "german", "train_steps": 1500, "batch_size": 100}
_SAID = f"y within {_NEAR_Y} of that of x, s within {_NEAR_S} of chance, of the linear classifier"

BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "adult",
        "backbone": "mlp",
        "size": "tiny",
        "train_steps": 4000,
        "batch_size": 256,
        "learning_rate": 1e-3,
        "nll_samples": 20,
        "nll_examples": 200,
    },
    settings={"latent_width": 20, "nested_width": 20},
    rows=(
        Row("vae", "vae"),
        Row("vae, s told", "vae", _TOLD),
        Row("vfae without MMD", "vfae", {"terms": "-kitchen_sinks"}),
        Row("vfae", "vfae", asserts=(_SAID, _fair)),
        Row("german: vae", "vae", fields=_GERMAN),
        Row("german: vfae", "vfae", fields=_GERMAN),
    ),
    columns=(
        "y_linear",
        "y_linear_of_x",
        "chance_y",
        "s_linear",
        "s_linear_of_x",
        "chance_s",
        "y_forest",
        "s_forest",
        "s_forest_of_x",
        "elbo",
        "train_seconds",
    ),
    further=_further,
    joint=(
        (
            "a linear classifier and a forest find less of s in the code of vfae than in that of vae",
            lambda rows: all(
                rows["vfae"][f"s_{probe}"] < rows["vae"][f"s_{probe}"]
                for probe in ("linear", "forest")
            ),
        ),
    ),
)
