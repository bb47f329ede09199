"""What a prior is that is learned, from the rate of another one on.

Legend: B batch.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.distributions import Unbatched
from tfvae.latents.parts import PriorPart
from tfvae.latents.prior import Prior
from tfvae.latents.priors.standard_normal import StandardNormalPrior
from tfvae.parts import Part, facts, setting

tfd = tfp.distributions

__all__ = ["JointPart", "LearnedPart", "LearnedPrior", "components", "layers", "width"]


class LearnedPrior(Prior):
    """Abstract: p(z) that begins near the prior `base` and is learned, with the model or after it.

    A sub-class says `log_prob`, `sample` and `build`. `base` says where it begins: `base.conditional(z)` is
    the mean [B, ...] and scale [...] of each number of z given those before it.

    The rate is an estimate at the draw in one group: log q(z|x) - log p(z), [B, 1] nats.

    Args:
        base: a prior with `event_shape` and `conditional`.

    Raises:
        UserError: z is neither a vector nor a sequence of them.
    """

    def __init__(self, base, **kwargs):
        super().__init__(base.event_shape, **kwargs)
        if len(self.event_shape) not in (1, 2):
            raise UserError(
                f"{type(self).__name__} is over z of shape (D,) or (n, D), got {self.event_shape}"
            )
        self.base = base

    @property
    def sequence(self) -> tuple[int, int]:
        """(positions, channels); a vector (D,) is read as D positions of one channel."""
        positions, channels = (*self.event_shape, 1)[:2]
        return positions, channels

    def neighbours(self):
        return self.base.neighbours()

    def log_prob(self, z) -> tf.Tensor:
        """log p(z), [B, *event_shape] -> [B] nats, float32."""
        raise NotImplementedError(type(self).__name__)

    def sample(self, num: int, seed) -> tf.Tensor:
        """`num` draws, [num, *event_shape]."""
        raise NotImplementedError(type(self).__name__)

    def distribution(self) -> tfd.Distribution:
        """p(z), batch shape [], event shape as declared."""
        return _OfLayer(self)

    def conditional(self, z) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean [B, n, D] and scale [n, D] of `base` for z [B, n, D]."""
        mean, scale = self.base.conditional(tf.reshape(z, [-1, *self.event_shape]))
        return tf.reshape(mean, tf.shape(z)), tf.reshape(scale, self.sequence)

    def without_base(self, z) -> tuple[tf.Tensor, tf.Tensor]:
        """(z - mean) / scale by `conditional`, [B, n, D], and -sum log scale, nats; float32."""
        z = tf.reshape(tf.cast(z, tf.float32), [-1, *self.sequence])
        mean, scale = self.conditional(z)
        return (z - mean) / scale, -tf.reduce_sum(tf.math.log(scale))

    def with_base(self, drawn) -> tf.Tensor:
        """The z [B, *event_shape] of which `without_base` makes `drawn`, position by position."""
        drawn = tf.reshape(drawn, [-1, *self.sequence])

        def step(t, z):  # after t of them the first t positions stand
            mean, scale = self.conditional(z)
            return t + 1, mean + scale * drawn

        z = tf.zeros_like(drawn)
        z = tf.while_loop(lambda t, _: t < self.sequence[0], step, [tf.constant(0), z])[1]
        return tf.reshape(z, [-1, *self.event_shape])

    def get_config(self):
        return {**super().get_config(), "base": keras.saving.serialize_keras_object(self.base)}

    @classmethod
    def from_config(cls, config):
        config = {**config, "base": keras.saving.deserialize_keras_object(config["base"])}
        config.pop("event_shape", None)  # that of the base
        return cls(**config)


class _OfLayer(Unbatched):
    """A learned prior as a distribution: what `model.prior()` returns."""

    def __init__(self, layer: LearnedPrior, name: str | None = None):
        self._layer = layer
        name = name or type(layer).__name__
        super().__init__(
            event_shape=layer.event_shape,
            dtype=tf.float32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            parameters={"layer": layer, "name": name},
            name=name,
        )

    def _log_prob(self, value):
        flat = tf.reshape(value, [-1, *self._layer.event_shape])
        return tf.reshape(self._layer.log_prob(flat), tf.shape(value)[: -len(self.event_shape)])

    def _sample_n(self, n, seed=None):
        return self._layer.sample(n, tfp.random.sanitize_seed(seed))


@dataclasses.dataclass(frozen=True)
class LearnedPart(Part):
    """The settings of a learned prior, and what they make.

    In front of `JointPart` it is a part of `prior`; in front of `RenewedPart`
    (`tfvae.procedures.auxiliary_prior`) a last stage.
    """

    def over(self, context, base) -> Any:
        """A `LearnedPrior` that begins near `base`."""
        raise NotImplementedError(type(self).__name__)


class JointPart(LearnedPart, PriorPart):
    """The part of `prior`: it begins at N(0, I), and is learned with the model."""

    offers = facts("one_prior prior_without_rows continuous_prior")

    def make(self, context):
        return self.over(context, StandardNormalPrior(context.shape))


def width(usual: int = 64) -> Any:
    """A setting of most of them."""
    return setting(usual, "width of the prior's network", low=1, high=4096)


def layers(usual: int = 6) -> Any:
    """See `width`."""
    return setting(usual, "depth of the prior's network", low=1, high=30)


def components(usual: int = 5) -> Any:
    """See `width`."""
    return setting(usual, "Gaussians of the prior's mixture", low=1, high=500)
