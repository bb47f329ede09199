"""MNIST, its fixed binarisation: what the posterior's family costs, and what the encoder that makes it.

    log p(x) - ELBO  =  (log p(x) - L[q*])  +  (L[q*] - L[q])  =  approximation + amortisation

Cremer et al. 2018, table 2 (published, MNIST, Gaussian q): 1.43 + 1.34 nats. z of 50 numbers, 2 x 200 tanh
for the decoder, batches of 100, the encoder of three widths; q* of each of 200 test images by 1,000 steps,
log p(x) by 1,000 importance samples from it: a lower bound, so the approximation gap is no less.
"""

from __future__ import annotations

import statistics

from tfvae.diagnosis import inference_gaps
from tfvae.inputs import some_rows
from zoo.benchmarks.table import Benchmark, Row

__all__ = ["BENCHMARK"]

_EXAMPLES, _SEARCH, _SAMPLES = 200, 1000, 1000
_SMALL, _USUAL, _LARGE = _NAMES = "encoder 2 x 50", "encoder 2 x 200", "encoder 2 x 800"
_UNITS = {_SMALL: (50, 50), _USUAL: (200, 200), _LARGE: (800, 800)}


def _further(report, model, data, test) -> dict[str, float]:
    del report, data
    x = test[some_rows(len(test), _EXAMPLES)]
    gaps = inference_gaps(model, x, num_steps=_SEARCH, final_samples=_SAMPLES)
    return {
        "log p": gaps.log_likelihood.mean,
        "L[q*]": gaps.refined_elbo.mean,
        "L[q]": gaps.elbo.mean,
        "approximation": gaps.approximation.mean,
        "amortisation": gaps.amortisation.mean,
        "amortisation_stderr": gaps.amortisation.standard_error,
    }


def _mean(rows, name, figure) -> float:
    return statistics.fmean(figures[figure] for figures in rows[name])


def _falls(rows) -> bool:
    return _mean(rows, _SMALL, "amortisation") > _mean(rows, _LARGE, "amortisation")


def _larger(rows) -> bool:
    return _mean(rows, _USUAL, "amortisation") >= _mean(rows, _USUAL, "approximation")


BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "mnist_fixed",
        "backbone": "mlp",
        "size": "paper",
        "train_steps": 20_000,
        "batch_size": 100,
        "learning_rate": 1e-3,
        "nll_samples": 500,
        "nll_examples": 500,
    },
    settings={"latent_width": 50},
    rows=tuple(
        Row(name, "vae", {"encoder": "dense", "encoder_units": _UNITS[name]}) for name in _NAMES
    ),
    columns=(
        "nll",
        "elbo",
        "log p",
        "L[q*]",
        "L[q]",
        "approximation",
        "amortisation",
        "amortisation_stderr",
        "train_seconds",
    ),
    further=_further,
    overall=(
        ("the amortisation gap falls with a larger encoder", _falls),
        ("the amortisation gap is at least the approximation gap", _larger),
    ),
)
