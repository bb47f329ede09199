"""Discrete codes as a latent: a codebook and a prior over its indices.

Legend: B batch, n positions, D width of a code vector, K codes.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.latents.latent import Inferred, Latent

__all__ = ["DiscreteLatent"]


@keras.saving.register_keras_serializable(package="tfvae")
class DiscreteLatent(Latent):
    """q(k|x) is 1 for the nearest code, so  rate = -log p(k): log K at each position at first.

    The decoder's input is z_e + sg(z_q - z_e), whose value is z_q: its gradient reaches the encoder
    as it is (straight through), and the codebook gets none from the reconstruction. van den Oord,
    Vinyals and Kavukcuoglu 2017. -log p(x|z_q) + rate is at least -log p(x), a bound and not the NLL.

    `aux` of a draw holds `codes` [B, (n)], `encoded` z_e and `vectors` z_q.

    Args:
        codebook: a `tfvae.latents.Codebook`.
        prior: over indices: `UniformCodes` or `AutoregressiveCodes`.

    Raises:
        UserError: the two disagree about positions or K.
    """

    def __init__(self, codebook, prior, **kwargs):
        super().__init__(**kwargs)
        mine = (tuple(codebook.event_shape[:-1]), codebook.num_codes)
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

    def build(self, features_shape):
        if not self.codebook.built:
            self.codebook.build(features_shape)
        if not self.prior.built:
            self.prior.build(None)
        self.built = True

    def infer(self, features, seed, condition=None) -> Inferred:
        """The nearest codes; there is nothing to draw, and no distribution with a density."""
        del seed, condition
        found = self.codebook.quantise(features)
        z = found.encoded + tf.stop_gradient(found.vectors - found.encoded)
        return Inferred(None, z, self.prior.rate(found.codes), found._asdict())

    def rate(self, inferred, condition=None) -> tf.Tensor:
        """-log p(k) of codes that were found already, [B, n] nats."""
        del condition
        return self.prior.rate(inferred.aux["codes"])

    def with_prior(self, prior) -> DiscreteLatent:
        """The same codebook under another prior."""
        return DiscreteLatent(self.codebook, prior)

    def code(self, features) -> tf.Tensor:
        return self.codebook.quantise(features).vectors

    def sample(self, num, seed, condition=None) -> tf.Tensor:
        del condition
        return self.codebook.lookup(self.prior.sample(num, seed))

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
