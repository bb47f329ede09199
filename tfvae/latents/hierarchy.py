"""Levels of latents, each given those above it.

Legend: B batch, G latent groups, D numbers of all levels together, M points, N reference examples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import AtDraw, repeated
from tfvae.latents.latent import Inferred, Latent, Proposal
from tfvae.latents.level_aggregate import (
    are_vectors,
    features_in,
    log_aggregates,
    named_features,
)
from tfvae.randomness import fold

__all__ = ["Hierarchy"]


@keras.saving.register_keras_serializable(package="tfvae")
class Hierarchy(Latent):
    """q(z|x) = prod_l q(z_l | x, z_above),  p(z) = prod_l p(z_l | z_above);  rate = the rates of all levels.

    Any latents, the top one first. A level with a join finds its features by `join(features, above)`, where
    `above` is {name: z [B, ...]} of the levels above; its prior is told the same (`Known.above`). The
    encoder gives features by name, {level: [B, ...]}, or one tensor for all levels.

    A ladder of any depth is a longer list: level l is `(name, latent, join)` with a prior that reads
    `Known.above` (`LevelPrior`), and join and prior see every level above, not the next one alone. Only the
    top level's prior may ask the encoder (`VampPrior`): what it makes of an input is no q of a level below.

    z is flat, [B, D], the top level first; `parts(z)` has the levels by name, for decoders. `aux` of a draw
    has what the levels have under `level/...`, and `level/rate`, [B, G] nats; the encoder's features as
    `features`, or under each level.

    The aggregate q(z) = 1/N sum_j prod_l q(z_l | x_j, z_above) asks the joins about every point with the
    features of every example, M N times. It is known where every level has a density of every z and features
    that are vectors; with it come I(x; z) and KL(q(z) || p(z)), and what each level adds to them.

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
    def prior_asks_label(self) -> bool:
        return any(latent.prior_asks_label for latent in self.latents)

    @property
    def bound(self) -> bool:
        return all(latent.bound for latent in self.latents)

    @property
    def stochastic(self) -> bool:
        return any(latent.stochastic for latent in self.latents)

    @property
    def confined_to(self) -> str:
        return " beside ".join(latent.confined_to for latent in self.latents if latent.confined_to)

    @property
    def free_numbers(self):
        return np.concatenate([latent.free_numbers for latent in self.latents])

    @property
    def num_remembered(self) -> int | None:
        """Rows of the memory of the level that has one; `None` if none has."""
        return next(
            (n for n in (own.num_remembered for own in self.latents) if n is not None), None
        )

    @property
    def committed_rate(self):
        """The least rate of each channel, all levels side by side, in nats; `None` if one commits none."""
        rates = [latent.committed_rate for latent in self.latents]
        return None if any(rate is None for rate in rates) else np.concatenate(rates)

    def levels(self) -> list[str]:
        return list(self.names)

    def codebooks(self) -> list:
        return [codebook for latent in self.latents for codebook in latent.codebooks()]

    def memory(self):
        return next((m for m in (own.memory() for own in self.latents) if m is not None), None)

    def upkeep(self) -> list:
        """Nothing.

        Raises:
            UserError: a level's posterior has some, which would look for its features in those of all.
        """
        for name, latent in self._named():
            if latent.upkeep():
                raise UserError(
                    f"level {name!r} has a posterior that is kept up by its features, and a Hierarchy has "
                    "those of all levels: take a GaussianPosterior"
                )
        return []

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
        above: dict[str, tf.Tensor] = {}
        for name, latent, own, passed in self._down(features, pass_, above):
            found[name] = latent.infer(own, passed)
            above[name] = found[name].z
        aux = {f"{n}/{key}": t for n, one in found.items() for key, t in one.aux.items()}
        aux |= named_features(features)
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

    def proposal(self, features, pass_) -> Proposal:
        """What the top level asks is the same for all draws; the levels below are inferred for each."""
        name, latent, own, passed = next(self._down(features, pass_, {}))
        top = latent.proposal(own, passed)

        def propose(num, seed):
            z, log_ratio = top(num, fold(seed, 0))
            found = {name: tf.reshape(z, [-1, *latent.event_shape])}
            many = pass_.but(seed=seed).repeated(num)
            for below, lower, own, passed in self._down(repeated(features, num), many, found, 1):
                inferred = lower.infer(own, passed)
                found[below] = inferred.z
                log_ratio += tf.reshape(inferred.log_ratio(), [num, -1])
            return tf.reshape(self.flat(found), [num, -1, *self.event_shape]), log_ratio

        return propose

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
        """As every latent; `mean` of the levels that are drawn, given the means above them.

        A mean given a *draw* above would vary without x.
        """
        own = {name: self._level(draw, name) for name in self.names}
        kept = {name: latent.kept(own[name]) for name, latent in self._named()}
        codes = [each[f"codes_{i}"] for each in kept.values() for i in range(_codes(each))]
        features = features_in(self.names, draw.aux)
        means = self.parts(self.code(features))
        means = {
            name: _rows(means[name] / latent.unit_scale)
            for name, latent in self._named()
            if "mean" in kept[name]
        }
        together = {f"codes_{i}": each for i, each in enumerate(codes)}
        if all(each.posterior_is_known for each in self.latents) and are_vectors(features):
            together |= named_features(features)
        for name, level in own.items():
            more = {n: kept[name][n] for n in ("log_posterior", "log_prior") if n in kept[name]}
            more |= {"z": level.z, "rate": tf.reduce_sum(level.rate, -1)}
            more |= {"mean": means[name]} if name in means else {}
            together |= {f"{name}/{what}": values for what, values in more.items()}
        together |= {"z": draw.z, "log_posterior": draw.at_draw.log_posterior()}
        if means:
            together["mean"] = tf.concat(list(means.values()), -1)
        if self.bound:
            together["log_prior"] = draw.at_draw.log_prior()
        return together

    def between(self, first, last, share) -> tf.Tensor:
        firsts, lasts, ways = self.parts(first), self.parts(last), {}
        for name, latent in self._named():
            own = tf.reshape(share, [-1] + [1] * len(latent.event_shape))
            ways[name] = latent.between(firsts[name], lasts[name], own)
        return self.flat(ways)

    def log_aggregate(self, reference, points) -> tf.Tensor | None:
        found = self.log_aggregates(reference, points)
        return None if found is None else found[self.names[-1]]

    def log_aggregates(self, reference, points) -> dict[str, tf.Tensor] | None:
        features = features_in(self.names, reference)
        if features is None or not all(each.posterior_is_known for each in self.latents):
            return None
        z = self.parts(tf.convert_to_tensor(points["z"]))
        return log_aggregates(self._densities, features, z)

    def _densities(self, features, z):
        """(level, log q(z_l | x, z_above), [B]) of the z of each level."""
        above: dict[str, tf.Tensor] = {}
        for name, latent, own, _ in self._down(features, None, above):
            above[name] = z[name]
            yield name, latent.log_density(own, z[name])

    def entropy(self, draw) -> tf.Tensor:
        own = [latent.entropy(self._level(draw, name)) for name, latent in self._named()]
        return tf.add_n(own)

    # ---------------------------------------------------------------- level by level

    def _named(self):
        return zip(self.names, self.latents)

    def _down(self, features, pass_, found: Mapping[str, tf.Tensor], begin: int = 0):
        """(name, latent, its features, its pass) from a level on, while `found`, {name: z}, grows."""
        for index, (name, latent) in list(enumerate(self._named()))[begin:]:
            above = dict(found)
            own = None if features is None else self._own(features, name)
            if own is not None and self.joins[index] is not None:
                own = self.joins[index](own, above)
            yield name, latent, own, self._passed(pass_, index, above)

    def _passed(self, pass_, index: int, above) -> Any:
        """The pass of one level: noise of its own, those above it, the encoder where it alone says q."""
        if pass_ is None:
            return None
        seed, encode = fold(pass_.seed, index), self._encoder_of(pass_, index)
        return pass_.but(seed=seed, above=above or pass_.above, features_of=encode)

    def _encoder_of(self, pass_, index: int) -> Any:
        """(u, label) -> this level's features; `None` where they are joined with what is above."""
        if pass_.features_of is None or self.joins[index] is not None:
            return None
        return lambda u, label=None: self._own(pass_.features_of(u, label), self.names[index])

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


def _rows(values) -> tf.Tensor:
    """[B, ...] -> [B, D]."""
    return tf.reshape(values, [tf.shape(values)[0], -1])


def _codes(kept) -> int:
    """Of how many codebooks there are codes."""
    return sum(name.startswith("codes_") for name in kept)
