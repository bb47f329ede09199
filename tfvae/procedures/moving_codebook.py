"""The codebook as a running average of what was assigned to it.

Legend: M codes of the global batch (examples times positions), D width, K codes.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.parts import part
from tfvae.procedures.clusters import (
    CodesPart,
    assigned,
    begun,
    check_keeping,
    choices,
    chosen_of,
    kmeans,
    unused,
)
from tfvae.randomness import fold

__all__ = ["MovingCodebook"]

_SMOOTHING = 1e-5
_UNUSED = 1e-2  # N under which a code stays where it is


class MovingCodebook:
    """N_k <- g N_k + (1-g) n_k;  m_k <- g m_k + (1-g) sum of its z_e;  e_k = m_k / N_k.

    van den Oord, Vinyals and Kavukcuoglu 2017, appendix A.1, with N smoothed as released,
    (N_k + eps) / (sum N + K eps) sum N. All replicas see the counts of the global batch.

    For an `Update(after=...)`: it moves after the weights, in the same step.

    Args:
        decay: g.
        revive_below: a code whose N falls under this share of the mean N becomes a z_e of the batch,
            drawn at random; 0 leaves dead codes dead.
        start: `kmeans` (ten rounds over the first batch of the codebook's life, from its own rows) or
            `random` (the initial weights).

    Raises:
        UserError: when built, a model whose codebook is not an averaged one.
    """

    moves_weights, moves = True, "the codebook"
    """Weights of the model, which an optimizer's average would miss."""

    def __init__(self, decay: float = 0.99, revive_below: float = 0.1, start: str = "kmeans"):
        check_keeping(decay, revive_below, start)
        self.decay, self.revive_below, self.start = decay, revive_below, start

    def build(self, model) -> None:
        """Finds the codebooks, which hold N themselves."""
        self.codebooks = model.latent.codebooks()
        if not self.codebooks or any(not own.averaged for own in self.codebooks):
            raise UserError("a MovingCodebook needs a model with a Codebook(averaged=True)")

    def read(self, draw) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """What `__call__` takes of a draw."""
        return chosen_of(draw)

    def __call__(self, seen, step, seed) -> None:
        """One move, in replica context; the same on every replica. A frozen codebook stays."""
        del step
        for index, (codebook, own) in enumerate(zip(self.codebooks, seen)):
            if codebook.trainable:
                self._move(codebook, *choices(*own), fold(seed, index) if index else seed)

    def _move(self, codebook, encoded, codes, seed) -> None:
        fresh, before = begun(codebook)
        sums_before = tf.convert_to_tensor(codebook.vectors) * _smooth(before)[:, None]
        counts, sums = assigned(encoded, codes, codebook.num_codes)
        counts = self.decay * before + (1.0 - self.decay) * counts
        sums = self.decay * sums_before + (1.0 - self.decay) * sums
        if self.start == "kmeans":
            counts, sums = tf.cond(
                fresh,
                lambda: self._clusters(codebook, encoded, seed),
                lambda: (counts, sums),
            )
        if self.revive_below > 0:
            dead, mean, new = unused(counts, encoded, self.revive_below, seed)
            counts = tf.where(dead, mean, counts)
            sums = tf.where(dead[:, None], new * mean, sums)
        codebook.vectors.assign(self._vectors(codebook, counts, sums))
        codebook.counts.assign(counts)

    def _vectors(self, codebook, counts, sums):
        # the smoothing would draw a code that nobody chooses to the origin, and so to life
        known = tf.convert_to_tensor(codebook.vectors)
        return tf.where(counts[:, None] < _UNUSED, known, sums / _smooth(counts)[:, None])

    def _clusters(self, codebook, encoded, seed):
        counts, centres = kmeans(encoded, codebook.num_codes, seed)
        counts = tf.maximum(counts, 1.0)
        return counts, centres * counts[:, None]

    def state(self) -> dict[str, tf.Variable]:
        """Nothing: the counts are a weight of the codebook, and the sums are e N."""
        return {}


def _smooth(counts):
    """(N_k + eps) / (sum N + K eps) sum N."""
    total = tf.reduce_sum(counts)
    return (counts + _SMOOTHING) / (total + counts.shape[0] * _SMOOTHING) * total


@part
class AveragedCodes(CodesPart):
    """Each code is the running mean of what chose it."""

    name = "averaged_codes"
    keeper = MovingCodebook
