"""Independent distributions whose points stand side by side on the last axis of one z.

Legend: P of them, d_i numbers of the i-th; z is [..., d_1 + ... + d_P].
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions

__all__ = ["SideBySide"]


class SideBySide(tfd.Distribution):
    """p(z) = prod_i p_i(z_i),   z = (z_1, ..., z_P).

    Args:
        parts: of one batch shape and one floating type, whose event shapes differ in the last axis alone.
    """

    def __init__(self, parts: Sequence[tfd.Distribution], name: str = "SideBySide"):
        parameters = dict(locals())
        self.parts = tuple(parts)
        self.widths = tuple(int(part.event_shape[-1]) for part in self.parts)
        moved = all(
            part.reparameterization_type is tfd.FULLY_REPARAMETERIZED for part in self.parts
        )
        super().__init__(
            dtype=self.parts[0].dtype,
            reparameterization_type=(
                tfd.FULLY_REPARAMETERIZED if moved else tfd.NOT_REPARAMETERIZED
            ),
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def __getitem__(self, slices):
        return SideBySide([part[slices] for part in self.parts])

    def _batch_shape(self):
        return self.parts[0].batch_shape

    def _batch_shape_tensor(self, **kwargs):
        del kwargs
        return self.parts[0].batch_shape_tensor()

    def _event_shape(self):
        return tf.TensorShape([*self.parts[0].event_shape[:-1], sum(self.widths)])

    def _event_shape_tensor(self, **kwargs):
        del kwargs
        return tf.constant(self._event_shape().as_list(), tf.int32)

    def apart(self, z) -> list[tf.Tensor]:
        """[..., d_1 + ... + d_P] -> the P of [..., d_i]."""
        return tf.split(z, list(self.widths), -1)

    def _log_prob(self, z):
        return tf.add_n([part.log_prob(own) for part, own in zip(self.parts, self.apart(z))])

    def _sample_n(self, n, seed=None):
        seeds = tfp.random.split_seed(seed, len(self.parts))
        drawn = [part.sample(n, seed=own) for part, own in zip(self.parts, tf.unstack(seeds))]
        return tf.concat(drawn, -1)

    def _entropy(self):
        return tf.add_n([part.entropy() for part in self.parts])

    def _mean(self):
        return tf.concat([part.mean() for part in self.parts], -1)

    def _mode(self):
        return tf.concat([part.mode() for part in self.parts], -1)
