"""Documents: bags of words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import diagnosis
from tfvae.parts import Part, part, setting
from zoo.datasets import documents as sets
from zoo.datasets import own
from zoo.modalities.alike import alike

# counts are kept, streamed and measured as an image is, and their words as those of a text
from zoo.modalities.images import arrays, batches, stream
from zoo.modalities.text import identity, leave

__all__ = [
    "DEFAULT_BACKBONE",
    "NAME",
    "READ_FIRST",
    "UNIT",
    "Bags",
    "Space",
    "arrays",
    "batches",
    "facts",
    "identity",
    "leave",
    "load",
    "pictures",
    "space",
    "space_of",
    "stream",
    "usual",
    "usual_data",
]

NAME = "documents"
DATASET = "pydoc_words"
UNIT = "documents"
DEFAULT_BACKBONE = "mlp"
READ_FIRST = False


@part
class Bags(Part):
    """Which words are counted."""

    place, name, kinds = "data", "bags", ("documents",)
    vocabulary_size: int | None = setting(
        None, "the most frequent words that are counted; none: 2,000", low=2, high=1_000_000
    )
    skip_words: int | None = setting(
        None,
        "so many of the most frequent words are left out; none: the set's own",
        low=0,
        high=1_000_000,
    )


class Space(NamedTuple):
    """vocabulary_size: V; length: words of a document, on average."""

    vocabulary_size: int
    length: int = 50

    @property
    def numbers(self) -> int:
        """Words of one document."""
        return self.length

    def example(self) -> tf.Tensor:
        """Two documents, each word once."""
        return tf.ones([2, self.vocabulary_size])

    def __str__(self) -> str:
        return f"documents of about {self.length} of {self.vocabulary_size:,} words"


def load(dataset: str, data_dir: str | None, point):
    """Reads it."""
    asked = point["data"]
    options = {"vocabulary_size": asked.vocabulary_size, "skip_words": asked.skip_words}
    if own.is_own(dataset):
        return sets.checked(own.load(dataset, data_dir, **options))
    return sets.load(dataset, data_dir, **options)


def space(dataset: str, data_dir: str | None, point) -> Space:
    """Of the documents: nothing else knows how long they are."""
    return space_of(load(dataset, data_dir, point))


def space_of(data) -> Space:
    """Of a set that was read."""
    return Space(len(data.words), data.length)


usual_data, usual, facts = alike("bags", likelihood="counts", encoder="full")


def pictures(model, x: np.ndarray, data, seed: int, progress) -> diagnosis.Shown:
    """Words that show what the model does."""
    del progress
    label = data.test.condition if model.asks_label else None
    return diagnosis.Shown(texts=diagnosis.documents(model, x, data.words, seed, label=label))
