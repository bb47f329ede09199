"""What a file of `zoo/models` exports."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Defaults", "Recipe"]


@dataclasses.dataclass(frozen=True)
class Defaults:
    """What a bare `--model=NAME` runs.

    Attributes:
        backbone: taken where it fits the kind of data; of several, with blanks between, the first that does;
            else that kind's own default.
        learning_rate: Adam's.
        sgd_learning_rate: where the model stands on optimizer=sgd, and nobody moved it from there.
    """

    dataset: str = "digits"
    backbone: str = ""
    size: str = "tiny"
    train_steps: int = 1500
    batch_size: int = 100
    learning_rate: float = 1e-3
    sgd_learning_rate: float = 1.0


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A system of the zoo.

    Attributes:
        citation: the paper, one line.
        defaults: of the run.
        point: {place: part, or setting: value}, what makes it this model; as `--set` has them, or parts
            themselves.
        point_on: {backbone or kind of data: the same}, more of it there.
        build: `(context) -> tfvae.VAE`, made under the strategy's scope, where the parts do not say it all.
        stages: `(context, model) -> iterator of tfvae.procedures.Stage`, each made when the one before is
            done, where the parts do not say it all; one of them is named `tfvae.procedures.MAIN`.
    """

    citation: str
    defaults: Defaults = Defaults()
    point: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    point_on: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    build: Callable | None = None
    stages: Callable | None = None
