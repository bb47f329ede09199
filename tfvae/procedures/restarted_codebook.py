"""A codebook that the optimizer moves: where it begins, and what becomes of codes that nobody chooses.

Legend: M codes of the global batch (examples times positions), D width, K codes.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.procedures.clusters import assigned, check_keeping, choices, kmeans, unused

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
        start: `kmeans` (ten rounds over the first batch, from its own rows) or `random` (the
            initial weights).

    Raises:
        UserError: when built, a model whose codebook no gradient moves.
    """

    def __init__(self, decay: float = 0.99, revive_below: float = 0.1, start: str = "kmeans"):
        check_keeping(decay, revive_below, start)
        self.decay, self.revive_below, self.start = decay, revive_below, start

    def build(self, model) -> None:
        """Makes N; under the strategy's scope."""
        codebook = getattr(model.latent, "codebook", None)
        if codebook is None or codebook.averaged:
            raise UserError("a RestartedCodebook needs a model with a Codebook(averaged=False)")
        self.codebook = codebook
        self._counts = tf.Variable(
            tf.ones([codebook.num_codes]),
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            name="codebook_counts",
        )

    def read(self, draw) -> tuple[tf.Tensor, tf.Tensor]:
        """What `__call__` takes of a draw."""
        return tf.stop_gradient(draw.aux["encoded"]), draw.aux["codes"]

    def __call__(self, seen, step, seed) -> None:
        """One look, in replica context; the same on every replica."""
        encoded, codes = choices(*seen)
        number, vectors = self.codebook.num_codes, tf.convert_to_tensor(self.codebook.vectors)
        counts, _ = assigned(encoded, codes, number)
        counts = self.decay * self._counts + (1.0 - self.decay) * counts
        if self.start == "kmeans":
            counts, vectors = tf.cond(
                tf.equal(step, 0),
                lambda: kmeans(encoded, number, seed),
                lambda: (counts, vectors),
            )
        if self.revive_below > 0:
            dead, mean, new = unused(counts, encoded, self.revive_below, seed)
            counts, vectors = tf.where(dead, mean, counts), tf.where(dead[:, None], new, vectors)
        self._counts.assign(counts)
        self.codebook.vectors.assign(vectors)

    def state(self) -> dict[str, tf.Variable]:
        """For checkpoints."""
        return {"codebook_counts": self._counts}
