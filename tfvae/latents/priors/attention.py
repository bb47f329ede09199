"""Causal self-attention over the positions of z.

Legend: B batch, n positions, D channels.
"""

from __future__ import annotations

import dataclasses

import keras

from tfvae.checks import UserError
from tfvae.latents.priors.learned import JointPart, LearnedPart, components, layers, width
from tfvae.latents.priors.sequential import SequentialPrior, shifted
from tfvae.networks import CausalTransformer
from tfvae.parts import facts, part, setting

__all__ = ["AttentionPrior", "AttentionToPast"]


@keras.saving.register_keras_serializable(package="tfvae")
class AttentionPrior(SequentialPrior):
    """Features of z_<t by a causal Transformer over the positions, a map's in raster order.

    Shifted by one, a learned vector first, learned places: every position sees all those before it.

    Args:
        base: see `LearnedPrior`.
        filters: width of the Transformer.
        num_layers: its blocks.
        num_heads: of its attention, a divisor of the width.
        num_components: M.

    Raises:
        UserError: heads that do not divide the width, when it is built.
    """

    def __init__(
        self,
        base,
        filters: int = 64,
        num_layers: int = 3,
        num_heads: int = 4,
        num_components: int = 5,
        **kwargs,
    ):
        super().__init__(base, num_components, **kwargs)
        self.filters, self.num_layers, self.num_heads = filters, num_layers, num_heads
        length, _ = self.sequence
        self.network = CausalTransformer(filters, num_layers, num_heads, length, dtype="float32")

    def build_network(self, shape):
        self.network.build((*shape[:2], shape[2] + 1), None)
        return (*shape[:2], self.filters)

    def features(self, z):
        return self.network(shifted(z), None)

    def get_config(self):
        own = {
            "filters": self.filters,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
        }
        return {**super().get_config(), **own}


@dataclasses.dataclass(frozen=True)
class AttentionToPast(LearnedPart):
    """See `Attention`."""

    prior_filters: int = width()
    prior_layers: int = layers(3)
    prior_heads: int = setting(4, "of its attention, a divisor of its width", low=1, high=64)
    prior_components: int = components()

    def over(self, context, base):
        del context
        size, heads = self.prior_filters, self.prior_heads
        if size % heads:
            raise UserError(f"setting 'prior_heads' must divide prior_filters={size}, got {heads}")
        return AttentionPrior(base, size, self.prior_layers, heads, self.prior_components)


@part
class Attention(AttentionToPast, JointPart):
    """Causal self-attention over the positions (the numbers of a vector), learned with the model."""

    name = "attention"
    needs = facts("density")
