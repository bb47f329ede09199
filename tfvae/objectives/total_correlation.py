"""How much the latent numbers know of each other, from the batch's own mixture.

    TC = KL(q(z) || prod_d q(z_d)),   rate = I(x; z) + TC + sum_d KL(q(z_d) || p(z_d))

Legend: M global batch, N examples of the training set, D latent
numbers, or categories.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfvae.checks import UserError, one_of, positive
from tfvae.draw import Draw
from tfvae.objectives.aggregate import all_pairs
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting

__all__ = ["MIXTURES", "log_weights", "total_correlation"]

MIXTURES = ("unbiased", "minibatch_weighted")


def total_correlation(num_examples: int, mixture: str = "unbiased") -> Callable[[Draw], tf.Tensor]:
    """A term: mean_i [ log q(z_i) - sum_d log q(z_id) ], scalar, of the whole global batch.

        unbiased:            q(z_i) = 1/N q(z_i|x_i) + (N-1) / (N (M-1)) sum_{b != i} q(z_i|x_b)
        minibatch_weighted:  q(z_i) = 1/(N M) sum_b q(z_i|x_b)        Chen et al. 2018

    and the same weights for each q(z_id). The first is that of Esmaeili et al. 2019: its density is
    right on average, and with M = N exact. The second, the published one, is off by a constant (about
    (D-1) ln N where the posteriors are alike): its gradient may be used, its value means nothing.

    Args:
        num_examples: N of the training set, not of the batch.
        mixture: one of the two.

    Raises:
        UserError: an unknown mixture; when called, a posterior of dependent numbers, or a code of one.
    """
    one_of("mixture of a total correlation", mixture, MIXTURES)
    positive("num_examples", num_examples)

    def term(draw: Draw) -> tf.Tensor:
        log_densities, _ = all_pairs(draw, "total_correlation")
        if log_densities.shape[-1] < 2:
            raise UserError("a total correlation is that of two numbers or categories, got one")
        weights = log_weights(tf.shape(log_densities)[0], num_examples, mixture)
        joint = tf.reduce_logsumexp(tf.reduce_sum(log_densities, -1) + weights, 1)
        single = tf.reduce_logsumexp(log_densities + weights[..., None], 1)
        return tf.reduce_mean(joint - tf.reduce_sum(single, -1))

    return term


def log_weights(count, num_examples: int, mixture: str = "unbiased") -> tf.Tensor:
    """[M, M]: row i has the weights of the components in q(z_i)."""
    batch, whole = tf.cast(count, tf.float32), float(num_examples)
    if mixture == "minibatch_weighted":
        return tf.fill([count, count], -tf.math.log(whole * batch))
    # N = 1: the other components weigh nothing, and log 0 would make a NaN of the gradient
    others = max(whole - 1.0, 1e-30) / (whole * tf.maximum(batch - 1.0, 1.0))
    return tf.linalg.set_diag(
        tf.fill([count, count], tf.math.log(others)), tf.fill([count], -tf.math.log(whole))
    )


@part
class TotalCorrelation(TermPart):
    """KL(q(z) || prod_j q(z_j)), from the mixture of the batch (beta-TCVAE)."""

    name = "total_correlation"
    needs = facts("independent_units")
    tc_weight: float = setting(5.0, "of the term", low=1e-12)
    tc_mixture: str = setting(
        "unbiased",
        "weights of that mixture: unbiased, or minibatch_weighted as published (its value is off by "
        "a constant)",
        choices=MIXTURES,
    )

    def make(self, context):
        term = total_correlation(max(context.num_examples, 1), self.tc_mixture)
        return Added({"total_correlation": (self.tc_weight, term)})
