"""The records that every data set is turned into."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfvae.checks import UserError, array
from zoo.datasets import labels

__all__ = ["Data", "Split", "checked", "refuse_files", "refuse_too_few"]

_SPLITS = ("train", "valid", "test")
_MEASURED = 2  # examples without which nothing can be measured
_MOST = 2**31 - 1  # labels are told as int32


class Split(NamedTuple):
    """Examples, and what is known of them.

    Attributes:
        x: uint8 or float32 [N, H, W, C], int32 [N, T] tokens, uint8 [N, T] levels of a waveform,
            float32 [N, C] rows of a table. Of the train split it may be `zoo.datasets.disk.Rows`, whose door
            has looked at them.
        label: what simple classifiers look for in the codes, integers [N], or `None`.
        factors: integers [N, K] or `None`.
        told: what a conditional model is told instead of the label, integers [N], or `None`.
    """

    x: Any
    label: np.ndarray | None
    factors: np.ndarray | None = None
    told: np.ndarray | None = None

    @property
    def condition(self) -> np.ndarray | None:
        """What a conditional model is told of each example: the label, if it is nothing else."""
        return self.label if self.told is None else self.told

    def at(self, rows) -> Split:
        """Some of the examples, in memory, with what is known of them."""
        return Split(*(None if known is None else known[rows] for known in self))

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
        label_names: of the labels 0, 1 ..., where they have some.
        rate: of a waveform, samples a second.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    kind: str
    description: str
    citation: str
    source: dict[str, str]
    label_names: tuple[str, ...] = ()
    rate: int | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        return tuple(self.train.x.shape[1:])


def checked(data):
    """The data, if each split holds examples, finite, each with labels that there are.

    Args:
        data: a `Data` or a `zoo.datasets.text.corpus.TextData`.

    Raises:
        UserError: otherwise; names the split.
    """
    for name in _SPLITS:
        split, what = getattr(data, name), f"dataset {data.name!r}: the {name} split"
        if len(split.x) == 0:
            raise UserError(f"{what} holds no example")
        if isinstance(split.x, np.ndarray) and split.x.dtype.kind == "f":
            ends = (None, None) if data.kind in ("real", "columns") else (0, 1)
            array(what, split.x, "real", split.x.shape, *ends)
        for value, said in ((split.label, "labels"), (split.told, "conditions")):
            count = labels.known(data.name) if value is split.condition else None
            if value is not None:
                high = _MOST if count is None else count - 1
                array(f"{what}: its {said}", value, "whole", (len(split.x),), 0, high)
        if split.factors is not None:
            shape = (len(split.x), None)
            array(f"{what}: its factors", split.factors, "whole", shape, 0, _MOST)
    return data


def refuse_files(name: str, data_dir: str | None) -> None:
    """Of a set that is made here, or ships with what this project needs.

    Raises:
        UserError: a folder is given, which nothing would read.
    """
    if data_dir is not None:
        raise UserError(f"dataset {name!r} is read from no files: data_dir must be left out")


def refuse_too_few(data, batch_size: int, information_batch: int | None = None) -> None:
    """Before anything is trained.

    Raises:
        UserError: training would repeat examples within a batch, or held-out examples are too few to
            be measured.
    """
    for name in _SPLITS[1:]:
        number = len(getattr(data, name).x)
        if number < _MEASURED:
            raise UserError(
                f"dataset {data.name!r}: the {name} split must hold {_MEASURED} examples or more to "
                f"be measured, got {number}"
            )
    if batch_size > len(data.train.x):
        raise UserError(
            f"--batch_size must be at most the {len(data.train.x):,} examples that {data.name!r} has "
            f"to train on, got {batch_size}"
        )
    if information_batch is not None and information_batch > len(data.test.x):
        raise UserError(
            f"--information_batch must be at most the {len(data.test.x):,} examples of the test split "
            f"of {data.name!r}, got {information_batch}"
        )
