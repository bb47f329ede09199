"""The first two moments of the aggregated posterior against those of the prior.

Legend: M global batch, D latent numbers (all event axes flattened).
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.draw import Draw
from tfvae.objectives.aggregate import all_rows, flat_rows
from tfvae.randomness import fold, seed_of

__all__ = ["MomentDistance"]


class MomentDistance:
    """How far mean and covariance of the codes are from those of as many draws z_p of the prior.

        mean_d (E z_p - E z)_d^2 + mean_dd' (Cov z_p - Cov z)_dd'^2

    What the WAE as released (Tolstikhin et al. 2018) trains its encoder on before anything else: a
    kernel or a critic that first sees codes far from the prior has next to no gradient for them.

    Args:
        seed: of the draws, with the step.
    """

    reads_step = True

    def __init__(self, seed: int = 0):
        self.seed = fold(seed_of(seed), 0x303)

    def build(self, model) -> None:
        """Takes the model's prior."""
        self._model = model

    def __call__(self, draw: Draw, step) -> tf.Tensor:
        """Scalar, of the whole global batch; of a single example only the means compare."""
        codes = all_rows(draw.z)
        prior = flat_rows(self._model.sample_codes(tf.shape(codes)[0], fold(self.seed, step)))
        pairs = zip(_moments(codes), _moments(prior))
        return tf.add_n([tf.reduce_mean((a - b) ** 2) for a, b in pairs])


def _moments(points) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean [D] and unbiased covariance [D, D] of [M, D]; of one point that is 0."""
    mean = tf.reduce_mean(points, 0)
    centred = points - mean
    free = tf.cast(tf.maximum(tf.shape(points)[0] - 1, 1), points.dtype)
    return mean, tf.matmul(centred, centred, transpose_a=True) / free
