"""A critic whose slope is held at 1 between the two samples that it tells apart.

Legend: M global batch, D latent numbers.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.checks import finite
from tfvae.draw import Draw
from tfvae.objectives.aggregate import flat_rows
from tfvae.randomness import fold, seed_of

__all__ = ["GradientPenalty"]


class GradientPenalty:
    """mean (|d D / d z| - slope)^2 at z = u z_1 + (1 - u) z_2,  u ~ U(0, 1) for each pair.

    Gulrajani et al. 2017, eq. 3; its weight there is 10. A term of the critic's own objective. What else
    the critic reads (x, a label) is that of the second sample. A critic that draws is taken at its mean.

    Args:
        loss: that of the critic; it has `critic` and `sides(draw, step)`.
        seed: of u, with the step.
        slope: 1; 0 for the penalty of Mescheder, Geiger and Nowozin 2018 between the samples.
    """

    reads_step = True

    def __init__(self, loss, seed: int = 0, slope: float = 1.0):
        self.loss, self.slope = loss, finite("slope of a gradient penalty", slope)
        self.seed = fold(seed_of(seed), 0x69)

    def __call__(self, draw: Draw, step) -> tf.Tensor:
        """Scalar, of the whole global batch."""
        one, other = self.loss.sides(draw, step)
        a, b = flat_rows(one.z), flat_rows(other.z)
        share = tf.random.stateless_uniform([tf.shape(a)[0], 1], fold(self.seed, step))
        between = share * a + (1.0 - share) * b
        with tf.GradientTape() as tape:
            tape.watch(between)
            logits = self.loss.critic(other._replace(z=between))
        slopes = tape.gradient(logits, between)
        norm = tf.sqrt(tf.reduce_sum(slopes**2, -1) + 1e-12)  # at 0 the root has no derivative
        return tf.reduce_mean((norm - self.slope) ** 2)
