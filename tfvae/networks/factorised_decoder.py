"""The decoder whose pixels (columns, words) are independent given the latent.

    p(x|z) = prod_i p(x_i | network(z)_i)

Legend: B batch, D latent width, n positions, P parameters of C channels; x is [B, H, W, C] of images, and
of any rank otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

__all__ = ["FactorisedDecoder"]


@keras.saving.register_keras_serializable(package="tfvae")
class FactorisedDecoder(keras.layers.Layer):
    """parameters = network(z); the image itself is never looked at.

    Args:
        image_shape: of one x, (H, W, C); or of any rank, (C,) of a table.
        network: a Keras layer, [B, D] or [B, n, d] -> [B, ..., P].
    """

    def __init__(self, image_shape: Sequence[int], network: keras.layers.Layer, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = image_shape
        self.network = network

    def build(self, z_shape, x_shape=None):
        """Builds the network for latents `z_shape`."""
        del x_shape
        if not self.network.built:
            self.network.build(z_shape)

    @property
    def data_shape(self):
        """Of one x."""
        return tuple(self.image_shape)

    def call(self, z, x=None, seed=None):
        """z -> parameters [B, ..., P] float32; others look at x, and seed noise."""
        del x, seed
        return ops.cast(self.network(z), "float32")

    def generate(
        self,
        z,
        likelihood,
        seed,
        greedy: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ):
        """x ~ p(x|z) in one pass, or its mean.

        Args:
            z: [B, D] or [B, n, d].
            likelihood: what the parameters belong to.
            seed: [2] int32.
            greedy: the mean instead of a draw.
            progress: called once with (1, 1).

        Returns:
            [B, ..., C] in the data's raw units.
        """
        parameters = self(z)
        x = likelihood.mean(parameters) if greedy else likelihood.sample(parameters, seed)
        if progress is not None:
            progress(1, 1)
        return x

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the network serialised."""
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "network": keras.saving.serialize_keras_object(self.network),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> FactorisedDecoder:
        """The decoder that `get_config` described."""
        network = keras.saving.deserialize_keras_object(config["network"])
        return cls(**{**config, "network": network})
