"""One `fit` of a training that has several."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

__all__ = ["MAIN", "Stage", "Start"]

MAIN = "train"  # the stage of the model's own objective; others come before it or after it


@dataclasses.dataclass(frozen=True)
class Start:
    """Weights of another run, which a stage begins with (`tfvae.training.take_weights`).

    Attributes:
        path: a run directory that is finished, or a .keras file.
        parts: which: `encoder`, `latent`, `latent.posterior`, `latent.prior`, `decoder`, `likelihood`,
            `condition`; all of the model if none is named.
    """

    path: str
    parts: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Stage:
    """One `fit`: a procedure on a model for a number of steps.

    Attributes:
        name: of its checkpoints and of its rows in metrics.jsonl.
        model: what is trained and evaluated; that of the last stage is kept as the run's model.keras, that
            of a stage on other data (`stream.held_out`) as <name>.keras.
        procedure: how.
        steps: how long, at most.
        batch_size: its own, or `None` for the run's.
        remedies: what is turned on when the latent collapses (`tfvae.training.CollapseMonitor`).
        stream: batches of its own, `(source, start, shard) -> batches` (see `tfvae.streams`); `None` for
            the training set in its usual order.
        start: weights of another run that it begins with.
    """

    name: str
    model: Any
    procedure: Any
    steps: int
    remedies: tuple = ()
    batch_size: int | None = None
    stream: Callable | None = None
    start: Start | None = None
