"""Batches in which a single factor of variation varies.

Legend: N examples, K factors, B global batch.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError, positive
from tfvae.randomness import fold, seed_of
from tfvae.streams.order import endless, gathering, turned
from tfvae.streams.source import rows_of

__all__ = ["OneFactorVaries"]

_FACTOR, _ANCHOR, _ORDER = 1, 2, 3  # purposes of the seed


@dataclasses.dataclass(frozen=True)
class OneFactorVaries:
    """Each batch: a factor, an example, and the examples that are like it in all other factors.

    Kulkarni, Whitney, Kohli and Tenenbaum 2015 (DC-IGN). They come in turn, each once before one comes
    again. Batches are (x, factor [B]); factors of which no example has another are left out.

    Attributes:
        odds: how often each of the K factors is chosen, by weight; equally if not given (published:
            1, 1, 1 for pose and light and 10 for shape).
        num_factors: K that is expected of the data; any if not given.
    """

    odds: tuple[float, ...] = ()
    num_factors: int | None = None

    def __call__(self, source, start: int, shard: tuple[int, int]) -> tf.data.Dataset:
        """Batches (x, factor [B]).

        Raises:
            UserError: data without factors, or of which none varies alone; data that are drawn anew.
        """
        train, size, base = source.data.train, source.batch_size, seed_of(source.seed)
        if train.factors is None:
            raise UserError(
                "OneFactorVaries needs the factors of the examples, and these have none"
            )
        held = train.factors.shape[1]
        if self.num_factors not in (None, held):
            raise UserError(
                f"the data have {held} factors, and z has numbers for {self.num_factors}: say how many each "
                "factor has (factor_latents, in the data's order), and latent_width of all"
            )
        if getattr(source.data, "kind", "") == "binary_dynamic":
            raise UserError(
                "OneFactorVaries shows the examples themselves, and these are drawn anew"
            )
        groups = [_Groups(np.delete(train.factors, k, 1)) for k in range(train.factors.shape[1])]
        log_odds = tf.constant(self._log_odds([g.largest > 1 for g in groups]))
        order, place, number = (
            tf.constant(np.stack([getattr(g, name) for g in groups]))
            for name in ("order", "place", "number")
        )
        mine = rows_of(size, shard)
        gathered = gathering(train.x, mine.stop - mine.start)

        def batch(step):
            of_factor = fold(base, _FACTOR, step)
            factor = tf.random.stateless_categorical(log_odds[None], 1, of_factor, tf.int32)[0, 0]
            last = len(train.x)
            anchor = tf.random.stateless_uniform([], fold(base, _ANCHOR, step), 0, last, tf.int32)
            first, members = place[factor, anchor], number[factor, anchor]
            turns = tf.range(size, dtype=tf.int64)
            taken = tf.gather(
                order[factor], first + turned(turns, members, fold(base, _ORDER, step))
            )[mine]
            values = gathered(taken)
            values = values if values.dtype == tf.int32 else tf.cast(values, tf.float32)
            return values, tf.fill([mine.stop - mine.start], factor)

        return endless(start, batch)

    def _log_odds(self, varies) -> np.ndarray:
        if not any(varies):
            raise UserError(
                "no two examples differ in one factor alone, so that no factor can vary by itself"
            )
        odds = self.odds or (1.0,) * len(varies)
        if len(odds) != len(varies):
            raise UserError(
                f"odds must be one for each of the {len(varies)} factors, got {len(odds)}"
            )
        for value in odds:
            positive("odds of a factor", value)
        return np.where(varies, np.log(odds), -np.inf).astype(np.float32)


class _Groups:
    """The examples that are alike in what is given: rows [N] group by group.

    Attributes:
        order: rows, sorted by group.
        place: of each row, where its group begins in `order`.
        number: of each row, how many its group has.
    """

    def __init__(self, values: np.ndarray):
        _, group, sizes = np.unique(values, axis=0, return_inverse=True, return_counts=True)
        group = group.ravel()
        self.order = np.argsort(group, kind="stable").astype(np.int32)
        self.place = (np.cumsum(sizes) - sizes)[group].astype(np.int32)
        self.number = sizes[group].astype(np.int32)
        self.largest = int(sizes.max())
