"""One step of several optimizers: each part of the model keeps its own moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

__all__ = ["Partwise"]


class Partwise(tf.Module):
    """apply(gradients, variables) hands each variable's gradient to the optimizer of its part.

    For two optimizers that also step alone: one over all variables would let the inner steps of one
    part pollute the moments of the other.

    Args:
        parts: [(optimizer, model -> variables)]; `build` gives each its variables.
    """

    use_ema = False

    def __init__(self, parts: Sequence[tuple[keras.optimizers.Optimizer, Callable]]):
        super().__init__()
        self._parts = list(parts)
        self._owner: dict[int, int] = {}

    @property
    def built(self) -> bool:
        """Whether every part has its slots."""
        return bool(self._owner)

    def build_for(self, model) -> None:
        """Makes the slots of each part on its own variables."""
        for index, (optimizer, variables) in enumerate(self._parts):
            own = variables(model)
            if not optimizer.built:
                optimizer.build(own)
            self._owner.update({id(v): index for v in own})

    def apply(self, gradients, variables) -> None:
        """One step of each optimizer on its own variables; all of them, in `build`'s order."""
        for index, (optimizer, _) in enumerate(self._parts):
            mine = [(g, v) for g, v in zip(gradients, variables) if self._owner[id(v)] == index]
            optimizer.apply([g for g, _ in mine], [v for _, v in mine])
