"""Bags of words: the NVDM with Gaussian codes and with codes on the sphere.

The sentences of Python's documentation, counts of 2,000 words, the 60 most frequent left out. The same rows
on 20 Newsgroups: train_main.py --dataset=documents --data=FOLDER, as released with the NVDM.
"""

from __future__ import annotations

from zoo.benchmarks.table import Benchmark, Row

__all__ = ["BENCHMARK"]

BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "pydoc_words",
        "backbone": "mlp",
        "size": "small",
        "train_steps": 4000,
        "batch_size": 64,
        "learning_rate": 1e-3,
        "nll_samples": 500,
        "nll_examples": 500,
    },
    settings={"latent_width": 25},
    rows=(
        Row("nvdm", "nvdm"),
        *(
            Row(
                f"vmf, kappa = {kappa}", "nvdm", {"posterior": "vmf", "concentration": float(kappa)}
            )
            for kappa in (5, 10, 20, 40)
        ),
        Row(
            "power spherical",
            "nvdm",
            {"posterior": "power_spherical", "concentration": 20.0},
        ),
    ),
    columns=(
        "nll",
        "perplexity",
        "elbo",
        "rate",
        "mutual_information",
        "active_units",
        "train_seconds",
    ),
)
