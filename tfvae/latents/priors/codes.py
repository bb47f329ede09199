"""Priors over the indices of a codebook.

Legend: B batch, n positions (h w of a map), K codes.
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from tfvae.latents.parts import PriorPart
from tfvae.latents.prior import Prior
from tfvae.likelihoods import OneHot
from tfvae.networks import AutoregressiveDecoder, DenseHead, GatedPixelCNN
from tfvae.parts import facts, part

__all__ = ["AutoregressiveCodes", "UniformCodes"]


@keras.saving.register_keras_serializable(package="tfvae")
class UniformCodes(Prior):
    """p(k) = 1 / K at each position: the prior of the first stage, a constant rate.

    Args:
        event_shape: `()` for one code, `(n,)` for a sequence.
        num_codes: K.
    """

    def __init__(self, event_shape, num_codes: int, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.num_codes = num_codes

    def rate(self, codes) -> tf.Tensor:
        """ln K for each code, [B, n] nats."""
        count = math.prod(self.event_shape)
        return tf.fill([tf.shape(codes)[0], count], math.log(self.num_codes))

    def sample(self, num, seed) -> tf.Tensor:
        """[num, (n)] int32."""
        shape = [num, *self.event_shape]
        return tf.random.stateless_uniform(shape, seed, 0, self.num_codes, tf.int32)

    def get_config(self):
        return {**super().get_config(), "num_codes": self.num_codes}


@keras.saving.register_keras_serializable(package="tfvae")
class AutoregressiveCodes(Prior):
    """p(k) = prod_i p(k_i | k_<i) by a Gated PixelCNN over the map of codes, one-hot.

    The prior of the second stage, fitted on the codes of a trained model (van den Oord, Vinyals and
    Kavukcuoglu 2017). For one code it is a learned table of K probabilities.

    Args:
        event_shape: `()` or `(n,)`.
        num_codes: K.
        grid_shape: (h, w) with h w = n; `(1, 1)` for one code.
        filters, num_layers: of the Gated PixelCNN.
    """

    def __init__(
        self,
        event_shape,
        num_codes: int,
        grid_shape=(1, 1),
        filters: int = 64,
        num_layers: int = 6,
        **kwargs,
    ):
        super().__init__(event_shape, **kwargs)
        self.num_codes = num_codes
        self.grid_shape = tuple(grid_shape)
        self.filters, self.num_layers = filters, num_layers
        self.likelihood = OneHot()
        self.decoder = AutoregressiveDecoder(
            (*self.grid_shape, num_codes),
            GatedPixelCNN(filters, num_layers, 3, 3),
            DenseHead(num_codes),
        )

    def build(self, input_shape=None):
        del input_shape
        if not self.decoder.built:
            self.decoder.build((None, 0), (None, *self.grid_shape, self.num_codes))
        self.built = True

    def rate(self, codes) -> tf.Tensor:
        """-log p(k_i | k_<i), [B, n] nats."""
        count = tf.shape(codes)[0]
        x = tf.one_hot(tf.reshape(codes, [count, *self.grid_shape]), self.num_codes)
        parameters = self.decoder(tf.zeros([count, 0]), x)
        log_probs = self.likelihood.log_prob_per_position(parameters, x)
        return -tf.reshape(log_probs, [count, math.prod(self.grid_shape)])

    def sample(self, num, seed) -> tf.Tensor:
        """Ancestral draws, [num, (n)] int32."""
        drawn = self.decoder.generate(tf.zeros([num, 0]), self.likelihood, seed)
        return tf.reshape(tf.argmax(drawn, -1, tf.int32), [num, *self.event_shape])

    def get_config(self):
        return {
            **super().get_config(),
            "num_codes": self.num_codes,
            "grid_shape": self.grid_shape,
            "filters": self.filters,
            "num_layers": self.num_layers,
        }


@part
class Uniform(PriorPart):
    """Every code alike: n ln K nats."""

    name = "uniform"
    needs = facts("codes")
    offers = facts("code_prior one_prior renewable_prior prior_without_rows")

    def make(self, context):
        return UniformCodes(context.shape[:-1], context.point["posterior"].num_codes)
