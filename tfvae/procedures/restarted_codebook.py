"""A codebook that the optimizer moves: where it begins, and what becomes of codes that nobody chooses.

Legend: M codes of the global batch (examples times positions), D width, K codes.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.objectives import codebook_distance
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

__all__ = ["RestartedCodebook"]


class RestartedCodebook:
    """N_k <- g N_k + (1-g) n_k;  e_k <- a z_e of the batch where N_k < share * mean N.

    The codes are moved by the gradient of `tfvae.objectives.codebook_distance` (van den Oord, Vinyals
    and Kavukcuoglu 2017, eq. 3), which never reaches one that nobody chooses. For an averaged codebook
    `MovingCodebook` does the same, and the averaging.

    For an `Update(after=...)`: it moves after the weights, in the same step.

    Args:
        decay: g.
        revive_below: the share; 0 leaves dead codes dead.
        start: `kmeans` (ten rounds over the first batch of the codebook's life, from its own rows) or
            `random` (the initial weights).

    Raises:
        UserError: when built, a model whose codebook no gradient moves.
    """

    moves_weights, moves = True, "the codebook"
    """Weights of the model, which an optimizer's average would miss."""

    def __init__(self, decay: float = 0.99, revive_below: float = 0.1, start: str = "kmeans"):
        check_keeping(decay, revive_below, start)
        self.decay, self.revive_below, self.start = decay, revive_below, start

    def build(self, model) -> None:
        """Finds the codebooks, which hold N themselves."""
        self.codebooks = model.latent.codebooks()
        if not self.codebooks or any(own.averaged for own in self.codebooks):
            raise UserError("a RestartedCodebook needs a model with a Codebook(averaged=False)")

    def read(self, draw) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """What `__call__` takes of a draw."""
        return chosen_of(draw)

    def __call__(self, seen, step, seed) -> None:
        """One look, in replica context; the same on every replica. A frozen codebook stays."""
        del step
        for index, (codebook, own) in enumerate(zip(self.codebooks, seen)):
            if codebook.trainable:
                self._move(codebook, *choices(*own), fold(seed, index) if index else seed)

    def _move(self, codebook, encoded, codes, seed) -> None:
        number, vectors = codebook.num_codes, tf.convert_to_tensor(codebook.vectors)
        fresh, before = begun(codebook)
        counts, _ = assigned(encoded, codes, number)
        counts = self.decay * before + (1.0 - self.decay) * counts
        if self.start == "kmeans":
            counts, vectors = tf.cond(
                fresh,
                lambda: kmeans(encoded, number, seed),
                lambda: (counts, vectors),
            )
        if self.revive_below > 0:
            dead, mean, new = unused(counts, encoded, self.revive_below, seed)
            counts, vectors = tf.where(dead, mean, counts), tf.where(dead[:, None], new, vectors)
        codebook.vectors.assign(vectors)
        codebook.counts.assign(counts)

    def state(self) -> dict[str, tf.Variable]:
        """Nothing: the counts are a weight of the codebook."""
        return {}


@part
class PulledCodes(CodesPart):
    """A term pulls each code to what chose it."""

    name = "pulled_codes"
    keeper = RestartedCodebook

    def terms(self, context):
        return {"codebook": codebook_distance}
