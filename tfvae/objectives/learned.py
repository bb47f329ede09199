"""What a weight is that the training moves by what it logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

__all__ = ["LearnedWeight"]


class LearnedWeight:
    """Abstract: the weight of a term, a function of what was seen so far and not of the step.

    `Objective` builds it, reads it in each step, feeds it afterwards and keeps its state in checkpoints. It
    counts as 1 where figures are judged, for it has no last value.
    """

    def build(self) -> None:
        """Makes the state, once; under the strategy's scope."""
        raise NotImplementedError(type(self).__name__)

    def __call__(self, step) -> tf.Tensor:
        """The weight, scalar float32."""
        raise NotImplementedError(type(self).__name__)

    def feed(self, step, logs: Mapping[str, tf.Tensor]) -> None:
        """One update from the logs of a step, reduced over the replicas; outside of them."""
        raise NotImplementedError(type(self).__name__)

    def state(self) -> dict[str, Any]:
        """For checkpoints."""
        raise NotImplementedError(type(self).__name__)
