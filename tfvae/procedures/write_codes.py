"""The memory of codes, kept up to date while a model learns.

Legend: M examples of the global batch, D numbers of a code.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.parts import facts, part
from tfvae.procedures.parts import UpkeepPart
from tfvae.replicas import whole_batch

__all__ = ["WriteCodes"]


class WriteCodes:
    """C[i] <- the code that the step found for training example i; all replicas write all rows.

    Graves, Menick and van den Oord 2018. For an `Update(after=...)`: the codes are those with which
    the step began, as searching for neighbours saw them. When the training is done every row is written
    once more: the last epoch's steps went on moving the encoder.

    Raises:
        UserError: when built, a model without a memory; when read, batches without indices.
    """

    def build(self, model) -> None:
        """Finds the memory."""
        self.memory = model.latent.memory()
        if self.memory is None:
            raise UserError("WriteCodes needs a model whose prior has a memory (NeighbourPrior)")

    @property
    def examples_to_settle(self) -> int:
        """N: every row."""
        return self.memory.num_examples

    def read(self, draw) -> tuple[tf.Tensor, tf.Tensor]:
        """What `__call__` takes of a draw."""
        if "index" not in draw.aux:
            raise UserError(
                "a memory of codes needs to know which example is which: make the model with "
                "condition=ExampleIndex() and train it on batches (x, index)"
            )
        return draw.aux["code"], draw.aux["index"]

    def __call__(self, seen, step, seed) -> None:
        """One writing, in replica context; the same on every replica. A frozen memory stays."""
        del step, seed
        if not self.memory.trainable:
            return
        codes, rows = map(whole_batch, seen)
        # where epochs meet an example may come twice; both then write what the first one found
        same = tf.argmax(rows[:, None] == rows[None, :], 1)
        self.memory.write(rows, tf.gather(codes, same))

    def state(self) -> dict[str, tf.Variable]:
        """Nothing: the memory is a weight of the model."""
        return {}


@part
class WrittenMemory(UpkeepPart):
    """Each row is the code that the last step found for its example."""

    name = "written_memory"
    needs = facts("memory")
    offers = facts("memory_written")

    def make(self, context):
        return WriteCodes()
