"""Somebody else's VAE, as a model that everything here can measure.

    q(z|x) = N(mean(x), diag exp(log_variance(x))),   p(z) = N(0, I),   p(x|z) = likelihood(decoder(z))

Legend: B batch, D latent width, N numbers of x; x of any shape [B, ...].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError, one_of
from tfvae.latents import StandardNormalPrior, StochasticLatent
from tfvae.latents.posteriors import MeanFieldPosterior
from tfvae.likelihoods import Bernoulli, Gaussian, Likelihood
from tfvae.model import VAE

__all__ = ["OUTPUTS", "foreign"]

OUTPUTS = ("logits", "probabilities", "mean")
"""What a foreign decoder gives: logits or probabilities of binary x, or the mean of real x."""

_LEAST_PROBABILITY = 1e-6


def foreign(
    encoder: Callable,
    decoder: Callable,
    x: np.ndarray,
    outputs: str = "logits",
    variance: float = 1.0,
) -> VAE:
    """A `tfvae.VAE` around two Keras models or functions that were written elsewhere.

    It cannot be saved, and is not meant to be trained here.

    Args:
        encoder: x [B, ...] -> (mean, log-variance), each [B, D]; further outputs (a draw) are left
            aside.
        decoder: z [B, D] -> parameters, as many numbers as x has.
        x: some data in the encoder's units, [N, ...], to learn the shapes from.
        outputs: what the decoder gives; see `OUTPUTS`. Squared error is `mean`, with the variance it
            implies: error / (2 variance).
        variance: of `mean`.

    Raises:
        UserError: outputs of other shapes or kinds, in words.
    """
    one_of("outputs", outputs, OUTPUTS)
    x = np.asarray(x)
    few = tf.constant(x[:2].astype(np.float32))
    given = _GivenEncoder(encoder, name="encoder")
    features = given(few)
    width = features.shape[-1] // 2
    decoded = _GivenDecoder(decoder, x.shape[1:], math.prod(x.shape[1:]), name="decoder")
    base = Gaussian(variance) if outputs == "mean" else Bernoulli()
    model = VAE(
        given,
        StochasticLatent(
            _GivenPosterior((width,), name="posterior"), StandardNormalPrior((width,))
        ),
        decoded,
        _Flat(base, outputs == "probabilities"),
        name="foreign",
    )
    decoded(tf.zeros([2, width]))
    model.build()
    model.likelihood.check(x)
    return model


class _GivenEncoder(keras.layers.Layer):
    """[B, ...] -> [B, 2 D]."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def build(self, input_shape=None):
        del input_shape
        self.built = True

    def call(self, x):
        found = self.function(x)
        if not isinstance(found, (tuple, list)) or len(found) < 2:
            raise UserError(
                f"a foreign encoder must give (mean, log-variance), got {type(found).__name__}"
            )
        mean, log_variance = (tf.cast(part, tf.float32) for part in found[:2])
        if mean.shape.rank != 2 or mean.shape[-1] != log_variance.shape[-1]:
            raise UserError(
                f"mean and log-variance must both be [B, D], got {tuple(mean.shape)} and "
                f"{tuple(log_variance.shape)}"
            )
        return tf.concat([mean, log_variance], -1)

    def compute_output_spec(self, x):
        del x
        return keras.KerasTensor((None, None), "float32")


class _GivenPosterior(MeanFieldPosterior):
    def build(self, features_shape=None):
        del features_shape
        self.built = True

    def parameters(self, features):
        """The halves of the features."""
        return tuple(tf.split(features, 2, -1))


class _GivenDecoder(keras.layers.Layer):
    """[B, D] -> [B, 1, N, 1]."""

    def __init__(self, function, data_shape, size, **kwargs):
        super().__init__(**kwargs)
        self.function, self.data_shape, self.size = function, tuple(data_shape), size

    def build(self, z_shape=None, x_shape=None):
        del z_shape, x_shape
        self.built = True

    def call(self, z, x=None, seed=None):
        del x, seed
        found = tf.cast(self.function(z), tf.float32)
        size = math.prod(found.shape[1:])
        if size != self.size:
            raise UserError(
                f"a foreign decoder must give {self.size} numbers for each x (its parameters), got "
                f"{size}: {tuple(found.shape)}"
            )
        return tf.reshape(found, [-1, 1, self.size, 1])

    def generate(self, z, likelihood, seed, greedy=False, progress=None):
        """x ~ p(x|z) in one pass, or its mean."""
        parameters = self(z)
        x = likelihood.mean(parameters) if greedy else likelihood.sample(parameters, seed)
        if progress is not None:
            progress(1, 1)
        return x


class _Flat(Likelihood):
    """A likelihood of independent numbers, of x of any shape and in the encoder's own units."""

    def __init__(self, base: Likelihood, probabilities: bool):
        self.base, self.probabilities = base, probabilities
        self.bits, self.density = base.bits, base.density
        self.variance = getattr(base, "variance", None)

    def _of(self, parameters):
        if not self.probabilities:
            return parameters
        p = tf.clip_by_value(parameters, _LEAST_PROBABILITY, 1.0 - _LEAST_PROBABILITY)
        return tf.math.log(p) - tf.math.log1p(-p)

    def parameter_size(self, channels: int) -> int:
        return self.base.parameter_size(channels)

    def preprocess(self, x):
        return tf.cast(x, tf.float32)

    def log_prob(self, parameters, x):
        x = tf.reshape(tf.cast(x, tf.float32), tf.shape(parameters))
        return self.base.log_prob(self._of(parameters), x)

    def distribution(self, parameters) -> Any:
        return self.base.distribution(self._of(parameters))

    def mean(self, parameters):
        return self.base.mean(self._of(parameters))

    def mode(self, parameters):
        return self.base.mode(self._of(parameters))

    def sample(self, parameters, seed):
        return self.base.sample(self._of(parameters), seed)

    def check(self, array):
        self.base.check(array)

    def get_config(self):
        raise UserError("a foreign VAE cannot be saved: save its own encoder and decoder")
