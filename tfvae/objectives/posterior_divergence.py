"""Posteriors of different examples are to differ, and all by about as much.

    KL_ij^d = KL(q(z_d|x_i) || q(z_d|x_j)),  i != j

Legend: M global batch, D latent numbers (all event axes flattened).
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfvae.checks import one_of
from tfvae.draw import Draw
from tfvae.objectives.aggregate import all_gaussians
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting

__all__ = ["DIVERSITIES", "posterior_diversity", "posterior_unevenness"]

DIVERSITIES = ("released", "printed")
_UNDER_ROOT = 1e-12  # the gradient of a root at 0


def posterior_diversity(form: str = "released") -> Callable[[Draw], tf.Tensor]:
    """A term, large where posteriors are alike; scalar, of the whole global batch.

        released:  sum_d softplus(-mean_{i != j} KL_ij^d)
        printed:   mean_{i != j} sum_d softplus(-KL_ij^d)      never below the other (Jensen)

    Ma, Zhou and Hovy 2019. Of posteriors that are all the same both are D ln 2.

    Args:
        form: `released` or `printed`.

    Raises:
        UserError: an unknown form; when called, a posterior that is not a diagonal Gaussian.
    """
    one_of("form of a diversity", form, DIVERSITIES)

    def term(draw: Draw) -> tf.Tensor:
        divergences, pairs = _divergences(draw)
        if form == "released":
            return tf.reduce_sum(tf.nn.softplus(-_mean(divergences, pairs)))
        return tf.reduce_sum(_mean(tf.nn.softplus(-divergences) * pairs, pairs))

    return term


def posterior_unevenness(draw: Draw) -> tf.Tensor:
    """A term: the (unbiased) standard deviation of sum_d KL_ij^d over the ordered pairs i != j, scalar.

    Without it a few outliers pay for the diversity of all.

    Raises:
        UserError: a posterior that is not a diagonal Gaussian.
    """
    divergences, pairs = _divergences(draw)
    total, pairs = tf.reduce_sum(divergences, -1), pairs[..., 0]
    away = tf.square(total - _mean(total, pairs)) * pairs
    free = tf.maximum(tf.reduce_sum(pairs) - 1.0, 1.0)
    return tf.sqrt(tf.reduce_sum(away) / free + _UNDER_ROOT)


def _divergences(draw: Draw) -> tuple[tf.Tensor, tf.Tensor]:
    """KL_ij^d [M, M, D] nats, 0 where i = j; 1 at every pair, [M, M, 1]."""
    loc, scale = all_gaussians(draw, "the divergence between posteriors")
    ratio = tf.square(scale[:, None] / scale)
    away = tf.square((loc[:, None] - loc) / scale)
    count = tf.shape(loc)[0]
    pairs = tf.linalg.set_diag(tf.ones([count, count]), tf.zeros([count]))[..., None]
    return 0.5 * (ratio + away - tf.math.log(ratio) - 1.0) * pairs, pairs


def _mean(values, pairs):
    """Over the pairs; of a single example, which has none, 0."""
    return tf.reduce_sum(values, [0, 1]) / tf.maximum(tf.reduce_sum(pairs), 1.0)


@part
class PosteriorDivergence(TermPart):
    """Posteriors of different examples are to differ, and evenly (mutual posterior divergence, MAE)."""

    name = "posterior_divergence"
    needs = facts("mean_field pairs")
    diversity_weight: float = setting(1.0, "eta: that posteriors differ", low=1e-12)
    unevenness_weight: float = setting(0.01, "gamma: that they differ evenly", low=0.0)
    diversity_form: str = setting(
        "released",
        "released: softplus of the mean divergence of each number; printed: the mean of softplus",
        choices=DIVERSITIES,
    )

    def make(self, context):
        return Added(
            {
                "diversity": (self.diversity_weight, posterior_diversity(self.diversity_form)),
                "unevenness": (self.unevenness_weight, posterior_unevenness),
            }
        )
