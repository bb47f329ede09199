"""The decoder of a model that explains nothing: its codes are for its terms."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from tfvae.checks import UserError
from tfvae.parts import Part, facts, part

__all__ = ["NoDecoder", "TermsAlone"]


@keras.saving.register_keras_serializable(package="tfvae")
class NoDecoder(keras.layers.Layer):
    """There is no p(x|z): no distortion, no ELBO and no NLL, no samples and no reconstructions.

    For what is learned from labels or from other codes alone: the information bottleneck of Alemi et al. 2017
    (a term of the labels + beta rate), contrastive prediction. The model's likelihood then only says what
    the data are (their units, and how the encoder gets them).

    Args:
        data_shape: of one x, without the batch.
    """

    decodes = False
    """Whether there is a p(x|z)."""
    factorised = False
    """See `tfvae.networks.Decoder`."""

    def __init__(self, data_shape: Sequence[int | None], **kwargs):
        super().__init__(**kwargs)
        self.data_shape = tuple(data_shape)

    def build(self, z_shape, x_shape=None):
        del z_shape, x_shape
        self.built = True

    def call(self, z, x=None, noise=None):
        """Refused: there are no parameters of p(x|z)."""
        del z, x, noise
        raise UserError(
            "this model has no p(x|z) (its decoder is a NoDecoder), and so no likelihood, ELBO, samples or "
            "reconstructions: it has codes (encode, predict), rates (draw) and its own terms (evaluate)"
        )

    def generate(self, z, likelihood, seed, greedy=False, progress=None):
        """Refused, as `call`."""
        del likelihood, seed, greedy, progress
        return self.call(z)

    def get_config(self):
        return {**super().get_config(), "data_shape": self.data_shape}


@part
class TermsAlone(Part):
    """Its terms alone, such as the label's likelihood: no decoder, and no p(x|z) (VIB)."""

    place, name = "target", "terms"
    needs = facts("z asked_code")
    withholds = facts("decodes")

    def make(self, context, decoder):
        """Instead of the backbone's own decoder."""
        del context
        return NoDecoder(decoder.data_shape)
