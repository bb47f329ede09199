"""Nearest-neighbour quantisation.

Legend: B batch, F features, n positions, D width of a code vector, K codes.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from tfvae.checks import UserError, affordable
from tfvae.latents.discrete import DiscreteLatent
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.shapes import check_features
from tfvae.parts import facts, part, setting

__all__ = ["Codebook", "Quantised"]


class Quantised(NamedTuple):
    """encoded z_e [B, (n,) D]; codes k [B, (n)] int32; vectors e_k [B, (n,) D]."""

    encoded: tf.Tensor
    codes: tf.Tensor
    vectors: tf.Tensor


@keras.saving.register_keras_serializable(package="tfvae")
class Codebook(keras.layers.Layer):
    """z_e = linear(features);  k = argmin_j |z_e - e_j|^2;  z_q = e_k, at each position.

    van den Oord, Vinyals and Kavukcuoglu 2017.

    Its weights are `vectors` [K, D] and `counts` [K], how often each code was chosen of late; the counts
    are 0 until training has begun.

    Args:
        event_shape: `(D,)` for one code, or `(n, D)` for a sequence of them, for which the encoder
            must give features [B, n, F].
        num_codes: K.
        averaged: the vectors are running averages, moved by a `tfvae.procedures.MovingCodebook`, and
            no optimizer moves them.
    """

    def __init__(self, event_shape, num_codes: int, averaged: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.event_shape = tuple(event_shape)
        self.num_codes = num_codes
        self.averaged = averaged
        if num_codes < 2:
            raise UserError(f"a codebook needs at least 2 codes, got {num_codes}")
        self.projection = keras.layers.Dense(self.event_shape[-1], dtype="float32", name="encoded")

    @property
    def codes_shape(self) -> tuple[int, ...]:
        """The shape of the codes of one z."""
        return self.event_shape[:-1]

    def codebooks(self) -> list[Codebook]:
        """What it is made of: itself. A quantiser of several has several."""
        return [self]

    def parts(self, found: Quantised) -> list[Quantised]:
        """What each of `codebooks` did."""
        return [found]

    def together(self, codes) -> tf.Tensor:
        """The codes of one z, [B, *codes_shape], of those that each of `codebooks` gave."""
        return codes[0]

    def build(self, features_shape):
        check_features("Codebook", self.event_shape, features_shape)
        if not self.projection.built:
            self.projection.build(features_shape)
        self.vectors = self.add_weight(
            name="vectors",
            shape=(self.num_codes, self.event_shape[-1]),
            initializer=keras.initializers.RandomUniform(-1.0 / 3.0, 1.0 / 3.0),
            trainable=not self.averaged,
            dtype="float32",
            # every replica assigns what it computed from the whole batch: the same
            aggregation="only_first_replica",
        )
        # A weight, so that whoever goes on training a codebook knows that it has begun, and how often
        # each code is chosen: in files, in checkpoints, and when best weights are taken back.
        self.counts = self.add_weight(
            name="counts",
            shape=(self.num_codes,),
            initializer="zeros",
            trainable=False,
            dtype="float32",
            aggregation="only_first_replica",
        )
        self.built = True

    def load_own_variables(self, store):
        """Of a file from before the counts were weights, too: its codebook was trained."""
        if len(store.keys()) > 1:
            super().load_own_variables(store)
            return
        self.vectors.assign(store["0"])
        self.counts.assign(tf.ones([self.num_codes]))

    def quantise(self, features) -> Quantised:
        """The nearest vector at each position."""
        encoded = self.projection(tf.cast(features, tf.float32))
        codes = self.nearest(encoded)
        return Quantised(encoded, codes, self.lookup(codes))

    def nearest(self, encoded) -> tf.Tensor:
        """k of each z_e, [..., D] -> [...] int32; by a matrix product."""
        vectors = tf.convert_to_tensor(self.vectors)
        scores = tf.tensordot(encoded, vectors, [[-1], [-1]]) - 0.5 * tf.reduce_sum(vectors**2, -1)
        return tf.argmax(scores, -1, tf.int32)

    def lookup(self, codes) -> tf.Tensor:
        """e_k, [...] -> [..., D]."""
        return tf.gather(tf.convert_to_tensor(self.vectors), codes)

    def get_config(self):
        return {
            **super().get_config(),
            "event_shape": self.event_shape,
            "num_codes": self.num_codes,
            "averaged": self.averaged,
        }


@part
class Nearest(PosteriorPart):
    """The nearest of K vectors at each position, straight through (van den Oord et al. 2017)."""

    name = "vq"
    needs = facts("code_prior codes_moved")
    offers = facts("z codes")
    closes = ("rate_weight", "rate_budget", "on_collapse")  # the rate is n ln K whatever x is
    brings = {
        "code": "sequence",
        "prior": "uniform",
        "upkeep": "averaged_codes",
        "terms": "+commitment",
    }
    num_codes: int = setting(64, "K", low=2, high=1_000_000)

    def make(self, context):
        width = context.shape[-1]
        affordable(f"num_codes={self.num_codes} of latent_width={width}", self.num_codes * width)
        averaged = context.point.has("upkeep", "averaged_codes")
        return Codebook(context.shape, self.num_codes, averaged)

    def join(self, posterior, prior):
        return DiscreteLatent(posterior, prior)
