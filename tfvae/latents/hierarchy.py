"""Levels of latents, each given those above it.

Legend: B batch, G latent groups, D numbers of all levels together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import AtDraw
from tfvae.latents.latent import Inferred, Latent
from tfvae.randomness import fold

__all__ = ["Hierarchy"]


@keras.saving.register_keras_serializable(package="tfvae")
class Hierarchy(Latent):
    """q(z|x) = prod_l q(z_l | x, z_above),  p(z) = prod_l p(z_l | z_above);  rate = the rates of all levels.

    Any latents, the top one first. A level with a join finds its features by `join(features, above)`, where
    `above` is {name: z [B, ...]} of the levels above; its prior is told the same (`Known.above`). The
    encoder gives features by name, {level: [B, ...]}, or one tensor for all levels.

    z is flat, [B, D], the top level first; `parts(z)` has the levels by name, for decoders. `aux` of a draw
    has what the levels have under `level/...`, and `level/rate`, [B, G] nats.

    Args:
        levels: `[("top", latent), ("bottom", latent, join), ...]`, the join a Keras layer or `None`.

    Raises:
        UserError: fewer than two levels, names that are no names of their own, what is no latent; a top
            level with a join.
    """

    def __init__(self, levels: Sequence, **kwargs):
        super().__init__(**kwargs)
        levels = [(*level, None) for level in levels]
        self.names: Any = [level[0] for level in levels]
        self.latents: Any = [level[1] for level in levels]
        self.joins: list[Any] = [level[2] for level in levels]
        own = [name for name in self.names if isinstance(name, str) and name and "/" not in name]
        if len(levels) < 2 or len(set(own)) != len(levels):
            raise UserError(
                f"a Hierarchy needs two levels or more, each with a name, got {self.names}"
            )
        for name, latent in zip(self.names, self.latents):
            if not isinstance(latent, Latent):
                raise UserError(f"level {name!r} must be a latent, got {type(latent).__name__}")
        if self.joins[0] is not None:
            raise UserError(f"level {self.names[0]!r} is the top one: it has nothing to join")

    # ---------------------------------------------------------------- what the levels are together

    @property
    def event_shape(self) -> tuple[int]:
        """(D,)."""
        return (sum(math.prod(latent.event_shape) for latent in self.latents),)

    @property
    def bound(self) -> bool:
        return all(latent.bound for latent in self.latents)

    @property
    def stochastic(self) -> bool:
        return any(latent.stochastic for latent in self.latents)

    @property
    def flat_space(self) -> bool:
        return all(latent.flat_space for latent in self.latents)

    @property
    def num_remembered(self) -> int | None:
        return next(
            (n for n in (own.num_remembered for own in self.latents) if n is not None), None
        )

    @property
    def committed_rate(self):
        rates = [latent.committed_rate for latent in self.latents]
        return None if any(rate is None for rate in rates) else np.concatenate(rates)

    def codebooks(self) -> list:
        return [codebook for latent in self.latents for codebook in latent.codebooks()]

    def memory(self):
        return next((m for m in (own.memory() for own in self.latents) if m is not None), None)

    def posterior_variables(self) -> list:
        joins = [v for join in self.joins if join is not None for v in join.trainable_variables]
        return [*joins, *(v for latent in self.latents for v in latent.posterior_variables())]

    def parts(self, z) -> dict[str, tf.Tensor]:
        """z of each level, {name: [..., *its event shape]}; what stands behind z is left aside."""
        found, begin = {}, 0
        for name, latent in zip(self.names, self.latents):
            size = math.prod(latent.event_shape)
            rows = tf.shape(z)[:-1]
            shape = tf.concat([rows, latent.event_shape], 0)
            part = tf.reshape(z[..., begin : begin + size], shape)
            part.set_shape([*z.shape[:-1], *latent.event_shape])
            found[name], begin = part, begin + size
        return found

    def flat(self, parts: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The z, [B, D], of the levels by name."""
        rows = [tf.reshape(parts[name], [tf.shape(parts[name])[0], -1]) for name in self.names]
        z = tf.concat(rows, -1)
        z.set_shape([None, *self.event_shape])
        return z

    # ---------------------------------------------------------------- the latent

    def build(self, features_shape):
        above = {}
        for name, latent, join in zip(self.names, self.latents, self.joins):
            shape = self._own(features_shape, name)
            if join is not None:
                tensors = {name: keras.KerasTensor((None, *s)) for name, s in above.items()}
                shape = join(keras.KerasTensor((None, *shape[1:])), tensors).shape
            if not latent.built:
                latent.build(tuple(shape))
            above[name] = tuple(latent.event_shape)
        self.built = True

    def infer(self, features, pass_) -> Inferred:
        found: dict[str, Inferred] = {}
        for name, latent, own, passed in self._down(features, pass_, found, lambda one: one.z):
            found[name] = latent.infer(own, passed)
        aux = {f"{n}/{key}": t for n, one in found.items() for key, t in one.aux.items()}
        aux |= {f"{name}/rate": one.rate for name, one in found.items()}
        at = {name: one.at_draw for name, one in found.items()}
        together = AtDraw(
            lambda: tf.add_n([level.log_posterior() for level in at.values()]),
            lambda: tf.add_n([level.log_prior() for level in at.values()]),
            all(level.rate_is_exact for level in at.values()),
            at,
        )
        posterior = {name: one.posterior for name, one in found.items()}
        z = self.flat({name: one.z for name, one in found.items()})
        rate = tf.concat([one.rate for one in found.values()], -1)
        return Inferred(posterior, z, rate, aux, together)

    def code(self, features, pass_=None) -> tf.Tensor:
        found: dict[str, tf.Tensor] = {}
        for name, latent, own, passed in self._down(features, pass_, found):
            found[name] = latent.code(own, passed)
        return self.flat(found)

    def sample(self, num: int, pass_) -> tf.Tensor:
        found: dict[str, tf.Tensor] = {}
        for name, latent, _, passed in self._down(None, pass_, found):
            found[name] = latent.sample(num, passed)
        return self.flat(found)

    def log_prior(self, z, pass_) -> tf.Tensor:
        parts, found, nats = self.parts(z), {}, []
        for name, latent, _, passed in self._down(None, pass_, found):
            found[name] = parts[name]
            nats.append(latent.log_prior(parts[name], passed))
        return tf.add_n(nats)

    def kept(self, draw) -> dict[str, tf.Tensor]:
        """As every latent; `mean` of the levels that are drawn.

        There is no aggregate: q(z_l | x, z_above) of one example at the z of another is not kept.
        """
        levels = [latent.kept(self._level(draw, name)) for name, latent in self._named()]
        means = [kept["mean"] for kept in levels if "mean" in kept]
        codes = [kept[f"codes_{i}"] for kept in levels for i in range(_codes(kept))]
        together = {
            **{f"codes_{i}": own for i, own in enumerate(codes)},
            "z": draw.z,
            "log_posterior": draw.at_draw.log_posterior(),
        }
        if means:
            rows = tf.shape(draw.z)[0]
            together["mean"] = tf.concat([tf.reshape(mean, [rows, -1]) for mean in means], -1)
        if self.bound:
            together["log_prior"] = draw.at_draw.log_prior()
        return together

    def between(self, first, last, share) -> tf.Tensor:
        firsts, lasts, ways = self.parts(first), self.parts(last), {}
        for name, latent in self._named():
            own = tf.reshape(share, [-1] + [1] * len(latent.event_shape))
            ways[name] = latent.between(firsts[name], lasts[name], own)
        return self.flat(ways)

    def entropy(self, draw) -> tf.Tensor:
        own = [latent.entropy(self._level(draw, name)) for name, latent in self._named()]
        return tf.add_n(own)

    # ---------------------------------------------------------------- level by level

    def _named(self):
        return zip(self.names, self.latents)

    def _down(self, features, pass_, found, z_of=lambda z: z):
        """(name, latent, its features, its pass), while `found` grows level by level."""
        for index, (name, latent) in enumerate(self._named()):
            above = {name: z_of(one) for name, one in found.items()}
            own = None if features is None else self._own(features, name)
            if own is not None and self.joins[index] is not None:
                own = self.joins[index](own, above)
            yield name, latent, own, self._passed(pass_, index, above)

    def _passed(self, pass_, index: int, above) -> Any:
        """The pass of one level: noise of its own, those above it, the encoder where it alone says q."""
        if pass_ is None:
            return None
        encode = None
        if pass_.features_of is not None and self.joins[index] is None:
            name = self.names[index]

            def encode(u, label=None):
                return self._own(pass_.features_of(u, label), name)

        seed = fold(pass_.seed, index)
        return pass_.but(seed=seed, above=above or pass_.above, features_of=encode)

    def _own(self, features, name):
        """What the encoder gives this level: tensors or shapes."""
        if not isinstance(features, Mapping):
            return features
        if name not in features:
            raise UserError(
                f"the encoder gives features of {', '.join(features)}, and the levels of the hierarchy are "
                f"{', '.join(self.names)}"
            )
        return features[name]

    def _level(self, draw, name) -> Inferred:
        """The part of a draw that is this level's."""
        before = f"{name}/"
        aux = {k[len(before) :]: t for k, t in draw.aux.items() if k.startswith(before)}
        rate = aux.pop("rate")
        z = self.parts(draw.z)[name]
        return Inferred(draw.posterior[name], z, rate, aux, draw.at_draw.levels[name])

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        levels = zip(self.names, self.latents, self.joins)
        return {
            **super().get_config(),
            "levels": [
                [name, serialize(latent), None if join is None else serialize(join)]
                for name, latent, join in levels
            ],
        }

    @classmethod
    def from_config(cls, config):
        made = keras.saving.deserialize_keras_object
        levels = [
            (name, made(latent), None if join is None else made(join))
            for name, latent, join in config["levels"]
        ]
        return cls(**{**config, "levels": levels})


def _codes(kept) -> int:
    """Of how many codebooks there are codes."""
    return sum(name.startswith("codes_") for name in kept)
