"""What moves a codebook by hand reads: the choices of the whole batch, its clusters, its rows.

Legend: B batch of this replica, M codes of the global batch (examples times positions), D width of a code
vector, K codes.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import tensorflow as tf

from tfvae.checks import one_of, within
from tfvae.draw import every
from tfvae.parts import facts, setting
from tfvae.procedures.parts import UpkeepPart
from tfvae.randomness import fold
from tfvae.replicas import whole_batch

__all__ = ["assigned", "begun", "check_keeping", "choices", "chosen_of", "kmeans", "unused"]

_ROUNDS = 10
_START, _REVIVAL = 0x57A7, 0x4E


def check_keeping(decay: float, revive_below: float, start: str) -> None:
    """Refuses what says no way to keep a codebook alive.

    Raises:
        UserError: a number outside of [0, 1], or an unknown start.
    """
    within("decay of a codebook", decay, 0.0, 1.0)
    within("revive_below", revive_below, 0.0, 1.0)
    one_of("start of a codebook", start, ("kmeans", "random"))


def begun(codebook) -> tuple[tf.Tensor, tf.Tensor]:
    """(whether no step has moved this codebook yet, N [K] before this step).

    It is a weight of the codebook that says so: clusters are looked for once in its life, and not again
    by each procedure that goes on with it.
    """
    counts = tf.convert_to_tensor(codebook.counts)
    fresh = tf.equal(tf.reduce_sum(counts), 0.0)
    return fresh, tf.where(fresh, tf.ones_like(counts), counts)


def chosen_of(draw) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """z_e [B, (n,) D] and k [B, (n)] of each codebook of the model."""
    pairs = zip(every(draw.aux, "encoded"), every(draw.aux, "codes"))
    return [(tf.stop_gradient(encoded), codes) for encoded, codes in pairs]


def choices(encoded, codes) -> tuple[tf.Tensor, tf.Tensor]:
    """z_e [B, (n,) D] and k [B, (n)] of each replica -> [M, D] and [M] of all."""
    encoded, codes = whole_batch(encoded), whole_batch(codes)
    return tf.reshape(encoded, [-1, encoded.shape[-1]]), tf.reshape(codes, [-1])


def assigned(encoded, codes, num_codes: int) -> tuple[tf.Tensor, tf.Tensor]:
    """How many chose each code [K], and the sums of their z_e [K, D].

    By a product: its order does not depend on threads.
    """
    hot = tf.one_hot(codes, num_codes)
    return tf.reduce_sum(hot, 0), tf.matmul(hot, encoded, transpose_a=True)


def kmeans(encoded, num_codes: int, seed) -> tuple[tf.Tensor, tf.Tensor]:
    """Counts [K] and centres [K, D] after ten of Lloyd's rounds, from rows drawn at random.

    A cluster that nobody chose keeps its centre.
    """

    def chosen(centres):
        scores = tf.matmul(encoded, centres, transpose_b=True)
        codes = tf.argmax(scores - 0.5 * tf.reduce_sum(centres**2, -1), -1)
        return assigned(encoded, codes, num_codes)

    def body(index, centres):
        counts, sums = chosen(centres)
        found = sums / tf.maximum(counts, 1.0)[:, None]
        return index + 1, tf.where(counts[:, None] > 0, found, centres)

    start = (tf.constant(0), _rows(encoded, num_codes, fold(seed, _START)))
    _, centres = tf.while_loop(lambda i, _: i < _ROUNDS, body, start)
    counts, _ = chosen(centres)
    return counts, centres


def unused(counts, encoded, share: float, seed) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Which codes [K] are chosen less than this share of the mean, and what they become.

    Returns:
        (dead [K], the mean, rows of the batch [K, D]). A dead code gets the mean for its count, as if it
        had its share: it must not die again before it was tried.
    """
    mean = tf.reduce_mean(counts)
    new = _rows(encoded, counts.shape[0], fold(seed, _REVIVAL))
    return counts < share * mean, mean, new


def _rows(encoded, count: int, seed) -> tf.Tensor:
    """`count` rows of [M, D] drawn without replacement, over and over where there are fewer."""
    number = tf.shape(encoded)[0]
    order = tf.argsort(tf.random.stateless_uniform([number], seed))
    return tf.gather(encoded, tf.gather(order, tf.range(count) % number))


@dataclasses.dataclass(frozen=True)
class CodesPart(UpkeepPart):
    """What keeps a codebook; `keeper` is made of its settings."""

    needs = facts("codes")
    offers = facts("codes_moved")
    keeper: ClassVar[type]
    codebook_decay: float = setting(
        0.99, "of the running means, and of how often a code is chosen", low=0.0, high=0.99999
    )
    codebook_start: str = setting(
        "kmeans",
        "kmeans: clusters of the first batch; random: the codebook's random weights",
        choices=("kmeans", "random"),
    )
    revive_below: float = setting(
        0.1,
        "a code that is chosen less than this share of the mean becomes a vector of the batch; 0: never",
        low=0.0,
        high=1.0,
    )

    def make(self, context):
        return self.keeper(self.codebook_decay, self.revive_below, self.codebook_start)
