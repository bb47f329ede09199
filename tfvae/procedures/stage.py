"""One `fit` of a training that has several."""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = ["MAIN", "Stage"]

MAIN = "train"  # the stage of the model's own objective; others come before it or after it


@dataclasses.dataclass(frozen=True)
class Stage:
    """One `fit`: a procedure on a model for a number of steps.

    Attributes:
        name: of its checkpoints and of its rows in metrics.jsonl.
        model: what is trained, evaluated and, after the last stage, kept.
        procedure: how.
        steps: how long, at most.
        batch_size: its own, or `None` for the run's.
        remedies: what is turned on when the latent collapses (`tfvae.training.CollapseMonitor`).
    """

    name: str
    model: Any
    procedure: Any
    steps: int
    remedies: tuple = ()
    batch_size: int | None = None
