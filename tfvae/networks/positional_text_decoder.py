"""A text decoder that is told the latents of a sequence one after the other.

Legend: B batch, T time, n positions, D width of each latent, L the most tokens of a sentence.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from tfvae.checks import UserError
from tfvae.networks.text_decoder import TextDecoder

__all__ = ["PositionalTextDecoder"]


@keras.saving.register_keras_serializable(package="tfvae")
class PositionalTextDecoder(TextDecoder):
    """logits_t = W network([embedding(x_{t-1}), z_i])_t,  i = floor(t n / L): token t is told z_i alone.

    What comes before token ceil(i L / n) knows nothing of z_i. With n = L each token has a latent of
    its own: the text model of Razavi, van den Oord, Poole and Vinyals, "Preventing Posterior Collapse
    with delta-VAEs", ICLR 2019, section 4.3, which adds z_t to the embedding of token t. Behind the
    embedding here: the network's first layer adds a projection of it.

    For latents [B, n, D]; the arguments are those of `TextDecoder`. The network's first state is told
    nothing.

    Raises:
        UserError: when built, latents without positions, or with more of them than tokens.
    """

    def build(self, z_shape, x_shape=None):
        """Builds the layers for latents [B, n, D] and tokens [B, T]."""
        if len(z_shape) != 3 or z_shape[1] > self.max_length:
            raise UserError(
                f"a PositionalTextDecoder of at most {self.max_length} tokens needs latents of shape "
                f"(n, D) with n from 1 to {self.max_length}, got {tuple(z_shape[1:])}"
            )
        super().build(z_shape, x_shape)

    def _widths(self, z_shape):
        return z_shape[-1], 0

    def _first(self, z):
        return tf.zeros([ops.shape(z)[0], 0], self.compute_dtype)

    def _along(self, z, length):
        return tf.cast(
            tf.gather(z, self._position(z, tf.range(length)), axis=1), self.compute_dtype
        )

    def _at(self, z, t):
        return tf.cast(tf.gather(z, self._position(z, t), axis=1), self.compute_dtype)

    def _position(self, z, t):
        # a sentence longer than those that are generated keeps the last
        return tf.minimum(t * z.shape[1] // self.max_length, z.shape[1] - 1)
