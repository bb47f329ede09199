"""UCI digits: does a category of ten kinds, which nobody labels, find the ten digits?

`named`: the share of test digits that the category names, where each kind stands for the digit that it holds
most often among the training digits; 0.1 is chance. `kinds`: how many hold a training digit. `joint_vae` has
a capacity of its category and one of two numbers; beside it the ELBO alone, the released weight of the
capacities (for larger images), and 100 labels.
"""

from __future__ import annotations

import functools

import numpy as np

from tfvae.exploring import codes
from zoo.benchmarks.table import Benchmark, Row, above
from zoo.datasets.pipeline import evaluation_arrays

__all__ = ["BENCHMARK"]


def _further(report, model, data, test) -> dict[str, float]:
    del report
    ((start, kinds),) = model.latent.categories
    known = evaluation_arrays(data.train, data.kind)
    of_known, of_test = (codes(model, x)[:, start : start + kinds].argmax(1) for x in (known, test))
    held = np.zeros((kinds, int(data.train.label.max()) + 1), int)
    np.add.at(held, (of_known, data.train.label), 1)
    return {
        "named": float(np.mean(held.argmax(1)[of_test] == data.test.label)),
        "kinds": int(held.any(1).sum()),
    }


_LABELS = {
    "batches": "partly_labelled",
    "labelled_examples": 100,
    "terms": "+labelled_category",
    "category_weight": 10.0,
}
_ELBO = {"posterior": "concrete", "latent_width": 12}

BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "digits",
        "backbone": "deconvolutional",
        "size": "tiny",
        "train_steps": 3000,
        "batch_size": 100,
        "learning_rate": 1e-3,
        "nll_samples": 100,
        "nll_examples": 200,
    },
    settings={},
    rows=(
        Row("the ELBO alone", "vae", _ELBO),
        Row("joint_vae", "joint_vae"),
        Row("joint_vae, weight 30", "joint_vae", {"capacity_weight": 30.0}),
        Row("joint_vae, 100 labels", "joint_vae", _LABELS),
    ),
    columns=("named", "kinds", "nll", "distortion", "rate", "mutual_information", "train_seconds"),
    further=_further,
    overall=(
        (
            "a capacity of its own names more digits than the ELBO alone, by two standard errors",
            functools.partial(above, "named", "joint_vae", "the ELBO alone"),
        ),
    ),
)
