"""Discrete codes as a latent: a codebook and a prior over its indices.

Legend: B batch, n positions, D width of a code vector, K codes.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import AtDraw, every
from tfvae.latents.latent import Inferred, Latent

__all__ = ["DiscreteLatent"]


@keras.saving.register_keras_serializable(package="tfvae")
class DiscreteLatent(Latent):
    """q(k|x) is 1 for the nearest code, so  rate = -log p(k): log K at each position at first.

    The decoder's input is z_e + sg(z_q - z_e), whose value is z_q: its gradient reaches the encoder
    as it is (straight through), and the codebook gets none from the reconstruction. van den Oord,
    Vinyals and Kavukcuoglu 2017. -log p(x|z_q) + rate is at least -log p(x), a bound and not the NLL.

    `aux` of a draw holds `codes` [B, (n)], `encoded` z_e and `vectors` z_q; of a quantiser of several
    codebooks `0/codes`, `0/encoded`, `0/vectors` of the first, and so on.

    Args:
        codebook: a `tfvae.latents.Codebook`, or another quantiser: a layer with what that has of
            `event_shape`, `codes_shape`, `num_codes`, `codebooks`, `quantise`, `parts` and `lookup`.
        prior: over indices: `UniformCodes` or `AutoregressiveCodes`.

    Raises:
        UserError: the two disagree about positions or K.
    """

    stochastic = False

    def __init__(self, codebook, prior, **kwargs):
        super().__init__(**kwargs)
        mine = (tuple(codebook.codes_shape), codebook.num_codes)
        theirs = (tuple(prior.event_shape), prior.num_codes)
        if mine != theirs:
            raise UserError(
                f"the codebook makes indices of shape {mine[0]} below {mine[1]}, "
                f"prior {type(prior).__name__} expects {theirs[0]} below {theirs[1]}"
            )
        self.codebook = codebook
        self.prior = prior

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one z."""
        return tuple(self.codebook.event_shape)

    def codebooks(self) -> list:
        return self.codebook.codebooks()

    @property
    def codes_shape(self) -> tuple[int, ...]:
        """The shape of the codes of one z."""
        return tuple(self.codebook.codes_shape)

    def build(self, features_shape):
        if not self.codebook.built:
            self.codebook.build(features_shape)
        if not self.prior.built:
            self.prior.build(None)
        self.built = True

    def infer(self, features, pass_) -> Inferred:
        """The nearest codes; there is nothing to draw, and no distribution with a density."""
        found = self.codebook.quantise(features)
        z = found.encoded + tf.stop_gradient(found.vectors - found.encoded)
        rate = self.prior.given(pass_.known).rate(found.codes)
        certain = AtDraw(lambda: tf.zeros([tf.shape(z)[0]]), lambda: -tf.reduce_sum(rate, -1), True)
        return Inferred(None, z, rate, self._aux(found), certain)

    def _aux(self, found) -> dict[str, tf.Tensor]:
        if len(self.codebooks()) == 1:
            return found._asdict()
        parts = [part._asdict() for part in self.codebook.parts(found)]
        return {f"{i}/{name}": t for i, part in enumerate(parts) for name, t in part.items()}

    def rate(self, draw, pass_) -> tf.Tensor:
        """-log p(k) of codes that were found already, [B, n] nats."""
        codes = self.codebook.together(every(draw.aux, "codes"))
        return self.prior.given(pass_.known).rate(codes)

    def kept(self, draw) -> dict[str, tf.Tensor]:
        rows = tf.shape(draw.z)[0]
        codes = [tf.reshape(codes, [rows, -1]) for codes in every(draw.aux, "codes")]
        return {
            **{f"codes_{i}": own for i, own in enumerate(codes)},
            "z": draw.z,
            "log_posterior": draw.at_draw.log_posterior(),
            "log_prior": draw.at_draw.log_prior(),
        }

    def log_aggregate(self, reference, points) -> tf.Tensor:
        """log of how often the reference has the codes of each point, of all positions together."""
        of_reference, of_points = (
            np.concatenate(
                [np.asarray(kept[f"codes_{i}"]) for i in range(len(self.codebooks()))], 1
            )
            for kept in (reference, points)
        )
        both = np.concatenate([of_reference, of_points])
        _, place = np.unique(both, axis=0, return_inverse=True)
        ours, theirs = np.split(place.ravel(), [len(of_reference)])
        counts = np.bincount(ours, minlength=place.max() + 1)[theirs]
        with np.errstate(divide="ignore"):
            return np.log(counts) - np.log(len(of_reference))

    def with_prior(self, prior) -> DiscreteLatent:
        """The same codebook under another prior."""
        return DiscreteLatent(self.codebook, prior)

    def code(self, features, pass_=None) -> tf.Tensor:
        del pass_
        return self.codebook.quantise(features).vectors

    def sample(self, num, pass_) -> tf.Tensor:
        codes = self.prior.given(pass_.known).sample(num, pass_.seed)
        return self.codebook.lookup(codes)

    def get_config(self):
        return {
            **super().get_config(),
            "codebook": keras.saving.serialize_keras_object(self.codebook),
            "prior": keras.saving.serialize_keras_object(self.prior),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for part in ("codebook", "prior"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        return cls(**config)
