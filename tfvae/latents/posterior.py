"""What a posterior family is.

Legend: B batch, F features, S draws.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae.draw import repeated

__all__ = ["DrawnPosterior", "Posterior"]


class Posterior(keras.layers.Layer):
    """Abstract: q(z|x) = of(parameters(features)), a `tfd.Distribution` with a density of every z.

    A sub-class says `parameters`, `of` and `parameters_of`, and `draw` with the noise of
    `tfvae.randomness.batch_normal`, which belongs to the example, whatever the number of replicas.

    Args:
        event_shape: of one z, `(D,)` for one vector, or `(n, D)` for a sequence, for which the encoder
            must give features [B, n, F].
    """

    has_density = True
    """Whether q has a density of every z, from which that of q(z) is made."""

    confined_to = ""
    """What z is, where it may not be any numbers: `a point on a sphere`."""

    refinable = True
    """Whether `of` some parameters has draws that a gradient moves, so that they can be sought for an x."""

    num_parameters: int | None = None
    """How many tensors `parameters` gives, of a family that may stand beside another in one z."""

    positive = False
    """Whether every number of z is above 0."""

    unit_scale: Any = 1.0
    """The spread of a number of z under the prior of the family, by which codes are divided before their
    variance says whether a unit is active."""

    def __init__(self, event_shape, **kwargs):
        super().__init__(**kwargs)
        self.event_shape = tuple(event_shape)

    @property
    def free_numbers(self) -> np.ndarray:
        """Which numbers of z may be any, bool [D]."""
        return np.full(self.event_shape[-1:], not self.confined_to)

    @property
    def unit_widths(self) -> tuple[int, ...]:
        """How many numbers of the last axis of z each of its units takes: one, or the K of a category."""
        return (1,) * self.event_shape[-1]

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, ...]:
        """Tensors [B, ...] that say which member of the family it is; what is refined, too.

        Args:
            features: of the encoder, [B, F] or [B, n, F].
            pass_: `tfvae.draw.Pass`, for a family that is annealed or noisy; `None` to measure.
        """
        raise NotImplementedError(type(self).__name__)

    def of(self, *parameters) -> Any:
        """q with these parameters: batch shape [B], event shape as declared, float32."""
        raise NotImplementedError(type(self).__name__)

    def parameters_of(self, posterior) -> tuple[tf.Tensor, ...]:
        """What `of` was given for this q."""
        raise NotImplementedError(type(self).__name__)

    def distribution(self, features, pass_=None) -> Any:
        """q(z|x)."""
        return self.of(*self.parameters(features, pass_))

    def draw(self, posterior, seed) -> tf.Tensor:
        """z [B, *event_shape] ~ q."""
        raise NotImplementedError(type(self).__name__)

    def scored(self, posterior, seed) -> tuple[tf.Tensor, Callable[[], tf.Tensor]]:
        """`draw`, and () -> log q(z|x) at it, [B] nats."""
        z = self.draw(posterior, seed)
        return z, lambda: posterior.log_prob(z)

    def propose(self, posterior, num, seed) -> tuple[tf.Tensor, tf.Tensor]:
        """`num` draws for each example and their log q(z|x), [S, B, ...] and [S, B] nats."""
        z = posterior.sample(num, seed=seed)
        return z, posterior.log_prob(z)

    def code(self, posterior) -> tf.Tensor:
        """The deterministic code, E_q[z] where that is one, [B, *event_shape]."""
        return posterior.mean()

    def mean(self, posterior) -> tf.Tensor:
        """E_q[z], or what stands for it, [B, *event_shape]: its variance says whether a unit is active."""
        return self.code(posterior)

    def between(self, first, last, share) -> tf.Tensor:
        """The codes on the way from one to the other, [..., *event_shape]; `share` from 0 to 1, [..., 1]."""
        return first * (1.0 - share) + last * share

    def neutral(self, parameters) -> list[tf.Tensor]:
        """Parameters that know nothing of x, where a search begins."""
        return [tf.zeros_like(p) for p in parameters]

    def upkeep(self) -> list:
        """See `tfvae.latents.Latent.upkeep`."""
        return []

    def entropy(self, posterior, at_draw) -> tf.Tensor:
        """H(q(z|x)), [B] nats."""
        del at_draw
        return posterior.entropy()

    def get_config(self):
        return {**super().get_config(), "event_shape": self.event_shape}


class DrawnPosterior(Posterior):
    """Abstract: q(z|x) that is known at its own draws alone (a flow, a mixture over auxiliary numbers).

    A sub-class says `parameters`, `of` (any record of them), `parameters_of`, `scored` and `code`. Where a
    density is not known but an unbiased estimate of 1 / q(z|x) under q is (an auxiliary variable a:
    r(a|x,z) / (q(a|x) q(z|a,x))), minus its logarithm serves: bound and importance weights stay right.

    What needs the density of every z does not exist for it (the aggregate q(z), and so the mutual
    information): `None` in reports.
    """

    has_density = False

    def scored(self, posterior, seed) -> tuple[tf.Tensor, Callable[[], tf.Tensor]]:
        """z [B, *event_shape] ~ q, and () -> log q(z|x) at it, [B] nats."""
        raise NotImplementedError(type(self).__name__)

    def code(self, posterior) -> tf.Tensor:
        """A deterministic code, [B, *event_shape]."""
        raise NotImplementedError(type(self).__name__)

    def draw(self, posterior, seed) -> tf.Tensor:
        return self.scored(posterior, seed)[0]

    def propose(self, posterior, num, seed) -> tuple[tf.Tensor, tf.Tensor]:
        many = self.of(*repeated(tuple(self.parameters_of(posterior)), num))
        z, log_posterior = self.scored(many, seed)
        shape = [num, -1, *self.event_shape]
        return tf.reshape(z, shape), tf.reshape(log_posterior(), shape[:2])

    def entropy(self, posterior, at_draw) -> tf.Tensor:
        """-log q(z|x) at the draw, [B] nats: H(q(z|x)) on average."""
        del posterior
        return -at_draw.log_posterior()
