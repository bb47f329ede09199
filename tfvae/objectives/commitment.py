"""The two terms that tie encoder and codebook together.

Legend: B batch, n positions, D width of a code vector.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.draw import Draw, every
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting

__all__ = ["codebook_distance", "commitment"]


def commitment(draw: Draw) -> tf.Tensor:
    """mean_i |z_e,i - sg(e_i)|^2, [B]: the encoder keeps to its codes (third term of eq. 3).

    Its weight beta (published: 0.25) belongs to the scale of the distortion.
    """
    return _distances(draw, lambda encoded, vectors: (encoded, tf.stop_gradient(vectors)))


def codebook_distance(draw: Draw) -> tf.Tensor:
    """mean_i |sg(z_e,i) - e_i|^2, [B]: the codes follow the encoder (second term of eq. 3)."""
    return _distances(draw, lambda encoded, vectors: (tf.stop_gradient(encoded), vectors))


def _distances(draw, held) -> tf.Tensor:
    """Of each codebook, added up."""
    pairs = zip(every(draw.aux, "encoded"), every(draw.aux, "vectors"))
    return tf.add_n([_distance(*held(*pair)) for pair in pairs])


def _distance(a, b) -> tf.Tensor:
    square = tf.reduce_sum((a - b) ** 2, -1)
    return tf.reduce_mean(tf.reshape(square, [tf.shape(square)[0], -1]), -1)


@part
class Commitment(TermPart):
    """Keeps the encoder at its codes: beta mean_i |z_i - sg(e_i)|^2."""

    name = "commitment"
    needs = facts("codes")
    commitment: float = setting(0.25, "beta, on the scale of the distortion", low=0.0)

    def make(self, context):
        return Added({"commitment": (self.commitment, commitment)})
