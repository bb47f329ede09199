"""A second player: a network that judges codes, with variables that the model never moves.

Legend: B batch, D latent numbers, O outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from tfvae.objectives.aggregate import flat_rows
from tfvae.objectives.parts import Game, TermPart
from tfvae.parts import setting

__all__ = ["Critic"]


class Critic:
    """logits = MLP(z), z flattened; leaky ReLU of slope 0.2.

    Two terms share one: a penalty, in the objective of the model, and a loss, in an objective of the
    critic's own. Only the second gives its weights to an optimizer. Checkpoints hold a critic, the
    model's files do not.

    Args:
        units: widths of the hidden layers.
        outputs: O.
    """

    def __init__(self, units: Sequence[int], outputs: int):
        self.layers = [
            keras.layers.Dense(width, dtype="float32", name=f"critic_{number}")
            for number, width in enumerate(units)
        ]
        self.logits = keras.layers.Dense(outputs, dtype="float32", name="critic_logits")

    def build(self, model) -> None:
        """Makes the weights for the model's z; a second call does nothing."""
        width = math.prod(model.latent.event_shape)
        for layer in (*self.layers, self.logits):
            if not layer.built:
                layer.build((None, width))
            width = layer.units

    @property
    def trainable_variables(self) -> list:
        """Its weights."""
        return [v for layer in (*self.layers, self.logits) for v in layer.trainable_variables]

    def __call__(self, z) -> tf.Tensor:
        """[B, ...] -> [B, O]."""
        hidden = flat_rows(z)
        for layer in self.layers:
            hidden = tf.nn.leaky_relu(layer(hidden), 0.2)
        return self.logits(hidden)


def critic_layers():
    """A setting of what is judged by a critic; so are the next ones."""
    return setting(4, "hidden layers of the critic", low=1, high=20)


def critic_units():
    """See `critic_layers`."""
    return setting(256, "their width", low=1, high=65536)


def critic_learning_rate():
    """See `critic_layers`."""
    return setting(1e-3, "of the critic, constant", low=1e-12, high=1.0)


def critic_steps():
    """See `critic_layers`."""
    return setting(1, "of the critic after each of the model", low=1, high=1000)


class CriticPart(TermPart):
    """A term that reads a critic, with the settings of `critic_layers` and so on."""

    def critic(self, outputs: int) -> Critic:
        """The network."""
        return Critic([self.critic_units] * self.critic_layers, outputs)

    def game(self, name: str, critic, loss, betas) -> Game:
        """The critic's side."""
        return Game(name, critic, loss, self.critic_learning_rate, betas, self.critic_steps)
