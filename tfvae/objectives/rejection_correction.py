"""What the gradient of a rejection sampler lacks.

Legend: B batch.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.distributions import log_noise
from tfvae.draw import Draw
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part

__all__ = ["rejection_correction"]


def rejection_correction(draw: Draw) -> tf.Tensor:
    """0, with the gradient  distortion * d ln pi(noise; kappa) / d kappa;  [B] nats.

    Which noise is accepted depends on the concentration, which the draw takes as a constant: with this term
    the gradient of E_q[distortion] is unbiased. Naesseth et al. 2017, equation 8; Davidson et al. 2018,
    section 3.2. Other terms that read z are not corrected.

    Args:
        draw: of a `LearnedVonMisesFisherPosterior`.
    """
    each = draw.posterior.each
    apart = draw.posterior.apart(draw.z)
    # 1 - mu . z without a difference of near numbers
    distance = 0.5 * tf.reduce_sum(tf.square(apart - each.mean_direction), -1)
    found = log_noise(distance, each.concentration, int(each.event_shape[0]))
    score = tf.reduce_sum(found, list(range(1, len(found.shape))))
    return tf.stop_gradient(draw.distortion) * (score - tf.stop_gradient(score))


@part
class RejectionCorrection(TermPart):
    """Makes the gradient in a learned kappa unbiased (and noisier); it matters in few dimensions."""

    name = "rejection_correction"
    needs = facts("rejection_sampled")

    def make(self, context):
        return Added({"rejection_correction": rejection_correction})
