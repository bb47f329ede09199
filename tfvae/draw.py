"""The record of one stochastic pass through a model.

Legend: B batch, G latent groups.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from tfvae.checks import UserError

__all__ = ["Draw"]


class Draw(NamedTuple):
    """What one posterior draw for a batch produced; objectives and measures read nothing else.

    Attributes:
        batch: the data as it came, [B, ...].
        features: what the encoder computed, or `None` where there is no latent.
        posterior: q(z|x), a `tfd.Distribution` with batch shape [B], or `None`.
        z: the draw, [B, ...].
        rate: [B, G] nats; summed over G it is (an unbiased estimate of) KL(q(z|x) || p(z)).
        log_likelihood: log p(x|z), [B] nats; `None` where nothing was decoded.
        aux: further tensors by name.
        label: [B] int32, -1 where it is unknown; `None` where none came, or nobody asked for them.
    """

    batch: Any
    features: tf.Tensor | None
    posterior: Any
    z: tf.Tensor
    rate: tf.Tensor
    log_likelihood: tf.Tensor
    aux: dict[str, tf.Tensor]
    label: tf.Tensor | None = None

    @property
    def distortion(self) -> tf.Tensor:
        """-log p(x|z), [B] nats.

        Raises:
            UserError: nothing was decoded, by a model without a decoder or an inference of codes alone.
        """
        return -self._explained()

    @property
    def elbo(self) -> tf.Tensor:
        """log p(x|z) - rate, [B] nats, always at weight 1."""
        return self._explained() - tf.reduce_sum(self.rate, -1)

    def _explained(self) -> tf.Tensor:
        if self.log_likelihood is None:
            raise UserError(
                "what was not decoded has no distortion and no ELBO: a model without a decoder is trained on "
                "an Objective of other terms"
            )
        return self.log_likelihood
