"""Weights that are held within bounds.

w <- min(max(w, -bound), bound)    after each step of the optimizer
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfvae.checks import positive

__all__ = ["Clip"]


class Clip:
    """A critic whose slope is bounded because its weights are (Arjovsky, Chintala and Bottou 2017).

    For an `Update(after=...)`: it clips what that update moves, or what it is told.

    Args:
        bound: the largest |w|; published: 0.01.
        variables: model -> the variables; those of the update if not given.
    """

    moves_weights = True
    """Weights of the model, maybe, which an optimizer's average would miss."""

    def __init__(self, bound: float, variables: Callable | None = None):
        self.bound, self.variables = positive("bound of a Clip", bound), variables

    def take(self, variables) -> None:
        """What the update moves."""
        self._moving = variables

    def build(self, model) -> None:
        """Chooses the variables."""
        chosen = self._moving if self.variables is None else self.variables(model)
        self._clipped = [v for v in chosen if v.trainable]

    def __call__(self, seen, step, seed) -> None:
        """In replica context; the same on every replica. What is frozen stays."""
        del seen, step, seed
        for variable in self._clipped:
            value = tf.convert_to_tensor(variable)
            variable.assign(tf.clip_by_value(value, -self.bound, self.bound))

    def state(self) -> dict[str, tf.Variable]:
        """Nothing: the weights have their own place."""
        return {}
