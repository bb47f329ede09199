"""Networks of a ladder of latents: an encoder for each level, and what reads several levels at once.

Legend: B batch, F features, D numbers of all levels together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from tfvae.configured import Configured
from tfvae.networks.gated import GatedDense

__all__ = ["GatedJoin", "GatedLevels", "LevelEncoders"]


@keras.saving.register_keras_serializable(package="tfvae")
class LevelEncoders(Configured, keras.layers.Layer):
    """x -> {level: features}, each by an encoder of its own.

    Args:
        names: of the levels.
        encoders: one for each.
    """

    def __init__(self, names: Sequence[str], encoders: Sequence[keras.layers.Layer], **kwargs):
        super().__init__(**kwargs)
        self.names, self.encoders = names, encoders

    def build(self, input_shape):
        """Builds each for x [B, ...]."""
        for encoder in self.encoders:
            if not encoder.built:
                encoder.build(input_shape)
        self.built = True

    def call(self, x):
        """[B, ...] -> {level: [B, F]}."""
        return {name: encoder(x) for name, encoder in zip(self.names, self.encoders)}


@keras.saving.register_keras_serializable(package="tfvae")
class GatedJoin(Configured, keras.layers.Layer):
    """(features [B, F], {level: z}) -> gated(features, gated_1(z_1), gated_2(z_2) ...).

    Of q(z_1 | x, z_2) as Tomczak and Welling 2018 released it; see `GatedDense`.

    Args:
        units: of each layer.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.gates: list[GatedDense] = []
        self.joint = GatedDense(units, name="joint")

    def build(self, features_shape, above_shape):
        """Builds the layer for features and the z of each level above."""
        if self.built:
            return
        for name, shape in sorted(above_shape.items()):
            self.gates.append(GatedDense(self.units, name=f"gate_{name}"))
            self.gates[-1].build((None, math.prod(shape[1:])))
        size = features_shape[-1] + self.units * len(above_shape)
        self.joint.build((*features_shape[:-1], size))
        self.built = True

    def compute_output_shape(self, features_shape, above_shape):
        """[B, units]."""
        del above_shape
        return (*features_shape[:-1], self.units)

    def call(self, features, above):
        """[B, F] and {level: [B, ...]} -> [B, units]."""
        flat = [tf.reshape(z, [-1, math.prod(z.shape[1:])]) for _, z in sorted(above.items())]
        gated = [gate(z) for gate, z in zip(self.gates, flat)]
        return self.joint(tf.concat([features, *(tf.cast(g, features.dtype) for g in gated)], -1))


@keras.saving.register_keras_serializable(package="tfvae")
class GatedLevels(Configured, keras.layers.Layer):
    """z [B, D] -> network(gated_1(z_1), gated_2(z_2) ...): a decoder that reads each level by itself first.

    What stands behind the levels (a label that the decoder is told) goes to the network as it is.

    Args:
        sizes: D of each level, the top one first.
        units: of each gated layer.
        network: what follows, a layer of vectors.
    """

    def __init__(self, sizes: Sequence[int], units: int, network: keras.layers.Layer, **kwargs):
        super().__init__(**kwargs)
        self.sizes, self.units, self.network = sizes, units, network
        self.gates = [GatedDense(units, dtype=self.dtype_policy) for _ in sizes]

    def build(self, input_shape):
        """Builds all for z [B, D]."""
        for gate, size in zip(self.gates, self.sizes):
            if not gate.built:
                gate.build((None, size))
        rest = input_shape[-1] - sum(self.sizes)
        if not self.network.built:
            self.network.build((None, self.units * len(self.sizes) + rest))
        self.built = True

    def compute_output_shape(self, input_shape):
        """Of the network."""
        rest = input_shape[-1] - sum(self.sizes)
        return self.network.compute_output_shape((None, self.units * len(self.sizes) + rest))

    def call(self, z):
        """[B, D] -> what the network gives."""
        rest = z.shape[-1] - sum(self.sizes)
        *parts, behind = tf.split(z, [*self.sizes, rest], -1)
        gated = [gate(part) for gate, part in zip(self.gates, parts)]
        return self.network(tf.concat([*gated, tf.cast(behind, gated[0].dtype)], -1))
