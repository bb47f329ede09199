"""What a part costs: a training step with it, in units of one without it, of the same networks and batch.

Both models are made in one process and step by turns; of each the cheapest of many rounds counts, in seconds
of the processor, which other programs move less than those of the clock.
"""

from __future__ import annotations

import time
from typing import Any

import tensorflow as tf

import zoo
from zoo.benchmarks.table import Benchmark, Row

__all__ = ["BENCHMARK", "step_ratio"]

_ROUNDS, _STEPS = 15, 10
_FIELDS = {
    "dataset": "digits",
    "backbone": "gated_pixelcnn",
    "size": "tiny",
    "train_steps": 5,
    "batch_size": 100,
    "learning_rate": 1e-3,
    "nll_samples": 1,
    "nll_examples": 2,
}


def step_ratio(one, other, batch: tf.Tensor, rounds: int = _ROUNDS) -> dict[str, float]:
    """Seconds of the processor for a step of `other`, in units of those for one of `one`.

    Args:
        one, other: compiled models.
        batch: what both are trained on.
        rounds: of ten steps of each, by turns.

    Returns:
        step_ratio, and step_seconds of both.
    """
    seconds: list[list[float]] = [[], []]
    batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
    steps = [model.make_train_function() for model in (one, other)]
    for step in steps:
        step(batches)  # traced
    for _ in range(rounds):
        for step, found in zip(steps, seconds):
            started = time.process_time()
            for _ in range(_STEPS):
                step(batches)
            found.append((time.process_time() - started) / _STEPS)
    base, mine = (min(found) for found in seconds)
    return {"plain_step_seconds": base, "step_seconds": mine, "step_ratio": mine / base}


def _further(report, model, data, test) -> dict[str, Any]:
    """Against the plain VAE of the same networks."""
    del report, data
    space = {name: _FIELDS[name] for name in ("dataset", "backbone", "size", "batch_size")}
    plain = zoo.build("vae", **space)
    return step_ratio(plain, model, tf.constant(test[: _FIELDS["batch_size"]]))


BENCHMARK = Benchmark(
    about=__doc__,
    fields=_FIELDS,
    settings={},
    rows=(
        Row(
            "maf of 4 flows",
            "vae",
            {"prior": "maf", "maf_flows": 4},
            ("at most 25 % more", lambda f: f["step_ratio"] <= 1.25),
        ),
        Row("maf of 4 flows, 640 units", "vae", {"prior": "maf", "maf_units": 640}),
        Row("iaf of 4 flows", "vae", {"posterior": "iaf", "iaf_flows": 4}),
        Row("flow_vae", "flow_vae"),
    ),
    columns=("plain_step_seconds", "step_seconds", "step_ratio", "train_seconds"),
    further=_further,
)
