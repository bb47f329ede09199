"""The parts of a model's weights, and one step of several optimizers: each keeps its own moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from tfvae.checks import UserError

__all__ = ["Partwise", "encoder_variables", "refuse_unknown"]


def encoder_variables(model) -> list:
    """phi, the weights of q(z|x): the encoder's and those of the posterior's heads."""
    return [*model.encoder.trainable_variables, *model.latent.posterior_variables()]


def refuse_unknown(moving, owned) -> None:
    """Slots are made once; what is frozen later simply does not move, but what is thawed has none.

    Raises:
        UserError: a variable that moves and is none of those that its optimizer was built on.
    """
    known = {id(v) for v in owned}
    for v in moving:
        if id(v) not in known:
            raise UserError(
                f"the optimizer was made for other weights and has no place for {v.path} (frozen then, or "
                "of another model): compile again, with a new optimizer"
            )


class Partwise(tf.Module):
    """apply(gradients, variables) hands each variable's gradient to the optimizer of its part.

    For two optimizers that also step alone: one over all variables would let the inner steps of one
    part pollute the moments of the other.

    Args:
        parts: [(optimizer, model -> variables)]; `build` gives each its variables.
    """

    def __init__(self, parts: Sequence[tuple[keras.optimizers.Optimizer, Callable]]):
        super().__init__()
        self._parts = list(parts)
        self._owner: dict[int, int] = {}
        self._owned: list[list] = []
        scaling = [o.name for o in self.optimizers if float(o.scale_loss(1.0)) != 1.0]
        if scaling and len(self._parts) > 1:
            raise UserError(
                f"{scaling[0]} scales the loss for itself, and {len(self._parts)} optimizers share it here: "
                "take optimizers that do not (mixed_bfloat16 needs no scaling)"
            )

    @property
    def optimizers(self) -> list:
        """The optimizers of the parts; Keras' `SwapEMAWeights` looks for this name."""
        return [optimizer for optimizer, _ in self._parts]

    @property
    def variables(self) -> list:
        """Their slots."""
        return [v for optimizer in self.optimizers for v in optimizer.variables]

    @property
    def learning_rate(self):
        """Of all parts; what is assigned is for all of them.

        Raises:
            UserError: they differ, so that one number cannot stand for them.
        """
        rates = [float(tf.convert_to_tensor(o.learning_rate)) for o in self.optimizers]
        if len(set(rates)) > 1:
            raise UserError(
                f"the optimizers of the parts have learning rates of their own: {rates}"
            )
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, rate):
        _ = self.learning_rate
        for optimizer in self.optimizers:
            optimizer.learning_rate = rate

    def scale_loss(self, loss):
        """The loss as it is; of a single part as its optimizer wants it."""
        return self.optimizers[0].scale_loss(loss) if len(self._parts) == 1 else loss

    def finish(self) -> None:
        """Averaged weights (`use_ema`) of each part take the place of the last ones."""
        for optimizer, own in zip(self.optimizers, self._owned):
            optimizer.finalize_variable_values(own)

    @property
    def built(self) -> bool:
        """Whether every part has its slots."""
        return all(optimizer.built for optimizer in self.optimizers)

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
        if not self._owned:
            self._owned = [list(own) for _, own in parts]
        for (optimizer, own), owned in zip(parts, self._owned):
            if not optimizer.built:
                optimizer.build(own)
            refuse_unknown(own, owned)

    def apply(self, gradients, variables) -> None:
        """One step of each optimizer on its own variables; all of them, in `build`'s order."""
        for index, (optimizer, _) in enumerate(self._parts):
            mine = [(g, v) for g, v in zip(gradients, variables) if self._owner[id(v)] == index]
            optimizer.apply([g for g, _ in mine], [v for _, v in mine])
