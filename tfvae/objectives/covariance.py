"""The covariance of the aggregated posterior is to be the identity.

    C = Cov(mu(x))                        form "means"  (DIP-VAE I)
    C = Cov(mu(x)) + E[diag sigma(x)^2]   form "codes"  (DIP-VAE II): Cov_q(z)

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

__all__ = ["COVARIANCES", "code_covariance", "off_diagonal", "unit_diagonal"]

COVARIANCES = ("means", "codes")
_DIAGONAL = {
    "means": 10.0,
    "codes": 1.0,
}  # times the weight of the rest, as searched by the authors


def code_covariance(draw: Draw, form: str = "means") -> tf.Tensor:
    """C [D, D], over the global batch (1/M), from means and scales and not from draws.

    Kumar, Sattigeri and Balakrishnan 2018.

    Args:
        draw: one stochastic pass.
        form: `means` or `codes`.

    Raises:
        UserError: an unknown form; a posterior that is not a diagonal Gaussian.
    """
    one_of("form of a covariance", form, COVARIANCES)
    loc, scale = all_gaussians(draw, "the covariance of codes")
    centred = loc - tf.reduce_mean(loc, 0)
    found = tf.matmul(centred, centred, transpose_a=True) / tf.cast(tf.shape(loc)[0], loc.dtype)
    if form == "means":
        return found
    return tf.linalg.set_diag(
        found, tf.linalg.diag_part(found) + tf.reduce_mean(tf.square(scale), 0)
    )


def off_diagonal(form: str = "means") -> Callable[[Draw], tf.Tensor]:
    """A term: sum_{i != j} C_ij^2, scalar, of the whole global batch; see `code_covariance`."""
    one_of("form of a covariance", form, COVARIANCES)

    def term(draw: Draw) -> tf.Tensor:
        found = code_covariance(draw, form)
        return tf.reduce_sum(tf.square(tf.linalg.set_diag(found, tf.zeros_like(found[0]))))

    return term


def unit_diagonal(form: str = "means") -> Callable[[Draw], tf.Tensor]:
    """A term: sum_i (C_ii - 1)^2, scalar, of the whole global batch; see `code_covariance`."""
    one_of("form of a covariance", form, COVARIANCES)

    def term(draw: Draw) -> tf.Tensor:
        return tf.reduce_sum(tf.square(tf.linalg.diag_part(code_covariance(draw, form)) - 1.0))

    return term


@part
class Covariance(TermPart):
    """The covariance of the codes is to be the identity (DIP-VAE)."""

    name = "covariance"
    needs = facts("mean_field pairs")
    covariance_of: str = setting(
        "means",
        "means: of the posteriors (DIP-VAE I), where no unit may stay unused; codes: of z (II)",
        choices=COVARIANCES,
    )
    covariance_weight: float = setting(10.0, "of the squares off the diagonal", low=1e-12)
    variance_weight: float | None = setting(
        None,
        "of the diagonal's squared distance to 1; none: 10 times covariance_weight for means, once for codes",
        low=0.0,
    )

    def make(self, context):
        of, weight = self.covariance_of, self.variance_weight
        diagonal = _DIAGONAL[of] * self.covariance_weight if weight is None else weight
        return Added(
            {
                "covariance": (self.covariance_weight, off_diagonal(of)),
                "variance": (diagonal, unit_diagonal(of)),
            }
        )
