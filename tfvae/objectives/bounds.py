"""What an objective begins with: bounds of log p(x).

Legend: B batch, K samples.
"""

from __future__ import annotations

import math

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import Draw

__all__ = ["ManySampleBound"]


class ManySampleBound:
    """-log 1/K sum_k w_k,  w_k = p(x|z_k) p(z_k) / q(z_k|x); Burda, Grosse and Salakhutdinov 2016, eq. 8.

    It stands in the place of distortion + rate, which K = 1 is (with the rate at the draw): its mean falls
    with K, to -log p(x) from above. The logged rate and distortion are the true ones, and their sum is not
    this. The gradient is the whole one, through z and through q.

    The update's inference must be `tfvae.inference.many_samples(K)`. `evaluate` then says `bound`, nats, by
    which the best weights are judged.

    Raises:
        UserError: when called, a draw without weights.
    """

    def __call__(self, draw: Draw) -> tf.Tensor:
        """[B] nats."""
        weights = draw.aux.get("log_weights")
        if weights is None:
            raise UserError(
                "a ManySampleBound needs an inference that draws many: "
                "Update(inference=tfvae.inference.many_samples(K))"
            )
        weights = tf.cast(weights, tf.float32)
        return math.log(weights.shape[-1]) - tf.reduce_logsumexp(weights, -1)

    def measured(self, draw: Draw) -> dict[str, tf.Tensor]:
        """For `evaluate`: the bound itself, [B] nats."""
        return {"bound": -self(draw)}

    def of_means(self, measured) -> float:
        """As above, of measured data."""
        return -measured["bound"]
