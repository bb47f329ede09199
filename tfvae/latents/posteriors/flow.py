"""What the posteriors of flows share: a Gaussian draw, moved on by steps that are told x.

Legend: B batch, F features, D numbers of z, all of them together, W numbers that tell the steps x.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import flows
from tfvae.checks import count, one_of, positive
from tfvae.latents.posterior import DrawnPosterior
from tfvae.latents.posteriors.gaussian import GaussianPosterior
from tfvae.randomness import batch_normal

__all__ = ["AffineFlowPosterior", "FlowPosterior", "Flowed"]

tfd = tfp.distributions


class Flowed(NamedTuple):
    """mean, log_variance: of the first draw, [B, *event_shape]; told: what tells the steps x, [B, W]."""

    mean: tf.Tensor
    log_variance: tf.Tensor
    told: tf.Tensor


class FlowPosterior(DrawnPosterior):
    """Abstract: z = f(mu(x) + sigma(x) e; c(x)),  log q(z|x) = log N(e; 0, I) - sum log sigma - log |det df|.

    Rezende and Mohamed 2015. A draw takes one pass, and its density is known with it; that of a z from
    elsewhere is not. The deterministic code is f(mu(x); c(x)). A sub-class says `told_size` and `moved`, and
    builds what it has besides in `build_steps`.

    Args:
        event_shape: `(D,)` for one vector, or `(n, D)` for a sequence, whose numbers the steps take
            position by position; the encoder must then give features [B, n, F].
        heads: further arguments of the `GaussianPosterior` that makes mu and sigma.
    """

    def __init__(self, event_shape, heads: Mapping | None = None, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.heads = dict(heads or {})
        self.first = GaussianPosterior(self.event_shape, **self.heads, name="first")

    @property
    def size(self) -> int:
        """D."""
        return math.prod(self.event_shape)

    def told_size(self) -> int:
        """W."""
        raise NotImplementedError(type(self).__name__)

    def moved(self, z, told) -> tuple[tf.Tensor, tf.Tensor]:
        """f of z [B, D] with what it is told [B, W], and log |det df / dz|, [B] nats."""
        raise NotImplementedError(type(self).__name__)

    def build_steps(self) -> None:
        """Builds the layers of `moved`."""

    def build(self, features_shape):
        if not self.first.built:
            self.first.build(features_shape)
            self.teller = self.make_teller()
            self.teller.build((None, math.prod(features_shape[1:])))
            self.build_steps()
        self.built = True

    def make_teller(self) -> keras.layers.Layer:
        """features [B, ...] flattened -> what the steps are told, [B, W]."""
        return keras.layers.Dense(self.told_size(), dtype="float32", name="told")

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """(mu, log sigma^2), each [B, *event_shape], and what the steps are told, [B, W]; float32."""
        features = tf.cast(features, tf.float32)
        width = math.prod(features.shape[1:])
        told = self.teller(tf.reshape(features, [-1, width]))
        return (*self.first.parameters(features, pass_), told)

    def of(self, mean, log_variance, told) -> Flowed:
        return Flowed(mean, log_variance, told)

    def parameters_of(self, posterior) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return tuple(posterior)

    def scored(self, posterior, seed):
        noise = batch_normal(tf.shape(posterior.mean), seed)
        half = 0.5 * posterior.log_variance
        z, log_det = self._moved(posterior.mean + tf.exp(half) * noise, posterior.told)
        density = self._flat(tfd.Normal(0.0, 1.0).log_prob(noise) - half)
        return z, lambda: tf.reduce_sum(density, -1) - log_det

    def code(self, posterior) -> tf.Tensor:
        """f(mu(x); c(x)), [B, *event_shape]."""
        return self._moved(posterior.mean, posterior.told)[0]

    def _flat(self, z) -> tf.Tensor:
        return tf.reshape(z, [-1, self.size])

    def _moved(self, z, told):
        moved, log_det = self.moved(self._flat(z), told)
        return tf.reshape(moved, tf.shape(z)), log_det

    def get_config(self):
        return {**super().get_config(), "heads": self.heads}


class AffineFlowPosterior(FlowPosterior):
    """Abstract: each step moves some numbers to m + exp(a) z, where networks make m and a of others and of c.

    Args:
        event_shape, heads: see `FlowPosterior`.
        num_flows: how many.
        units: widths of the hidden layers of each network.
        scale: of `tfvae.flows.KINDS`.
        bound: of the a of a bounded step.
        context: W, the width of c.

    Raises:
        UserError: an unknown scale; counts or a bound that are not above 0.
    """

    def __init__(
        self,
        event_shape,
        num_flows: int,
        units: Sequence[int],
        scale: str,
        bound: float,
        context: int,
        heads: Mapping | None = None,
        **kwargs,
    ):
        super().__init__(event_shape, heads, **kwargs)
        name = type(self).__name__
        self.num_flows = count("num_flows", num_flows)
        self.units = tuple(count(f"units of {name}", u) for u in units)
        self.scale = one_of(f"scale of {name}", scale, flows.KINDS)
        self.bound = float(positive("bound", bound))
        self.context = count("context", context)

    def told_size(self) -> int:
        return self.context

    def get_config(self):
        return {
            **super().get_config(),
            "num_flows": self.num_flows,
            "units": self.units,
            "scale": self.scale,
            "bound": self.bound,
            "context": self.context,
        }
