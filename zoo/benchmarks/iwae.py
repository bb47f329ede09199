"""MNIST, dynamically binarised: the bound of K samples, and how much of the encoder's gradient is signal.

One layer of 50 units, 2 x 200 tanh, batches of 20 (Burda et al. 2016); nats of test images. signal: of the
gradient by each weight of the encoder, its mean over its deviation, over draws for one batch of test images;
the median of the weights.
"""

from __future__ import annotations

import statistics

import numpy as np
import tensorflow as tf

from tfvae.inference import GRADIENTS, many_samples
from tfvae.objectives import ManySampleBound
from tfvae.procedures import encoder_variables
from tfvae.randomness import seed_of
from zoo.benchmarks.table import Benchmark, Row

__all__ = ["BENCHMARK", "signal"]

_SAMPLES = (1, 10, 100)
_PASSES, _EXAMPLES = 200, 20


def signal(model, x, num: int, gradient: str, passes: int = _PASSES) -> float:
    """|mean| / deviation of the bound's gradient by a weight of the encoder over `passes` draws, the median.

    Rainforth et al. 2018, where it falls as 1 / sqrt(K) for the whole gradient. Weights that none of the
    examples reaches are left out.
    """
    infer, bound = many_samples(num, gradient), ManySampleBound()
    weights = [v.value for v in encoder_variables(model)]
    x = tf.constant(model.likelihood.trim(x))

    @tf.function(autograph=False)
    def one(seed):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(bound(infer(model, x, seed)))
        found = tape.gradient(loss, weights)
        return tf.concat([tf.reshape(g, [-1]) for g in found if g is not None], 0)

    total = square = np.zeros(())
    for number in range(passes):
        found = one(seed_of(number)).numpy().astype(np.float64)
        total, square = total + found, square + found**2
    mean = total / passes
    deviation = np.sqrt(np.maximum(square / passes - mean**2, 0.0) * passes / (passes - 1))
    reached = deviation > 0
    return float(np.median(np.abs(mean[reached]) / deviation[reached]))


def _further(report, model, data, test) -> dict[str, float]:
    del report, data
    return {
        f"signal, {gradient}, K = {num}": signal(model, test[:_EXAMPLES], num, gradient)
        for gradient in (GRADIENTS[0], GRADIENTS[2])
        for num in _SAMPLES
    }


def _mean(rows, name, figure) -> float:
    return statistics.fmean(figures[figure] for figures in rows[name])


def _better(rows) -> bool:
    nll = [_mean(rows, f"K = {k}", "nll") for k in (1, 5, 50)]
    return nll[0] > nll[1] > nll[2]


def _wider(rows) -> bool:
    used = [_mean(rows, f"K = {k}", "active_units") for k in (1, 5, 50)]
    return used[0] <= used[1] <= used[2] and used[0] < used[2]


def _drowns(row) -> bool:
    plain, doubly = (
        [row[f"signal, {gradient}, K = {num}"] for num in _SAMPLES]
        for gradient in (GRADIENTS[0], GRADIENTS[2])
    )
    return plain[2] < 0.7 * plain[0] and doubly[2] > 0.9 * doubly[0]


BENCHMARK = Benchmark(
    about=__doc__,
    fields={
        "dataset": "mnist",
        "backbone": "mlp",
        "size": "paper",
        "train_steps": 20_000,
        "batch_size": 20,
        "learning_rate": 1e-3,
        "nll_samples": 5000,
        "nll_examples": 500,
    },
    settings={"latent_width": 50, "learning_rate_schedule": "tripling"},
    rows=(
        *(Row(f"K = {k}", "iwae", {"num_samples": k}) for k in (1, 5, 50)),
        Row(
            "K = 50, doubly reparameterised",
            "iwae",
            {"num_samples": 50, "sample_gradient": "doubly_reparameterised"},
        ),
    ),
    columns=(
        "nll",
        "elbo",
        "rate",
        "active_units",
        *(
            f"signal, {gradient}, K = {num}"
            for gradient in (GRADIENTS[0], GRADIENTS[2])
            for num in _SAMPLES
        ),
        "train_seconds",
    ),
    further=_further,
    joint=(
        (
            "the signal of the whole gradient falls by a third or more from K = 1 to 100, that of the doubly "
            "reparameterised does not",
            lambda rows: _drowns(rows["K = 1"]),
        ),
    ),
    overall=(
        ("NLL falls with K", _better),
        ("active units rise with K", _wider),
    ),
)
