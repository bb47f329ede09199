"""What every distribution without a batch says of its shapes."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp

__all__ = ["Unbatched"]


class Unbatched(tfp.distributions.Distribution):
    """Abstract: batch shape [], a static event shape; a sub-class has `_log_prob` and `_sample_n`.

    Args:
        event_shape: of one draw.
        dtype: of the draws.
        reparameterization_type: whether gradients pass through `sample`.
        parameters: the sub-class's own constructor arguments.
        name: of the distribution.
    """

    def __init__(self, event_shape, dtype, reparameterization_type, parameters, name):
        self._static_event_shape = tf.TensorShape(event_shape)
        super().__init__(
            dtype=dtype,
            reparameterization_type=reparameterization_type,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def _batch_shape(self):
        return tf.TensorShape([])

    def _batch_shape_tensor(self, **kwargs):
        del kwargs
        return tf.constant([], tf.int32)

    def _event_shape(self):
        return self._static_event_shape

    def _event_shape_tensor(self):
        return tf.constant(self._static_event_shape.as_list(), tf.int32)
