"""The records that every data set is turned into."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Data", "Split"]


class Split(NamedTuple):
    """Examples, and what is known of them.

    Attributes:
        x: uint8 or float32 [N, H, W, C], int32 [N, T] tokens, uint8 [N, T] levels of a waveform.
        label: what simple classifiers look for in the codes, integers [N], or `None`.
        factors: integers [N, K] or `None`.
        told: what a conditional model is told instead of the label, integers [N], or `None`.
    """

    x: np.ndarray
    label: np.ndarray | None
    factors: np.ndarray | None = None
    told: np.ndarray | None = None

    @property
    def condition(self) -> np.ndarray | None:
        """What a conditional model is told of each example: the label, if it is nothing else."""
        return self.label if self.told is None else self.told

    def beside(self, what: str) -> np.ndarray:
        """What comes with each x, int32 [N]: its `label` (the condition), or its `index` (the row)."""
        if what == "index":
            return np.arange(len(self.x), dtype=np.int32)
        return np.asarray(self.condition, np.int32)


class Data(NamedTuple):
    """A data set.

    Attributes:
        kind: `binary_dynamic` (x holds probabilities, float32 in [0, 1] or uint8 to be divided by
            255, drawn anew at each presentation), `binary_fixed` (x in {0, 1}), `grey8`, `rgb8`,
            `real` (float32), `mu_law8` (levels of a waveform).
        source: {file: sha256} of what it was read from.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    kind: str
    description: str
    citation: str
    source: dict[str, str]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        return tuple(self.train.x.shape[1:])
