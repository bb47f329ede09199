"""What is known besides x (a label, a speaker) as a vector that networks can be told.

Legend: B batch, n positions, C width of the vector.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import UserError

__all__ = ["LabelCondition", "joined"]


@keras.saving.register_keras_serializable(package="tfvae")
class LabelCondition(keras.layers.Layer):
    """c = one_hot(label), or a learned row of a table: [B] integers -> [B, C].

    Args:
        num_labels: labels are 0 .. num_labels - 1.
        width: C of a learned table; one-hot vectors (C = num_labels) if not given.
    """

    def __init__(self, num_labels: int, width: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if num_labels < 2:
            raise UserError(f"a condition needs at least 2 labels, got {num_labels}")
        self.num_labels = num_labels
        self.width = width

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

    def call(self, label):
        """[B] -> [B, C] float32; a label that is none of them is a vector of zeros."""
        hot = tf.one_hot(tf.cast(label, tf.int32), self.num_labels)
        if self.width is None:
            return hot
        return tf.matmul(hot, tf.cast(tf.convert_to_tensor(self.table), tf.float32))

    def get_config(self):
        return {**super().get_config(), "num_labels": self.num_labels, "width": self.width}


def joined(values, condition) -> tf.Tensor:
    """[B, F] or [B, n, F] with the vector [B, C] behind every F."""
    condition = tf.cast(condition, values.dtype)
    if values.shape.rank == 3:
        condition = tf.repeat(condition[:, None], tf.shape(values)[1], 1)
    return tf.concat([values, condition], -1)
