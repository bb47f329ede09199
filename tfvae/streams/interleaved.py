"""Batches of which a part comes from one stream and the rest from another: labelled and unlabelled.

Legend: B global batch, L labelled examples of it, U unlabelled ones.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError, count, within
from tfvae.streams.source import chosen

__all__ = ["PartlyLabelled", "interleaved"]


@dataclasses.dataclass(frozen=True)
class PartlyLabelled:
    """L = share * B examples of a few whose labels are known, and U = B - L of the others, label -1.

    As for semi-supervised models: Kingma et al. 2014 (M2), Makhzani et al. 2015 (AAE). Each of the two
    parts goes through epochs of its own, so the few come much oftener.

    Attributes:
        labelled: how many training examples keep their label, evenly by label.
        share: of a batch.
        seed: of which these are.
    """

    labelled: int
    share: float = 0.5
    seed: int = 0

    def __post_init__(self):
        count("labelled of a PartlyLabelled", self.labelled)
        within("share of a PartlyLabelled", self.share, 0.0, 1.0)

    def split(self, train):
        """(the labelled examples, the others with label -1).

        Raises:
            UserError: the data have no labels, or too few of one.
        """
        label = None if train.label is None else np.asarray(train.condition)
        if label is None:
            raise UserError("a PartlyLabelled stream needs labels, and the training set has none")
        rng, found = np.random.default_rng(self.seed), np.unique(label)
        if self.labelled < len(found):
            raise UserError(
                f"labelled={self.labelled} leaves some of the {len(found)} labels without any example"
            )
        wanted = np.full(len(found), self.labelled // len(found))
        wanted[: self.labelled % len(found)] += 1
        rows = []
        for value, number in zip(found, wanted):
            there = np.flatnonzero(label == value)
            if len(there) < number:
                raise UserError(
                    f"labelled={self.labelled} asks for {number} examples of label {value}, and the "
                    f"training set has {len(there)}"
                )
            rows.append(rng.permutation(there)[:number])
        known = np.sort(np.concatenate(rows))
        others = np.setdiff1d(np.arange(len(label)), known)
        if not len(others):
            raise UserError(f"labelled={self.labelled} leaves no example without a label")
        hidden = chosen(train, others)
        unknown = np.full(len(others), -1, np.int64)
        told = {} if train.told is None else {"told": unknown}
        return chosen(train, known), hidden._replace(label=unknown, **told)

    def __call__(self, source, start: int, shard: tuple[int, int]) -> tf.data.Dataset:
        """Batches (x, label [B])."""
        labelled = round(self.share * source.batch_size)
        numbers = (labelled, source.batch_size - labelled)
        if min(numbers) < 1:
            raise UserError(
                f"share={self.share} of a batch of {source.batch_size} leaves one of the two parts empty"
            )
        _groups(numbers, shard)
        streams = [
            source.batches(start, shard, split, number, "label")
            for split, number in zip(self.split(source.data.train), numbers)
        ]
        return interleaved(streams, numbers, shard)


def interleaved(streams, numbers, shard: tuple[int, int] = (0, 1)) -> tf.data.Dataset:
    """Batches of `numbers[i]` examples of each stream, as evenly mixed as can be.

    Args:
        streams: of batches of this worker's rows; the same tensors, with examples of one size.
        numbers: examples of each in a global batch.
        shard: (index, count).

    Raises:
        UserError: the mixture does not divide into the workers.
    """
    here = _groups(numbers, shard)

    def mixed(*batches):
        def one(*parts):
            grouped = [tf.reshape(p, tf.concat([[here, -1], tf.shape(p)[1:]], 0)) for p in parts]
            whole = tf.concat(grouped, 1)
            return tf.reshape(whole, tf.concat([[-1], tf.shape(parts[0])[1:]], 0))

        return tf.nest.map_structure(one, *batches)

    return tf.data.Dataset.zip(tuple(streams)).map(mixed)


def _groups(numbers, shard) -> int:
    """How often the mixture stands in this worker's rows of a batch."""
    groups = math.gcd(*numbers)
    if groups % shard[1]:
        raise UserError(
            f"{' and '.join(map(str, numbers))} examples of a batch do not divide into {shard[1]} workers "
            "of one mixture: take another share or batch size"
        )
    return groups // shard[1]
