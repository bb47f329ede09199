"""The parts of a model's weights, and one step of several optimizers: each keeps its own moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from tfvae.checks import UserError

__all__ = ["Partwise", "encoder_variables"]


def encoder_variables(model) -> list:
    """phi, the weights of q(z|x): the encoder's and those of the posterior's heads."""
    posterior = getattr(model.latent, "posterior", None)
    heads = [] if posterior is None else posterior.trainable_variables
    return [*model.encoder.trainable_variables, *heads]


class Partwise(tf.Module):
    """apply(gradients, variables) hands each variable's gradient to the optimizer of its part.

    For two optimizers that also step alone: one over all variables would let the inner steps of one
    part pollute the moments of the other.

    Args:
        parts: [(optimizer, model -> variables)]; `build` gives each its variables.
    """

    use_ema = False

    def __init__(self, parts: Sequence[tuple[keras.optimizers.Optimizer, Callable]]):
        super().__init__()
        self._parts = list(parts)
        self._owner: dict[int, int] = {}

    @property
    def built(self) -> bool:
        """Whether every part has its slots."""
        return bool(self._owner)

    def build_for(self, model, moving) -> None:
        """Makes the slots of each part on its own variables.

        Raises:
            UserError: one of the variables that move has no part, or two.
        """
        parts = [(optimizer, variables(model)) for optimizer, variables in self._parts]
        for v in moving:
            owners = [i for i, (_, own) in enumerate(parts) if any(v is o for o in own)]
            if len(owners) != 1:
                raise UserError(f"{v.path} must be in one part of a Partwise, got parts {owners}")
            self._owner[id(v)] = owners[0]
        for optimizer, own in parts:
            if not optimizer.built:
                optimizer.build(own)

    def apply(self, gradients, variables) -> None:
        """One step of each optimizer on its own variables; all of them, in `build`'s order."""
        for index, (optimizer, _) in enumerate(self._parts):
            mine = [(g, v) for g, v in zip(gradients, variables) if self._owner[id(v)] == index]
            optimizer.apply([g for g, _ in mine], [v for _, v in mine])
