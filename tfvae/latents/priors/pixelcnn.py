"""A PixelCNN over the map of z.

Legend: B batch, h w map (n = h w positions), D channels.
"""

from __future__ import annotations

import dataclasses
import math

import keras
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.latents.priors.learned import JointPart, LearnedPart, components, layers, width
from tfvae.latents.priors.sequential import SequentialPrior
from tfvae.networks import GatedPixelCNN
from tfvae.parts import facts, part

__all__ = ["PixelCNNOfMap", "PixelCNNPrior"]


@keras.saving.register_keras_serializable(package="tfvae")
class PixelCNNPrior(SequentialPrior):
    """Features of z_<t by a Gated PixelCNN: position t is a pixel of the map, in raster order.

    It sees num_layers + 2 rows above, and num_layers + 1 positions to each side. What
    `AutoregressiveCodes` is to discrete codes; Gulrajani et al. 2017 (PixelVAE) have Gaussians of this
    kind above a map of latents.

    Args:
        base: see `LearnedPrior`.
        grid_shape: (h, w) with h w = n.
        filters, num_layers: of the Gated PixelCNN.
        num_components: M.

    Raises:
        UserError: the map has not as many positions as z.
    """

    def __init__(
        self,
        base,
        grid_shape,
        filters: int = 64,
        num_layers: int = 6,
        num_components: int = 5,
        **kwargs,
    ):
        super().__init__(base, num_components, **kwargs)
        self.grid_shape = tuple(grid_shape)
        self.filters, self.num_layers = filters, num_layers
        if math.prod(self.grid_shape) != self.sequence[0]:
            raise UserError(
                f"a map of {self.sequence[0]} positions must have h w of them, got {self.grid_shape}"
            )
        self.network = GatedPixelCNN(filters, num_layers, 3, 3, dtype="float32")

    def build_network(self, shape):
        self.network.build((None, *self.grid_shape, shape[2]))
        return (*shape[:2], self.filters)

    def features(self, z):
        maps = self.network(tf.reshape(z, [-1, *self.grid_shape, z.shape[2]]))
        return tf.reshape(maps, [-1, z.shape[1], self.filters])

    def get_config(self):
        own = {
            "grid_shape": self.grid_shape,
            "filters": self.filters,
            "num_layers": self.num_layers,
        }
        return {**super().get_config(), **own}


@dataclasses.dataclass(frozen=True)
class PixelCNNOfMap(LearnedPart):
    """See `MapPrior`."""

    prior_filters: int = width()
    prior_layers: int = layers()
    prior_components: int = components()

    def over(self, context, base):
        grid = context.point["code"].grid(context) or (base.event_shape[0], 1)
        sizes = self.prior_filters, self.prior_layers, self.prior_components
        return PixelCNNPrior(base, grid, *sizes)


@part
class MapPrior(PixelCNNOfMap, JointPart):
    """A Gated PixelCNN over the map of positions, learned with the model."""

    name = "pixelcnn"
    needs = facts("density positions")
    brings = {"code": "sequence"}
