"""Coupling flows as a posterior.

Legend: B batch, D numbers of z, all of them together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from tfvae import flows
from tfvae.checks import UserError, affordable_layers
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posteriors.flow import AffineFlowPosterior
from tfvae.networks import MLPEncoder
from tfvae.parts import ON, facts, part, setting

__all__ = ["CouplingPosterior"]


@keras.saving.register_keras_serializable(package="tfvae")
class CouplingPosterior(AffineFlowPosterior):
    """z_2 <- m(z_1, c) + exp(a(z_1, c)) z_2, the halves in turn, of z ~ N(mu(x), diag sigma(x)^2), c = c(x).

    Dinh, Sohl-Dickstein and Bengio 2017 (Real NVP). m and a of each flow come from a fully connected network.

    Args: see `AffineFlowPosterior`.

    Raises:
        UserError: z of one number, which has no halves; an unknown scale; counts or a bound that are not
            above 0.
    """

    def __init__(
        self,
        event_shape,
        num_flows: int = 4,
        units: Sequence[int] = (64,),
        scale: str = "bounded",
        bound: float = 2.0,
        context: int = 64,
        heads: Mapping | None = None,
        **kwargs,
    ):
        super().__init__(event_shape, num_flows, units, scale, bound, context, heads, **kwargs)
        if self.size < 2:
            raise UserError(
                f"a coupling flow needs z of 2 numbers or more, of which one half moves the other; got shape "
                f"{self.event_shape}"
            )
        self.hidden = [
            MLPEncoder(self.units, "relu", dtype="float32", name=f"hidden_{number}")
            for number in range(num_flows)
        ]
        self.outputs = [
            keras.layers.Dense(
                self._moving(number) * flows.parameter_size(scale),
                kernel_initializer="zeros",
                dtype="float32",
                name=f"output_{number}",
            )
            for number in range(num_flows)
        ]

    def _moving(self, number: int) -> int:
        """How many numbers a flow moves: the second half, then the first."""
        first = self.size // 2
        return first if number % 2 else self.size - first

    def build_steps(self) -> None:
        for number, (hidden, output) in enumerate(zip(self.hidden, self.outputs)):
            width = self.size - self._moving(number) + self.context
            hidden.build((None, width))
            output.build((None, self.units[-1] if self.units else width))

    def moved(self, z, told):
        def of(hidden, output, moving):
            def conditional(still):
                raw = output(hidden(tf.concat([still, told], -1)))
                return flows.affine(
                    tf.reshape(raw, [-1, moving, flows.parameter_size(self.scale)]),
                    self.scale,
                    self.bound,
                )

            return conditional

        log_det = 0.0
        for number, (hidden, output) in enumerate(zip(self.hidden, self.outputs)):
            conditional = of(hidden, output, self._moving(number))
            z, one = flows.coupling(z, conditional, swap=bool(number % 2))
            log_det += one
        return z, log_det


@part
class Coupling(PosteriorPart):
    """A coupling flow, told x (Real NVP, Dinh et al. 2017)."""

    name = "coupling"
    offers = facts("z density paid_rate gradient_moves_all")
    coupling_flows: int = setting(4, "flows; the halves of z move in turn", low=1, high=64)
    coupling_units: int = setting(
        64,
        "width of the hidden layers of each network",
        low=1,
        high=65536,
        of={"coupling_layers": ON},
    )
    coupling_layers: int = setting(1, "hidden layers of each network (0: linear)", low=0, high=16)
    coupling_scale: str = setting(
        "bounded", "of a step: bounded, gated, or shift alone", choices=flows.KINDS
    )
    coupling_scale_bound: float = setting(
        2.0,
        "largest |log scale| of a step",
        low=1e-3,
        high=10.0,
        of={"coupling_scale": ("bounded",)},
    )
    coupling_context: int = setting(64, "width of what the flows are told of x", low=1, high=65536)

    def make(self, context):
        units, size = (self.coupling_units,) * self.coupling_layers, math.prod(context.shape)
        what = f"coupling_units={self.coupling_units} over {size} numbers of z"
        affordable_layers(
            what, (size + self.coupling_context, *units, 2 * size), self.coupling_flows
        )
        return CouplingPosterior(
            context.shape,
            self.coupling_flows,
            units,
            self.coupling_scale,
            self.coupling_scale_bound,
            self.coupling_context,
            context.heads,
        )
