"""What a stage's stream is made from: the run's data, and how its kind of data is streamed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfvae.checks import UserError

__all__ = ["Source", "chosen", "rows_of"]


class Source(NamedTuple):
    """A data set and its kind.

    Attributes:
        data: with `train`, a NamedTuple of arrays by example: `x`, `label`, `factors`; what is not there
            is `None`.
        batch_size: B, of the global batch.
        seed: of the run.
        make: `(data, batch_size, seed, start, shard, beside) -> batches` of `data.train`.
        arrays: `(data, split) -> x`, raw units, as they are measured.
    """

    data: Any
    batch_size: int
    seed: int
    make: Callable
    arrays: Callable

    def batches(self, start: int, shard, split=None, batch_size=None, beside=None):
        """The kind's own stream.

        Args:
            start: the position of the first batch.
            shard: (index, count), this worker's rows of each batch.
            split: instead of the training set.
            batch_size: instead of B.
            beside: `label` or `index`, what comes beside x.
        """
        data = self.data if split is None else self.data._replace(train=split)
        return self.make(data, batch_size or self.batch_size, self.seed, start, shard, beside)


def chosen(split, rows):
    """Some rows of a split, of all that is known of them; what lies on a disk stays there."""
    held = {name: value for name, value in split._asdict().items() if value is not None}
    return split._replace(
        **{
            name: value.at(rows) if hasattr(value, "at") else np.asarray(value)[rows]
            for name, value in held.items()
        }
    )


def rows_of(batch_size: int, shard: tuple[int, int]) -> slice:
    """This worker's rows of a batch.

    Raises:
        UserError: the batch does not divide into the workers.
    """
    index, count = shard
    if batch_size % count:
        raise UserError(f"batch_size must be a multiple of the {count} workers, got {batch_size}")
    return slice(index * batch_size // count, (index + 1) * batch_size // count)
