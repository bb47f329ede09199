"""A second player: a network that judges draws, with variables that the model never moves.

Legend: B batch, W width of what is read, O outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from tfvae.checks import UserError, count, one_of
from tfvae.draw import Draw
from tfvae.objectives.aggregate import all_rows, flat_rows

__all__ = ["Critic", "one_hot", "whole"]

_FIELDS = {"z": "z", "x": "batch", "features": "features", "label": "label"}


class Critic:
    """logits = MLP(what it reads of a draw), flattened and side by side; leaky ReLU of slope 0.2.

    Two terms share one: a penalty, in the objective of the model, and a loss, in an objective of the
    critic's own. Only the second gives its weights to an optimizer. Checkpoints hold a critic, the
    model's files do not.

    What stands in its place (`Bottleneck`, `OffsetCritic`) has the same methods.

    Args:
        units: widths of the hidden layers.
        outputs: O.
        inputs: what it reads of a draw: `z`, `x`, `features`, `label`.
        num_labels: labels are 0 .. num_labels - 1, and read as one-hot vectors; one that is unknown
            (-1) as zeros.
        normalised: what becomes of each kernel before it is used: a `SpectralNorm`.

    Raises:
        UserError: an input that no draw has; when built, an x without a fixed size.
    """

    def __init__(
        self,
        units: Sequence[int],
        outputs: int,
        inputs: Sequence[str] = ("z",),
        num_labels: int | None = None,
        normalised=None,
    ):
        for name in inputs:
            one_of("input of a critic", name, _FIELDS)
        if not inputs or len(set(inputs)) != len(inputs):
            raise UserError(f"a critic reads one thing or several, each once, got {list(inputs)}")
        if ("label" in inputs) != (num_labels is not None):
            raise UserError(
                f"num_labels of a critic goes with the input label, got {num_labels} and inputs "
                f"{', '.join(inputs)}"
            )
        self.num_labels = None if num_labels is None else count("num_labels", num_labels, 2)
        self.inputs, self.outputs, self.normalised = tuple(inputs), outputs, normalised
        self.layers = [
            keras.layers.Dense(width, dtype="float32", name=f"critic_{number}")
            for number, width in enumerate(units)
        ]
        self.logits = keras.layers.Dense(outputs, dtype="float32", name="critic_logits")

    def build(self, model) -> None:
        """Makes the weights for the model's draws; a second call does nothing."""
        self._preprocess = model.likelihood.preprocess
        widths = [_width(name, model) for name in self.inputs if name != "label"]
        self.build_for(sum(widths) + (self.num_labels or 0))

    def build_for(self, width: int) -> None:
        """Makes the weights for rows of this width."""
        for layer in (*self.layers, self.logits):
            if not layer.built:
                layer.build((None, width))
            width = layer.units
        if self.normalised is not None:
            self.normalised.build_for([*self.layers, self.logits])

    @property
    def trainable_variables(self) -> list:
        """Its weights."""
        return [v for layer in (*self.layers, self.logits) for v in layer.trainable_variables]

    @property
    def needs_label(self) -> bool:
        """Whether it reads labels."""
        return "label" in self.inputs

    @property
    def after(self) -> tuple:
        """What no gradient moves of it, for the `Update` of its loss."""
        return () if self.normalised is None else (self.normalised,)

    def __call__(self, draw: Draw, seed=None) -> tf.Tensor:
        """The logits, [B, O].

        Args:
            draw: one stochastic pass.
            seed: [2] int32, of a critic that draws; `None` for its mean.
        """
        del seed
        return self.of_rows(tf.concat([self._read(name, draw) for name in self.inputs], -1))

    def of_rows(self, hidden) -> tf.Tensor:
        """[B, W] -> [B, O]."""
        for layer in self.layers:
            hidden = tf.nn.leaky_relu(self._dense(layer, hidden), 0.2)
        return self._dense(self.logits, hidden)

    def _dense(self, layer, rows):
        if self.normalised is None:
            return layer(rows)
        return tf.matmul(rows, self.normalised.kernel(layer)) + tf.convert_to_tensor(layer.bias)

    def _read(self, name: str, draw: Draw):
        value = getattr(draw, _FIELDS[name])
        if name == "label":
            return one_hot(value, self.num_labels or 0)
        if name == "x":
            value = self._preprocess(value)
        return tf.concat([flat_rows(part) for part in tf.nest.flatten(value)], -1)


def one_hot(label, num_labels: int) -> tf.Tensor:
    """[B] integers -> [B, num_labels]; zeros where it is unknown (-1).

    A label that is none of them is NaN: an assertion within a compiled function says nothing.
    """
    known = (label >= -1) & (label < num_labels)
    return tf.where(known[:, None], tf.one_hot(label, num_labels), float("nan"))


def _width(name: str, model) -> int:
    """Of what a critic reads, flattened."""
    if name == "z":
        return math.prod(model.latent.event_shape)
    if None in model.data_shape:
        raise UserError(f"a critic reads {name} of a fixed size, and this model's x has any length")
    if name == "x":
        return math.prod(model.data_shape)
    x = keras.KerasTensor((None, *model.data_shape), model.likelihood.dtype.name)
    more = model.told_size("encoder")
    shapes = [part.shape for part in tf.nest.flatten(model.encoder.compute_output_spec(x))]
    return sum(math.prod(shape[1:-1]) * (shape[-1] + more) for shape in shapes)


def whole(draw: Draw, critic) -> Draw:
    """What a critic reads of the draws of all replicas, [M, ...]; no gradient reaches them."""

    def rows(value):
        value = tf.convert_to_tensor(value)
        found = tf.reshape(all_rows(value), [-1, *value.shape[1:]])
        return tf.stop_gradient(tf.cast(found, value.dtype))

    fields = {_FIELDS[name] for name in critic.inputs}
    return draw._replace(
        **{field: tf.nest.map_structure(rows, getattr(draw, field)) for field in fields}
    )
