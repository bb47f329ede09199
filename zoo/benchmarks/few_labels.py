"""UCI digits, of which 100 training images keep their label: do the others help?

`labels alone`: encoder and classifier of the same widths, trained on the labelled half of each batch (the
bottleneck without a decoder, its rate hardly weighed). `m2_vae`: images without labels are explained too
(Kingma et al. 2014). Accuracy of the test digits, each binarised once.
"""

from __future__ import annotations

import functools

from tfvae import diagnosis
from zoo.benchmarks.table import Benchmark, Row, above

__all__ = ["BENCHMARK"]


def _further(report, model, data, test) -> dict[str, float]:
    told = data.test.condition if model.asks_label else None
    return diagnosis.label_figures(model, test, data.test.label, told=told, seed=report["seed"])


_HELPS = functools.partial(above, "accuracy_of_draws", "m2_vae", "labels alone")

BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "digits",
        "backbone": "mlp",
        "size": "tiny",
        "train_steps": 2000,
        "batch_size": 100,
        "learning_rate": 1e-3,
        "nll_samples": 20,
        "nll_examples": 200,
    },
    settings={"labelled_examples": 100},
    rows=(
        Row(
            "labels alone",
            "vib",
            {"batches": "partly_labelled", "beta": 1e-4},
        ),
        Row("m2_vae", "m2_vae"),
        Row("m2_vae, all labels", "m2_vae", {"labelled_examples": 1000}),
    ),
    columns=(
        "accuracy",
        "accuracy_of_draws",
        "label_distortion",
        "elbo",
        "rate",
        "train_seconds",
    ),
    further=_further,
    overall=(("m2_vae names more labels right than labels alone, by two standard errors", _HELPS),),
)
