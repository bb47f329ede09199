"""Inverse autoregressive flows as a posterior.

Legend: B batch, D numbers of z, all of them together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import keras

from tfvae import flows
from tfvae.checks import affordable_layers
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posteriors.flow import AffineFlowPosterior
from tfvae.networks import MADE
from tfvae.parts import ON, facts, part, setting

__all__ = ["InverseAutoregressivePosterior"]


@keras.saving.register_keras_serializable(package="tfvae")
class InverseAutoregressivePosterior(AffineFlowPosterior):
    """z_i = m_i(e_<i, c) + exp(a_i(e_<i, c)) e_i, flow by flow, of e ~ N(mu(x), diag sigma(x)^2), c = c(x).

    Kingma, Salimans, Jozefowicz, Chen, Sutskever and Welling 2016, algorithm 1. The conditionals read the
    noise, so a draw takes one pass and its determinant is exp(sum a). m and a of each flow come from a MADE,
    and every other flow runs from the last number to the first.

    Args: see `AffineFlowPosterior`.

    Raises:
        UserError: an unknown scale; counts or a bound that are not above 0.
    """

    def __init__(
        self,
        event_shape,
        num_flows: int = 4,
        units: Sequence[int] = (64, 64),
        scale: str = "gated",
        bound: float = 2.0,
        context: int = 64,
        heads: Mapping | None = None,
        **kwargs,
    ):
        super().__init__(event_shape, num_flows, units, scale, bound, context, heads, **kwargs)
        self.networks = [
            MADE(
                self.units,
                flows.parameter_size(scale),
                reverse=bool(number % 2),
                dtype="float32",
                name=f"made_{number}",
            )
            for number in range(num_flows)
        ]

    def build_steps(self) -> None:
        for network in self.networks:
            network.build((None, self.size), (None, self.context))

    def moved(self, z, told):
        def of(network):
            return lambda e: flows.affine(network(e, told), self.scale, self.bound)

        return flows.inverse_autoregressive(z, [of(network) for network in self.networks])


@part
class IAF(PosteriorPart):
    """An inverse autoregressive flow: draws in one pass, known at its draws alone (Kingma et al. 2016)."""

    name = "iaf"
    offers = facts("z density paid_rate gradient_moves_all")
    iaf_flows: int = setting(4, "flows, every other one in the reverse order", low=1, high=64)
    iaf_units: int = setting(
        64, "width of the hidden layers of each MADE", low=1, high=65536, of={"iaf_layers": ON}
    )
    iaf_layers: int = setting(2, "hidden layers of each MADE (0: linear)", low=0, high=16)
    iaf_scale: str = setting(
        "gated",
        "of a step: gated (as published), bounded, or shift alone, which is volume-preserving",
        choices=flows.KINDS,
    )
    iaf_scale_bound: float = setting(
        2.0,
        "largest |log scale| of a step",
        low=1e-3,
        high=10.0,
        of={"iaf_scale": ("bounded",)},
    )
    iaf_context: int = setting(64, "width of what the flows are told of x", low=1, high=65536)

    def make(self, context):
        units, size = (self.iaf_units,) * self.iaf_layers, math.prod(context.shape)
        what = f"iaf_units={self.iaf_units} over {size} numbers of z"
        affordable_layers(what, (size, *units, 2 * size), self.iaf_flows)
        return InverseAutoregressivePosterior(
            context.shape,
            self.iaf_flows,
            units,
            self.iaf_scale,
            self.iaf_scale_bound,
            self.iaf_context,
            context.heads,
        )
