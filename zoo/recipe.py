"""What a zoo file exports, and how one is found by name.

A zoo file is a module `zoo/<model>.py` with

    CITATION    the paper, one line
    DEFAULTS    a `Defaults`
    Settings    a frozen dataclass of `zoo.settings` fields
    model(settings, context) -> tfvae.VAE                       made under the strategy's scope
    stages(settings, context, model) -> iterator of Stage       each made when the one before is done
"""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
from collections.abc import Callable
from typing import Any

from tfvae.checks import one_of

__all__ = ["Context", "Defaults", "Stage", "module", "names"]

_NOT_MODELS = {"__init__", "recipe", "settings", "run", "compare", "plan", "training"}


@dataclasses.dataclass(frozen=True)
class Defaults:
    """What a bare `--model=NAME` runs."""

    dataset: str = "digits"
    backbone: str = "mlp"
    size: str = "tiny"
    train_steps: int = 1500
    batch_size: int = 100
    learning_rate: float = 1e-3


@dataclasses.dataclass(frozen=True)
class Context:
    """What a model is made for.

    Attributes:
        image_shape: (H, W, C).
        bits: 1 for binary images, 8 for bytes.
        backbone, size: the networks.
        train_steps, learning_rate, seed, jit_compile: the run.
        num_examples: of the training split.
    """

    image_shape: tuple[int, int, int]
    bits: int
    backbone: str
    size: str
    train_steps: int
    learning_rate: float
    seed: int = 0
    jit_compile: bool = False
    num_examples: int = 0


@dataclasses.dataclass(frozen=True)
class Stage:
    """One `fit`: a procedure on a model for a number of steps.

    Attributes:
        name: of its checkpoints and of its rows in metrics.jsonl.
        model: what is trained, evaluated and, after the last stage, kept.
        procedure: how.
        steps: how long.
        finish: called once when the steps are done, e.g. to keep averaged weights.
    """

    name: str
    model: Any
    procedure: Any
    steps: int
    finish: Callable[[], None] | None = None


def names() -> list[str]:
    """The models of the zoo: its files."""
    here = pathlib.Path(__file__).parent
    return sorted(p.stem for p in here.glob("*.py") if p.stem not in _NOT_MODELS)


def module(name: str):
    """The zoo file of a model.

    Raises:
        UserError: there is none of that name.
    """
    return importlib.import_module(f"zoo.{one_of('model', name, names())}")
