"""Several posterior families in one z: a group of numbers each.

Legend: B batch, P families, d_i numbers of the i-th.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.distributions import SideBySide
from tfvae.latents.posterior import Posterior
from tfvae.randomness import fold

__all__ = ["SideBySidePosterior"]


@keras.saving.register_keras_serializable(package="tfvae")
class SideBySidePosterior(Posterior):
    """q(z|x) = prod_i q_i(z_i|x), each a family with a density of every z_i; z = (z_1, ..., z_P).

    The groups of the rate are those of the families, in their order.

    Args:
        posteriors: of event shapes that differ in the last axis alone.

    Raises:
        UserError: none of them, or one that cannot stand beside another.
    """

    def __init__(self, posteriors: Sequence[Posterior], event_shape=None, **kwargs):
        posteriors = tuple(posteriors)
        if not posteriors:
            raise UserError("a SideBySidePosterior needs posteriors, got none")
        for each in posteriors:
            if getattr(each, "num_parameters", None) is None:
                raise UserError(
                    f"a {type(each).__name__} cannot stand beside other posteriors in one z: a family says "
                    "its num_parameters"
                )
        leading = {tuple(each.event_shape[:-1]) for each in posteriors}
        if len(leading) > 1:
            raise UserError(
                "posteriors side by side need the same positions, got event shapes "
                f"{', '.join(str(tuple(each.event_shape)) for each in posteriors)}"
            )
        widths = [each.event_shape[-1] for each in posteriors]
        super().__init__((*leading.pop(), sum(widths)), **kwargs)
        self.posteriors, self.widths = list(posteriors), widths
        self.num_parameters = sum(each.num_parameters or 0 for each in posteriors)

    @property
    def confined_to(self) -> str:
        return " beside ".join(each.confined_to for each in self.posteriors if each.confined_to)

    @property
    def free_numbers(self) -> np.ndarray:
        return np.concatenate([each.free_numbers for each in self.posteriors])

    @property
    def unit_widths(self) -> tuple[int, ...]:
        return sum((each.unit_widths for each in self.posteriors), ())

    @property
    def refinable(self) -> bool:
        return all(each.refinable for each in self.posteriors)

    @property
    def unit_scale(self) -> np.ndarray:
        """Of each number, [D]."""
        scales = [
            np.broadcast_to(np.asarray(each.unit_scale, np.float32), [width])
            for each, width in zip(self.posteriors, self.widths)
        ]
        return np.concatenate(scales)

    def build(self, features_shape):
        for each in self.posteriors:
            if not each.built:
                each.build(features_shape)
        self.built = True

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, ...]:
        """Those of each, one behind the other."""
        return tuple(p for each in self.posteriors for p in each.parameters(features, pass_))

    def _apart(self, parameters):
        """Those of each."""
        parameters = list(parameters)
        for each in self.posteriors:
            yield each, [parameters.pop(0) for _ in range(each.num_parameters or 0)]

    def of(self, *parameters) -> SideBySide:
        """q with these parameters."""
        return SideBySide([each.of(*own) for each, own in self._apart(parameters)])

    def distribution(self, features, pass_=None) -> SideBySide:
        return SideBySide([each.distribution(features, pass_) for each in self.posteriors])

    def parameters_of(self, posterior) -> tuple[tf.Tensor, ...]:
        """What `of` was given for this q."""
        both = zip(self.posteriors, posterior.parts)
        return tuple(p for each, own in both for p in each.parameters_of(own))

    def draw(self, posterior, seed) -> tf.Tensor:
        """z [B, *event_shape], of each with noise of its own."""
        return tf.concat([each.draw(own, s) for each, own, s in self._seeded(posterior, seed)], -1)

    def propose(self, posterior, num, seed) -> tuple[tf.Tensor, tf.Tensor]:
        found = [each.propose(own, num, s) for each, own, s in self._seeded(posterior, seed)]
        return tf.concat([z for z, _ in found], -1), tf.add_n([nats for _, nats in found])

    def _seeded(self, posterior, seed):
        for place, (each, own) in enumerate(zip(self.posteriors, posterior.parts)):
            yield each, own, fold(seed, place)

    def code(self, posterior) -> tf.Tensor:
        """Those of each."""
        both = zip(self.posteriors, posterior.parts)
        return tf.concat([each.code(own) for each, own in both], -1)

    def mean(self, posterior) -> tf.Tensor:
        both = zip(self.posteriors, posterior.parts)
        return tf.concat([each.mean(own) for each, own in both], -1)

    def between(self, first, last, share) -> tf.Tensor:
        """Each on its own way."""
        ends = (tf.split(end, self.widths, -1) for end in (first, last))
        ways = [each.between(a, b, share) for each, a, b in zip(self.posteriors, *ends)]
        return tf.concat(ways, -1)

    def neutral(self, parameters) -> list[tf.Tensor]:
        return [p for each, own in self._apart(parameters) for p in each.neutral(own)]

    def upkeep(self) -> list:
        return [what for each in self.posteriors for what in each.upkeep()]

    def entropy(self, posterior, at_draw) -> tf.Tensor:
        both = zip(self.posteriors, posterior.parts)
        return tf.add_n([each.entropy(own, at_draw) for each, own in both])

    def get_config(self):
        posteriors = [keras.saving.serialize_keras_object(each) for each in self.posteriors]
        return {**super().get_config(), "posteriors": posteriors}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        posteriors = config.pop("posteriors")
        return cls([keras.saving.deserialize_keras_object(each) for each in posteriors], **config)
