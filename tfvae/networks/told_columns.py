"""The decoder of a table of which one category is told, and not decoded from z.

    p(x|z) = p(s) prod_j p(x_j | network([z, s]))

Legend: B batch, D latent width, C columns of x, K kinds of s, P parameters of the likelihood.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import UserError, count
from tfvae.networks.condition import joined
from tfvae.networks.decoder import Decoder
from tfvae.randomness import fold

__all__ = ["ToldColumnDecoder"]

_OF_S = 0x7C  # the noise of s, apart from that of the other columns


@keras.saving.register_keras_serializable(package="tfvae")
class ToldColumnDecoder(Decoder):
    """s is a category of x itself: the others are decoded from z and from s, so that z need not hold it.

    The decoder p(x|z, s) of Louizos, Swersky, Li, Welling and Zemel 2016. The logits of s are weights, and
    see nothing else, so that it is a density of all of x. Whoever decodes a z alone gets the likeliest s
    (`generate` greedily) or a draw of it.

    Args:
        width: C.
        network: a Keras layer, [B, D + K] -> [B, P], P >= C, of which the first C numbers are those of the
            columns.
        begin: where s begins in x.
        kinds: K, its one-hot columns.

    Raises:
        UserError: x has no such columns.
    """

    def __init__(self, width: int, network: keras.layers.Layer, begin: int, kinds: int, **kwargs):
        super().__init__(**kwargs)
        self.width, self.kinds = count("width", width), count("kinds of a told column", kinds, 2)
        self.network, self.begin = network, begin
        if begin < 0 or begin + kinds > width:
            raise UserError(
                f"a told column must lie in the {width} columns of x, got {kinds} from {begin} on"
            )

    @property
    def data_shape(self):
        """Of one x."""
        return (self.width,)

    @property
    def sees(self) -> str:
        """See `Decoder.sees`."""
        return "the sensitive column"

    def build(self, z_shape, x_shape=None):
        """Builds the network for latents `z_shape`."""
        del x_shape
        if not self.network.built:
            self.network.build((*z_shape[:-1], z_shape[-1] + self.kinds))
        self.kind_logits = self.add_weight(
            name="kind_logits", shape=(self.kinds,), initializer="zeros", dtype="float32"
        )
        self.built = True

    def call(self, z, x=None, seed=None):
        """(z [B, D], x [B, C]) -> parameters [B, P] float32; of x it reads s alone.

        Raises:
            UserError: no x, whose s is to be told.
        """
        del seed
        if x is None:
            raise UserError(
                "this decoder is told a column of x: give it x, or draw x by sample(z=z)"
            )
        return self._given(z, x[:, self.begin : self.begin + self.kinds])

    def _given(self, z, kind) -> tf.Tensor:
        found = tf.cast(self.network(joined(z, kind)), tf.float32)
        own = tf.tile(tf.convert_to_tensor(self.kind_logits)[None], [tf.shape(found)[0], 1])
        return tf.concat([found[:, : self.begin], own, found[:, self.begin + self.kinds :]], -1)

    def _draw(self, z, likelihood, seed, greedy, progress):
        any_kind = tf.zeros([tf.shape(z)[0], self.kinds], z.dtype)
        first = self._given(z, any_kind)  # of which the part of s alone is looked at
        x = likelihood.mode(first) if greedy else likelihood.sample(first, fold(seed, _OF_S))
        kind = x[:, self.begin : self.begin + self.kinds]
        parameters = self._given(z, kind)
        x = likelihood.mean(parameters) if greedy else likelihood.sample(parameters, seed)
        progress(1, 1)
        return tf.concat([x[:, : self.begin], kind, x[:, self.begin + self.kinds :]], -1)
