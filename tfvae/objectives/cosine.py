"""The dispersion of the encoder's features.

Legend: B global batch, F features.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.draw import Draw
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting
from tfvae.replicas import batch_sum

__all__ = ["cosine_similarity"]


def cosine_similarity(draw: Draw) -> tf.Tensor:
    """1 / (B (B-1)) sum_{i != j} cos(g_i, g_j), as [B] whose mean it is; g the encoder's features.

    Penalised by Long, Cao and Cheung 2020 to test that features which are all alike start the
    collapse. By (|sum_i u_i|^2 - B) / (B (B-1)) with unit vectors u, in time linear in B.
    """
    features = tf.cast(draw.features, tf.float32)
    flat = tf.reshape(features, [tf.shape(features)[0], -1])
    unit = tf.math.l2_normalize(flat, -1)
    count = batch_sum(tf.ones([tf.shape(unit)[0]]))
    along = tf.reduce_sum(unit * batch_sum(unit), -1)
    # each pair is seen from both of its ends: twice the gradient of `along`, at its value
    both = 2.0 * along - tf.stop_gradient(along)
    return (both - 1.0) / tf.maximum(count - 1.0, 1.0)


@part
class Cosine(TermPart):
    """The mean cosine between the features of different examples."""

    name = "cosine"
    needs = facts("z")
    cosine_weight: float = setting(1.0, "of the term", low=1e-12)

    def make(self, context):
        return Added({"cosine": (self.cosine_weight, cosine_similarity)})
