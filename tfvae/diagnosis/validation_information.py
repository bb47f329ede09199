"""The mutual information of code and validation data, for what decides by it while a model learns."""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError
from tfvae.diagnosis.measure import information_in_batches
from tfvae.randomness import seed_of

__all__ = ["ValidationInformation"]


class ValidationInformation:
    """model -> I(x; z) in nats of validation examples, in one batch or as the mean over batches.

    Args:
        x: [N, ...] raw units; `None`: they come later (`take`), as `fit` is given them.
        label: [N] of a conditional model.
        number: of the examples that are looked at, at most.
        batch_size: of the batches; `None`: all in one, whose ceiling is the highest, ln `number`.
        seed: of the draws.
    """

    def __init__(self, x=None, label=None, number: int = 500, batch_size=None, seed: int = 0):
        self.number, self.batch_size, self.seed = number, batch_size, seed_of(seed)
        self.x = self.label = None
        if x is not None:
            self.take(x, label)

    @property
    def lacks_examples(self) -> bool:
        """Whether nothing was given yet."""
        return self.x is None

    def take(self, x, label=None) -> None:
        """The examples, the same from now on."""
        self.x = np.asarray(x)[: self.number]
        self.label = None if label is None else np.asarray(label)[: self.number]

    def __call__(self, model) -> float:
        """I(x; z) of this model.

        Raises:
            UserError: there are no examples yet.
        """
        if self.x is None:
            raise UserError(
                "a ValidationInformation needs examples: give x, call take, or train by fit with "
                "validation data"
            )
        rows = self.batch_size or len(self.x)
        return information_in_batches(model, self.x, rows, self.seed, self.label)
