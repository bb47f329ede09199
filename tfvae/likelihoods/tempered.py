"""Draws at another temperature, from a likelihood whose parameters are logits.

Legend: V values.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import positive
from tfvae.configured import Configured

__all__ = ["Tempered"]


@keras.saving.register_keras_serializable(package="tfvae")
class Tempered(Configured):
    """draws from softmax(l / temperature) and all else as the likelihood: for `decoder.generate`.

    Below 1 a draw is nearer to the likeliest; it is then no draw from the model, and has no bound.

    Args:
        likelihood: of logits, such as `MuLaw` or `Tokens`.
        temperature: above 0; 1 changes nothing.
    """

    def __init__(self, likelihood, temperature: float):
        self.likelihood = likelihood
        self.temperature = positive("temperature", temperature)

    def preprocess(self, x) -> tf.Tensor:
        """The likelihood's."""
        return self.likelihood.preprocess(x)

    def mode(self, parameters) -> tf.Tensor:
        """The likelihood's: no temperature changes it."""
        return self.likelihood.mode(parameters)

    def sample(self, parameters, seed) -> tf.Tensor:
        """A draw of the likelihood with logits [..., V] / temperature."""
        return self.likelihood.sample(tf.cast(parameters, tf.float32) / self.temperature, seed)
