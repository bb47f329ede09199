"""A prior that is a VAE of codes: a second latent, and the label, explain z.

    p(z|y) = int p(z|z2, y) N(z2; 0, I) dz2

Legend: B batch, S draws, D latent width, E width of z2, C width of the condition.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError, count
from tfvae.latents.parts import PriorPart
from tfvae.latents.posteriors.gaussian import GaussianPosterior
from tfvae.latents.prior import Prior
from tfvae.networks.mlp import build_chain
from tfvae.parts import facts, part, setting
from tfvae.randomness import batch_normal, fold

tfd = tfp.distributions

__all__ = ["NestedPrior"]

_OF_Z2, _OF_Z = 0x22, 0x21  # purposes of the seed


@keras.saving.register_keras_serializable(package="tfvae")
class NestedPrior(Prior):
    """p(z|z2, y) and q(z2|z, y), each a diagonal Gaussian of a network; without a condition there is no y.

    What stands for log p(z|y) is, at a draw of z2 from q(z2|z, y),

        log p(z|z2, y) + log N(z2; 0, I) - log q(z2|z, y)     nats

    The mean of its exp is p(z|y), so importance weights are right; its mean lies below log p(z|y). With
    q(z|x, s) it is the two-layer model of Louizos, Swersky, Li, Welling and Zemel 2016, whose
    divergences are estimated at the draws. The rate is in one group.

    Args:
        event_shape: (D,).
        width: E.
        units: of the hidden layers of both networks.
        condition_size: C; 0: none is told.

    Raises:
        UserError: z is no vector.
    """

    estimated = True

    def __init__(
        self,
        event_shape,
        width: int = 32,
        units: Sequence[int] = (64,),
        condition_size: int = 0,
        **kwargs,
    ):
        super().__init__(event_shape, **kwargs)
        if len(self.event_shape) != 1:
            raise UserError(
                f"a NestedPrior is over vectors z of shape (D,), got {self.event_shape}"
            )
        self.width, self.units = count("width of z2", width), tuple(units)
        self.condition_size = condition_size
        self.upper = GaussianPosterior((self.width,), name="upper")
        self.lower = GaussianPosterior(self.event_shape, name="lower")
        self.upper_layers, self.lower_layers = self._hidden("upper"), self._hidden("lower")

    def _hidden(self, name: str) -> list:
        return [
            keras.layers.Dense(u, "relu", dtype="float32", name=f"{name}_{i}")
            for i, u in enumerate(self.units)
        ]

    def build(self, input_shape=None):
        del input_shape
        size = self.event_shape[0]
        for head, layers, beside in (
            (self.upper, self.upper_layers, size),
            (self.lower, self.lower_layers, self.width),
        ):
            first = (None, beside + self.condition_size)
            build_chain(layers, first)
            if not head.built:
                head.build((None, layers[-1].units) if layers else first)
        self.built = True

    @property
    def asks_label(self) -> bool:
        return self.condition_size > 0

    def given(self, known) -> _Given:
        """The prior of each example where something is told, [B, C] -> batch shape [B].

        Raises:
            UserError: it was made for a condition, and nothing is told.
        """
        if (known.told is None) != (self.condition_size == 0):
            raise UserError(
                f"a NestedPrior that is told {self.condition_size} numbers was told "
                f"{'none' if known.told is None else 'some'}: the model's condition must be told to the "
                "prior (told=...), and label=... be given"
            )
        return _Given(self, known)

    def distribution(self):
        """p(z), where nothing is told, with z2 by a seed that never changes."""
        return _Nested(self, None, tf.zeros([2], tf.int32))

    def of_z2(self, z2, told):
        """p(z|z2, y), batch shape [B] of rows [B, E]."""
        return self._of(self.lower, self.lower_layers, z2, told)

    def of_z(self, z, told):
        """q(z2|z, y), batch shape [B] of rows [B, D]."""
        return self._of(self.upper, self.upper_layers, z, told)

    def _of(self, head, layers, rows, told):
        hidden = rows if told is None else tf.concat([rows, tf.cast(told, rows.dtype)], -1)
        for layer in layers:
            hidden = layer(hidden)
        return head.distribution(hidden)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "units": self.units,
            "condition_size": self.condition_size,
        }


class _Given:
    def __init__(self, prior: NestedPrior, known):
        self._prior, self._known = prior, known

    def distribution(self) -> tfd.Distribution:
        """p(z|y), batch shape [B]; [] where nothing is told."""
        seed = tf.zeros([2], tf.int32) if self._known.seed is None else self._known.seed
        return _Nested(self._prior, self._known.told, seed)


class _Nested(tfd.Distribution):
    """Its density is estimated at one draw of z2 for each z; see `NestedPrior`."""

    def __init__(self, layer: NestedPrior, told, seed):
        self._layer, self._told, self._seed = layer, told, seed
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters={"layer": layer, "told": told, "seed": seed},
            name="Nested",
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def _batch_shape(self):
        return tf.TensorShape([] if self._told is None else self._told.shape[:1])

    def _batch_shape_tensor(self, **kwargs):
        del kwargs
        return tf.constant([], tf.int32) if self._told is None else tf.shape(self._told)[:1]

    def _event_shape(self):
        return tf.TensorShape(self._layer.event_shape)

    def _event_shape_tensor(self):
        return tf.constant(self._layer.event_shape, tf.int32)

    def _log_prob(self, value):
        layer, value = self._layer, tf.cast(value, tf.float32)
        rows = tf.reshape(value, [-1, *layer.event_shape])
        told = self._each(tf.shape(rows)[0])
        upper = layer.of_z(rows, told)
        noise = batch_normal([tf.shape(rows)[0], layer.width], fold(self._seed, _OF_Z2))
        z2 = upper.mean() + upper.stddev() * noise
        found = layer.of_z2(z2, told).log_prob(rows) + _standard(z2) - upper.log_prob(z2)
        return tf.reshape(found, tf.shape(value)[:-1])

    def _each(self, rows):
        """What is told of each of the rows, which are the batch once or several times, [rows, C]."""
        if self._told is None:
            return None
        return tf.tile(self._told, [rows // tf.shape(self._told)[0], 1])

    def _sample_n(self, n, seed=None):
        layer, seed = self._layer, tfp.random.sanitize_seed(seed)
        told = self._told
        batch = 1 if told is None else tf.shape(told)[0]
        rows = n * batch
        z2 = batch_normal([rows, layer.width], fold(seed, _OF_Z2))
        lower = layer.of_z2(z2, self._each(rows))
        z = lower.mean() + lower.stddev() * batch_normal(
            [rows, *layer.event_shape], fold(seed, _OF_Z)
        )
        return tf.reshape(z, [n, *([] if told is None else [batch]), *layer.event_shape])


def _standard(z) -> tf.Tensor:
    """log N(z; 0, I), [B] nats."""
    return -0.5 * tf.reduce_sum(tf.square(z) + math.log(2.0 * math.pi), -1)


@part
class Nested(PriorPart):
    """A second latent, and the label where it is told, explain z: a VAE of codes (VFAE)."""

    name = "nested"
    needs = facts("density one_vector")
    offers = facts("prior_without_rows continuous_prior")
    nested_width: int = setting(32, "numbers of z2", low=1, high=4096)
    nested_units: tuple[int, ...] = setting(
        (64,), "of the hidden layers of p(z|z2, y) and q(z2|z, y)", low=1, high=8192, length=(0, 8)
    )

    def make(self, context):
        size = 0 if context.condition is None else context.condition.size
        return NestedPrior(context.shape, self.nested_width, self.nested_units, size)
