"""MNIST, dynamically binarised: codes on the sphere against Gaussian ones, of 10 dimensions and of 40.

Davidson et al. 2018, table 1 (published, -log p(x)): d = 10: 93.84 Gaussian, 93.16 on the sphere; at d = 40
the Gaussian is the better one. A sphere of d dimensions lies in d + 1 numbers. 50,000 / 10,000 / 10,000
digits, 20 epochs; S = 500 importance samples of 500 test images.
"""

from __future__ import annotations

from zoo.benchmarks.table import Benchmark, Row

__all__ = ["BENCHMARK"]

_STEPS = 10_000


def _sphere(d: int, **more) -> dict:
    return {"posterior": "vmf_learned", "latent_width": d + 1, **more}


def _mean(figures) -> float:
    return sum(f["nll"] for f in figures) / len(figures)


BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "mnist",
        "backbone": "mlp",
        "size": "small",
        "train_steps": _STEPS,
        "batch_size": 100,
        "learning_rate": 1e-3,
        "nll_samples": 500,
        "nll_examples": 500,
    },
    settings={"rate_weight": "linear", "annealing_start": 0.0, "annealing_steps": _STEPS // 10},
    rows=(
        Row("gaussian, d = 10", "vae", {"latent_width": 10}),
        Row("vmf, d = 10", "vmf_vae", _sphere(10)),
        Row("power spherical, d = 10", "vmf_vae", _sphere(10, posterior="power_spherical_learned")),
        Row("gaussian, d = 40", "vae", {"latent_width": 40}),
        Row("vmf, d = 40", "vmf_vae", _sphere(40)),
    ),
    columns=("nll", "elbo", "rate", "mutual_information", "active_units", "train_seconds"),
    overall=(
        (
            "at d = 10 the sphere has the lower NLL, on average",
            lambda rows: _mean(rows["vmf, d = 10"]) < _mean(rows["gaussian, d = 10"]),
        ),
        (
            "at d = 40 the Gaussian has it",
            lambda rows: _mean(rows["gaussian, d = 40"]) < _mean(rows["vmf, d = 40"]),
        ),
    ),
)
