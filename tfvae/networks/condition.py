"""What is known besides x: a label or a speaker that networks are told, a row that a memory looks up.

Legend: B batch, n positions, C width of the vector.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.configured import Configured
from tfvae.inputs import whole
from tfvae.parts import Part, facts, part, setting

__all__ = ["ExampleIndex", "LabelCondition", "joined"]


@keras.saving.register_keras_serializable(package="tfvae")
class LabelCondition(Configured, keras.layers.Layer):
    """c = one_hot(label), or a learned row of a table: [B] integers -> [B, C].

    Args:
        num_labels: labels are 0 .. num_labels - 1.
        width: C of a learned table; one-hot vectors (C = num_labels) if not given.
        guessed: whether a batch may hold labels that are not known (-1), for an inference that goes through
            all of them (`tfvae.inference.enumerated`).
    """

    beside = "label"
    """What lies beside x in a batch."""
    optional = False
    """Whether the model can do without it when it does not learn."""

    def __init__(self, num_labels: int, width: int | None = None, guessed: bool = False, **kwargs):
        super().__init__(**kwargs)
        if num_labels < 2:
            raise UserError(f"a condition needs at least 2 labels, got {num_labels}")
        self.num_labels = num_labels
        self.width = width
        self.guessed = guessed

    @property
    def size(self) -> int:
        """C."""
        return self.width or self.num_labels

    def build(self, input_shape=None):
        del input_shape
        if self.width is not None:
            self.table = self.add_weight(
                name="table", shape=(self.num_labels, self.width), initializer="glorot_uniform"
            )
        self.built = True

    def check(self, label, rows: int | None = None, remembered: int | None = None) -> tf.Tensor:
        """The labels as int32 [B]; inside of a graph they are asserted when it runs.

        Args:
            label: [B], 0 .. num_labels - 1.
            rows: B, where it is known.
            remembered: of no meaning here.

        Raises:
            UserError: they are no labels, or not as many as examples.
        """
        del remembered
        return whole(self.beside, label, rows, 0, self.num_labels - 1)

    def check_beside(self, label, rows: int | None = None, remembered: int | None = None):
        """As `check`, of what lies beside x in a batch: -1 is one more where labels are guessed."""
        if not self.guessed:
            return self.check(label, rows, remembered)
        return whole(self.beside, label, rows, -1, self.num_labels - 1)

    def call(self, label):
        """[B] -> [B, C] float32; a label that is none of them, which `check` refuses, is NaN."""
        label = tf.cast(label, tf.int32)
        known = (label >= 0) & (label < self.num_labels)
        # XLA drops assertions, and a vector of zeros would pass for a label
        hot = tf.where(known[:, None], tf.one_hot(label, self.num_labels), float("nan"))
        if self.width is None:
            return hot
        return tf.matmul(hot, tf.cast(tf.convert_to_tensor(self.table), tf.float32))


@keras.saving.register_keras_serializable(package="tfvae")
class ExampleIndex(keras.layers.Layer):
    """The row of each training example, for a latent that remembers their codes.

    No network is told of it (C = 0). Training needs batches (x, index); an example that is not in
    the training set has none, so that measures and samples go without.
    """

    beside = "index"
    optional = True
    size = 0

    def build(self, input_shape=None):
        del input_shape
        self.built = True

    def check(self, index, rows: int | None = None, remembered: int | None = None) -> tf.Tensor:
        """The rows as int32 [B]; as `LabelCondition.check`.

        Args:
            index: [B], 0 .. remembered - 1.
            rows: B, where it is known.
            remembered: how many examples the latent remembers.

        Raises:
            UserError: they are no rows of the memory.
        """
        if remembered is None:
            raise UserError("an ExampleIndex needs a latent that remembers examples, such as ACN's")
        return whole(self.beside, index, rows, 0, remembered - 1)

    check_beside = check

    def call(self, index):
        """[B] integers -> [B] int32."""
        return tf.cast(index, tf.int32)


def joined(values, condition) -> tf.Tensor:
    """[B, F] or [B, n, F] with the vector [B, C] behind every F."""
    condition = tf.cast(condition, values.dtype)
    if values.shape.rank == 3:
        condition = tf.repeat(condition[:, None], tf.shape(values)[1], 1)
    return tf.concat([values, condition], -1)


@part
class Labels(Part):
    """The label of each example (of speech: the speaker), behind the features and behind z."""

    place, name = "condition", "labels"
    needs = facts("labels each_label z")
    offers = facts("labels_told")
    withholds = facts("labels_kept_back")
    label_width: int | None = setting(
        None, "of a learned vector for each label; none: one-hot", low=1, high=65536
    )

    def make(self, context):
        return LabelCondition(context.num_labels, self.label_width)

    def told(self) -> tuple[str, ...] | None:
        """Which parts of the model hear it (`tfvae.VAE(told=...)`); `None`: all that can."""


@part
class GuessedLabels(Labels):
    """The same, of which some are not known: the classifier guesses them (`inference=enumerated`)."""

    name = "guessed_labels"
    needs = facts("labels z enumerated_labels")
    offers = facts("labels_told guessed_labels")
    withholds = facts()
    labels_told_to: str = setting(
        "all",
        "all: encoder, decoder and prior; prior: z says all that the label does (VFAE)",
        choices=("all", "prior"),
    )

    def withheld(self):
        known = facts("labels_always_known")
        return known | facts("labels_kept_back" if self.labels_told_to == "all" else "")

    def make(self, context):
        return LabelCondition(context.num_labels, self.label_width, guessed=True)

    def told(self):
        return ("prior",) if self.labels_told_to == "prior" else None
