"""The records that travel: what a pass is given, what a prior is told, and what a pass produced.

Legend: B batch, C width of the condition, G latent groups.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.randomness import fold, seed_of

__all__ = ["AtDraw", "Draw", "Known", "Pass", "every", "repeated"]

_PRIOR = 0x9A1  # the noise of a prior, apart from that of z


class Known(NamedTuple):
    """What a prior may be told of the examples at hand; `None` where there is nothing to tell.

    Attributes:
        told: what the condition makes of their labels, [B, C] (or of their rows, [B]).
        encode: u [K, ...] in the units of the encoder -> q(z|u), as the encoder is now.
        above: the z of each level above in a hierarchy, {name: [B, ...]}.
        seed: [2] int32, of a prior that draws something to be known.
    """

    told: tf.Tensor | None = None
    encode: Callable | None = None
    above: Mapping[str, tf.Tensor] | None = None
    seed: tf.Tensor | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Pass:
    """What every part is given that may draw, anneal or be told something.

    A dataclass and no tuple: Keras refuses a nested argument in which tensors and others are mixed.

    Attributes:
        seed: [2] int32. It is the noise of z; whoever draws besides takes `noise(purpose)`.
        step: of the training, an integer or a scalar tensor; `None` to measure.
        training: whether the noise of training is on.
        told, above: see `Known`.
        features_of: u [K, ...] in the units of the encoder, and their labels or none -> features; a latent
            makes q(z|u) of them (`Known.encode`).
    """

    seed: tf.Tensor
    step: Any = None
    training: bool = False
    told: tf.Tensor | None = None
    features_of: Callable | None = None
    above: Mapping[str, tf.Tensor] | None = None

    @classmethod
    def measuring(cls, seed: int = 0) -> Pass:
        """Of who wants no draw, or any."""
        return cls(seed_of(seed))

    @property
    def known(self) -> Known:
        """What a prior is told, but for `encode`, which a latent adds that has q(z|u) of any u."""
        return Known(self.told, None, self.above, self.noise(_PRIOR))

    def noise(self, purpose: int) -> tf.Tensor:
        """The seed [2] of a draw that is not that of z.

        Args:
            purpose: an integer of the part's own.
        """
        return fold(self.seed, purpose)

    def but(self, **changes) -> Pass:
        """The same pass but for some attributes."""
        return dataclasses.replace(self, **changes)

    def repeated(self, num) -> Pass:
        """For `num` copies of the batch, one behind the other, [num * B]."""
        return self.but(told=repeated(self.told, num), above=repeated(self.above, num))


def repeated(values, num):
    """Tensors [B, ...], by name or alone, `num` times one behind the other: [num * B, ...]."""
    return tf.nest.map_structure(
        lambda t: None if t is None else tf.tile(t, [num] + [1] * (len(t.shape) - 1)), values
    )


class AtDraw(NamedTuple):
    """Densities at the draw, [B] nats each, computed where they are asked for.

    Attributes:
        log_posterior: () -> log q(z|x).
        log_prior: () -> log p(z).
        rate_is_exact: whether the rate is the closed form, and not log q - log p at the draw.
        levels: of a hierarchy, those of each level.
    """

    log_posterior: Callable[[], tf.Tensor]
    log_prior: Callable[[], tf.Tensor]
    rate_is_exact: bool = False
    levels: Mapping[str, AtDraw] | None = None

    def log_ratio(self) -> tf.Tensor:
        """log p(z) - log q(z|x), [B] nats; with log p(x|z) the log-weight of importance sampling."""
        return self.log_prior() - self.log_posterior()


def every(aux: Mapping[str, tf.Tensor], name: str) -> list[tf.Tensor]:
    """What is called `name`, or `.../name` of several codebooks and of the levels of a hierarchy."""
    return [value for key, value in aux.items() if key.split("/")[-1] == name]


class Draw(NamedTuple):
    """What one posterior draw for a batch produced; objectives and measures read nothing else.

    Attributes:
        batch: the data as it came, [B, ...].
        features: what the encoder computed ({name: tensor} of a hierarchy), or `None`.
        posterior: q(z|x): a `tfd.Distribution` with batch shape [B], or what the family has in its
            place ({name: that} of a hierarchy); `None` of codes.
        z: the draw, [B, ...].
        rate: [B, G] nats; summed over G it is (an unbiased estimate of) KL(q(z|x) || p(z)).
        log_likelihood: log p(x|z), [B] nats; `None` where nothing was decoded.
        aux: further tensors by name; of the levels of a hierarchy `level/name`.
        label: [B] int32, -1 where it is unknown; `None` where none came, or nobody asked for them.
        at_draw: the densities behind the rate; `None` of a draw that was put together by hand.
    """

    batch: Any
    features: Any
    posterior: Any
    z: tf.Tensor
    rate: tf.Tensor
    log_likelihood: tf.Tensor
    aux: dict[str, tf.Tensor]
    label: tf.Tensor | None = None
    at_draw: AtDraw | None = None

    @classmethod
    def of(cls, batch, features, inferred, log_likelihood, label=None) -> Draw:
        """With what a latent inferred (`tfvae.latents.Inferred`)."""
        posterior, z, rate, aux, at_draw = inferred
        return cls(batch, features, posterior, z, rate, log_likelihood, aux, label, at_draw)

    @property
    def distortion(self) -> tf.Tensor:
        """-log p(x|z), [B] nats.

        Raises:
            UserError: nothing was decoded, by a model without a decoder or an inference of codes alone.
        """
        return -self._explained()

    @property
    def elbo(self) -> tf.Tensor:
        """log p(x|z) - rate, [B] nats, always at weight 1."""
        return self._explained() - tf.reduce_sum(self.rate, -1)

    def _explained(self) -> tf.Tensor:
        if self.log_likelihood is None:
            raise UserError(
                "what was not decoded has no distortion and no ELBO: a model without a decoder is trained on "
                "an Objective of other terms"
            )
        return self.log_likelihood
