"""What kinds of data share whose sets are all read and modelled alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["alike"]


def alike(data: str, **parts: Any) -> tuple[Callable, Callable, Callable]:
    """`usual_data`, `usual` and `facts` of a kind (see `zoo.modalities`) that are the same for every set.

    Args:
        data: the part that says how a set is read.
        parts: the others of a model, where nobody says others.
    """

    def usual_data(dataset: str) -> dict[str, Any]:
        del dataset
        return {"data": data}

    def usual(dataset: str, space=None) -> dict[str, Any]:
        del space
        return {**usual_data(dataset), **parts}

    def facts(dataset: str, space=None) -> str:
        del dataset, space
        return ""

    return usual_data, usual, facts
