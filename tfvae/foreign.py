"""Somebody else's VAE, as a model that everything here can measure.

    q(z|x) = N(mean(x), diag exp(log_variance(x))),   p(z) = N(0, I),   p(x|z) = likelihood(decoder(z))

Legend: B batch, D latent width, N numbers of x; x of any shape [B, ...].
"""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError, one_of
from tfvae.latents import StandardNormalPrior, StochasticLatent
from tfvae.latents.posteriors import MeanFieldPosterior
from tfvae.likelihoods import Bernoulli, Gaussian
from tfvae.model import VAE
from tfvae.networks import FactorisedDecoder

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
    network = _GivenDecoder(decoder, x.shape[1:], outputs == "probabilities", name="decoder")
    model = VAE(
        given,
        StochasticLatent(
            _GivenPosterior((width,), name="posterior"), StandardNormalPrior((width,))
        ),
        FactorisedDecoder(x.shape[1:], network),
        _Real(variance) if outputs == "mean" else _Binary("zero_one"),
        name="foreign",
    )
    network(tf.zeros([2, width]))
    model.build()
    model.likelihood.check(x)
    return model


class _NoFile:
    """A part that no file can hold."""

    def get_config(self):
        raise UserError("a foreign VAE cannot be saved: save its own encoder and decoder")


class _Given(_NoFile, keras.layers.Layer):
    """A function that was written elsewhere."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def build(self, input_shape=None):
        del input_shape
        self.built = True


class _GivenEncoder(_Given):
    """[B, ...] -> [B, 2 D]."""

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

    def parameters(self, features, pass_=None):
        """The halves of the features."""
        return tuple(tf.split(features, 2, -1))


class _GivenDecoder(_Given):
    """[B, D] -> [B, *shape]: the function's numbers in the shape of x, probabilities as logits."""

    def __init__(self, function, shape, probabilities: bool, **kwargs):
        super().__init__(function, **kwargs)
        self.shape, self.probabilities = tuple(shape), probabilities

    def call(self, z):
        found = tf.cast(self.function(z), tf.float32)
        if math.prod(found.shape[1:]) != math.prod(self.shape):
            raise UserError(
                f"a foreign decoder must give {math.prod(self.shape)} numbers for each x (its "
                f"parameters), got {math.prod(found.shape[1:])}: {tuple(found.shape)}"
            )
        found = tf.reshape(found, [-1, *self.shape])
        if not self.probabilities:
            return found
        p = tf.clip_by_value(found, _LEAST_PROBABILITY, 1.0 - _LEAST_PROBABILITY)
        return tf.math.log(p) - tf.math.log1p(-p)


class _Real(_NoFile, Gaussian):
    """Of x in the encoder's own units, as every `Gaussian`."""


class _Binary(_NoFile, Bernoulli):
    """Of x as it is."""
