"""MNIST's grey levels and a linear VAE: which units collapse is known beforehand, from the covariance.

50,000 digits in [0, 1], 50 units. At a fixed decoder variance v a unit is used if and only if its eigenvalue
exceeds v, and the best ELBO is pPCA's log-likelihood; both of the training digits, without noise of draws.
"""

from __future__ import annotations

import numpy as np

from tfvae.diagnosis import linear_gaussian
from zoo.benchmarks.table import Benchmark, Row
from zoo.datasets.pipeline import evaluation_arrays

__all__ = ["BENCHMARK", "exact"]

_UNITS = 50
_USED = 0.05  # nats


def exact(model, x) -> tuple[float, np.ndarray]:
    """(E |x - x_hat|^2, rates [q]) of a `linear_vae` of the zoo on x [N, ...], by its weights, float64."""
    network = model.decoder.network
    network = getattr(network, "network", network)  # below a learned variance
    w, m = (v.numpy().astype(float) for v in network.trainable_variables)
    head = model.latent.posterior.mean_head
    v, c = head.kernel.numpy().astype(float), head.bias.numpy().astype(float)
    delta = np.exp(2 * model.latent.posterior.log_scale.numpy().astype(float))
    x = np.reshape(x, (len(x), -1)).astype(float)
    means = x @ v + c
    rate = 0.5 * (delta - np.log(delta) + (means**2).mean(0) - 1)
    error = ((x - means @ w - m) ** 2).sum(1).mean() + (w**2).sum(1) @ delta
    return float(error), rate


def _further(report, model, data, test) -> dict[str, float]:
    """What the weights found on the training digits, and what they should have found."""
    del report
    x = evaluation_arrays(data.train, data.kind)
    x = x.reshape(len(x), -1)
    dims = x.shape[1]
    eigenvalues = np.linalg.eigvalsh(np.cov(x.T, bias=True))
    variance = model.likelihood.variance or float(
        np.exp(model.decoder.network.log_variance.numpy())
    )
    error, rate = exact(model, x)
    distortion = error / (2 * variance) + 0.5 * dims * np.log(2 * np.pi * variance)
    best = linear_gaussian.optimum(eigenvalues, _UNITS, variance)
    return {
        "variance": variance,
        "best_variance": linear_gaussian.best_variance(eigenvalues, _UNITS),
        "used": int((rate > _USED).sum()),
        "used_by_theory": int((best.rates > _USED).sum()),
        "train_rate": float(rate.sum()),
        "rate_by_theory": float(best.rates.sum()),
        "train_elbo": float(-distortion - rate.sum()),
        "ppca": linear_gaussian.log_likelihood(eigenvalues, _UNITS, variance),
        "tuned_elbo": linear_gaussian.tuned(variance, distortion, float(rate.sum()), dims)[1],
    }


def _known(f) -> bool:
    """No bound lies above the likelihood's maximum."""
    below = f["ppca"] - f["train_elbo"]
    return f["used"] == f["used_by_theory"] and 0 < below < 1


_ASSERTED = (
    "as many units above 0.05 nats as 1/2 ln(eigenvalue / v) says; ELBO at most 1 nat below pPCA",
    _known,
)
_FIXED = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03)


BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "mnist_real",
        "backbone": "linear",
        "train_steps": 20_000,
        "batch_size": 200,
        "learning_rate": 3e-3,
        "nll_samples": 100,
        "nll_examples": 200,
    },
    settings={"latent_width": _UNITS, "learning_rate_schedule": "cosine"},
    rows=(
        *(Row(f"v = {v:g}", "linear_vae", {"variance": v}, _ASSERTED) for v in _FIXED),
        Row("v learned", "linear_vae", {"variance": None}, _ASSERTED),
    ),
    columns=(
        "variance",
        "used_by_theory",
        "used",
        "active_units",
        "rate_by_theory",
        "train_rate",
        "ppca",
        "train_elbo",
        "tuned_elbo",
        "elbo",
        "train_seconds",
    ),
    further=_further,
    joint=(
        (
            "the fewer units are used, the larger v",
            lambda rows: all(np.diff([rows[f"v = {v:g}"]["used"] for v in sorted(_FIXED)]) <= 0),
        ),
        (
            "the learned v is that of the directions left over, to 2 %; no tuned ELBO is 1 nat better",
            lambda rows: (
                abs(rows["v learned"]["variance"] / rows["v learned"]["best_variance"] - 1) < 0.02
                and all(
                    row["tuned_elbo"] <= rows["v learned"]["train_elbo"] + 1.0
                    for row in rows.values()
                )
            ),
        ),
    ),
)
