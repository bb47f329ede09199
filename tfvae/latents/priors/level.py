"""The prior of a level of a hierarchy: a family whose parameters the levels above say.

Legend: B batch, D latent width, A numbers of all levels above.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.latents.posterior import Posterior
from tfvae.latents.prior import Prior

__all__ = ["LevelPrior"]


@keras.saving.register_keras_serializable(package="tfvae")
class LevelPrior(Prior):
    """p(z_l | z_above) = family(network(z_above)),  z_above all levels above side by side, [B, A].

    The two-layer model of Tomczak and Welling 2018 (eq. 15), and every further level of a ladder.

    Args:
        family: a `tfvae.latents.Posterior`, features -> a distribution: the form that posteriors have, too.
        network: a Keras layer, [B, A] -> features [B, F].
        above: {level: event shape} of those above.

    Raises:
        UserError: no such family; nothing above.
    """

    def __init__(self, family, network, above, **kwargs):
        if not isinstance(family, Posterior):
            raise UserError(
                f"family must be a tfvae.latents.Posterior, got {type(family).__name__}"
            )
        if not above:
            raise UserError("a LevelPrior needs at least one level above")
        super().__init__(family.event_shape, **kwargs)
        self.family, self.network = family, network
        self.above = {name: tuple(shape) for name, shape in above.items()}

    def build(self, input_shape=None):
        del input_shape
        if not self.network.built:
            self.network.build((None, self._size))
        if not self.family.built:
            features = keras.KerasTensor((None, self._size))
            self.family.build(tuple(self.network.compute_output_spec(features).shape))
        self.built = True

    @property
    def _size(self) -> int:
        return sum(int(tf.TensorShape(shape).num_elements()) for shape in self.above.values())

    def given(self, known) -> _Given:
        """The prior of each example, batch shape [B].

        Raises:
            UserError: a level above that is not there.
        """
        there = known.above or {}
        missing = [name for name in self.above if name not in there]
        if missing:
            raise UserError(
                f"a LevelPrior is told the levels {', '.join(self.above)} above it, and here "
                f"{missing[0]!r} is not"
            )
        rows = [tf.reshape(there[n], [tf.shape(there[n])[0], -1]) for n in self.above]
        z = tf.concat(rows, -1)
        z.set_shape([None, self._size])
        return _Given(self.family.distribution(self.network(z)))

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "family": serialize(self.family),
            "network": serialize(self.network),
            "above": {name: list(shape) for name, shape in self.above.items()},
        }

    @classmethod
    def from_config(cls, config):
        made = {n: keras.saving.deserialize_keras_object(config[n]) for n in ("family", "network")}
        config = {**config, **made}
        config.pop("event_shape", None)  # that of the family
        return cls(**config)


class _Given:
    def __init__(self, distribution):
        self._distribution = distribution

    def distribution(self):
        """p(z_l | z_above), batch shape [B]."""
        return self._distribution
