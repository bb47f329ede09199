"""A masked autoregressive flow as a prior, over one vector or along positions and channels.

Legend: B batch, n positions, D numbers of z, all of them together.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import flows
from tfvae.checks import affordable_layers, count, one_of, positive
from tfvae.latents.priors.learned import JointPart, LearnedPart, LearnedPrior
from tfvae.networks import MADE
from tfvae.parts import ON, facts, part, setting

__all__ = ["SCALES", "MaskedAutoregressivePrior", "MaskedFlow"]

tfd = tfp.distributions

SCALES = ("shift", "bounded")
"""Of `tfvae.flows.KINDS` those whose density is finite everywhere."""


@keras.saving.register_keras_serializable(package="tfvae")
class MaskedAutoregressivePrior(LearnedPrior):
    """log p(z) = log N(u; 0, I) + log |det du/dz|,  u_i = (z_i - m_i(z_<i)) exp(-a_i(z_<i)), flow by flow.

    Papamakarios, Pavlakou and Murray 2017; as a prior Chen et al. 2017 (VLAE, eq. 12). m and a of each flow
    come from a MADE, and every other flow runs from the last number to the first. The conditionals read z,
    so the density takes one pass; a draw takes D of each flow. The last flow is that of `base`, with its
    mean and scale of each number given those before it: the prior begins as `base`.

    z of (n, D) is read as n D numbers, position by position and channel by channel within each.

    Args:
        base: the prior that it begins as, with `event_shape` and `conditional`.
        num_flows: how many.
        units: widths of the hidden layers of each MADE.
        scale: `shift`, a is 0; or `bounded`, |a| < bound.
        bound: of a.

    Raises:
        UserError: an unknown scale; counts or a bound that are not above 0.
    """

    def __init__(
        self,
        base,
        num_flows: int = 4,
        units: Sequence[int] = (64, 64),
        scale: str = "bounded",
        bound: float = 2.0,
        **kwargs,
    ):
        super().__init__(base, **kwargs)
        self.num_flows = count("num_flows", num_flows)
        self.units = tuple(count("units of a MaskedAutoregressivePrior", u) for u in units)
        self.scale = one_of("scale of a MaskedAutoregressivePrior", scale, SCALES)
        self.bound = float(positive("bound", bound))
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

    @property
    def _size(self) -> int:
        return math.prod(self.event_shape)

    def build(self, input_shape=None):
        del input_shape
        if not self.base.built:
            self.base.build(None)
        for network in self.networks:
            if not network.built:
                network.build((None, self._size))
        self.built = True

    def conditionals(self) -> list:
        """Of each flow, [B, D] -> (m, a)."""

        def of(network):
            return lambda z: flows.affine(network(z), self.scale, self.bound)

        return [of(network) for network in self.networks]

    # not a `tfd.TransformedDistribution`, which would ask each network twice for one density
    def log_prob(self, z) -> tf.Tensor:
        z, log_det = self.without_base(z)
        u, further = flows.noise_of(tf.reshape(z, [-1, self._size]), self.conditionals())
        return tf.reduce_sum(tfd.Normal(0.0, 1.0).log_prob(u), -1) + log_det + further

    def sample(self, num: int, seed) -> tf.Tensor:
        """`num` draws, [num, *event_shape]."""
        u = tf.random.stateless_normal([num, self._size], seed)
        return self.with_base(flows.masked_autoregressive(u, self.conditionals()))

    def get_config(self):
        return {
            **super().get_config(),
            "num_flows": self.num_flows,
            "units": self.units,
            "scale": self.scale,
            "bound": self.bound,
        }


@dataclasses.dataclass(frozen=True)
class MaskedFlow(LearnedPart):
    """See `MAF`."""

    maf_flows: int = setting(4, "flows, every other one in the reverse order", low=1, high=64)
    maf_units: int = setting(
        64,
        "width of the hidden layers of each MADE (VLAE: 640)",
        low=1,
        high=65536,
        of={"maf_layers": ON},
    )
    maf_layers: int = setting(2, "hidden layers of each MADE (0: linear)", low=0, high=16)
    maf_scale: str = setting(
        "bounded",
        "of a step: bounded, or shift alone (VLAE), which is volume-preserving",
        choices=SCALES,
    )
    maf_scale_bound: float = setting(
        2.0,
        "largest |log scale| of a step",
        low=1e-3,
        high=10.0,
        of={"maf_scale": ("bounded",)},
    )

    def over(self, context, base):
        del context
        units, size = (self.maf_units,) * self.maf_layers, math.prod(base.event_shape)
        what = f"maf_units={self.maf_units} over {size} numbers of z"
        affordable_layers(what, (size, *units, 2 * size), self.maf_flows)
        return MaskedAutoregressivePrior(
            base, self.maf_flows, units, self.maf_scale, self.maf_scale_bound
        )


@part
class MAF(MaskedFlow, JointPart):
    """A masked autoregressive flow, learned with the model (Papamakarios et al. 2017)."""

    name = "maf"
    needs = facts("density")
