"""A mixture of equal weights of many distributions of one family.

Legend: M points, K components, D numbers of one z.
"""

from __future__ import annotations

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.distributions.aggregate import gaussian_pairs
from tfvae.distributions.mean_field import mean_field
from tfvae.distributions.unbatched import Unbatched

__all__ = ["EvenMixture"]

_MOST = 2**24  # numbers of a block of points x components: 64 MB


class EvenMixture(Unbatched):
    """p(z) = 1/K sum_k q_k(z).

    The densities of diagonal Gaussians are matrix products of M K numbers, in float64, and never hold
    M K D; those of another family are taken in blocks of points. Draws carry the gradient of the
    components': which one it is was drawn evenly, and depends on nothing.

    Args:
        components: batch shape [K], with a density of every z.

    Raises:
        UserError: otherwise.
    """

    def __init__(self, components: tfp.distributions.Distribution, name: str = "EvenMixture"):
        if not isinstance(components, tfp.distributions.Distribution):
            raise UserError(
                "a mixture is of distributions with a density of every z, got "
                f"{type(components).__name__}"
            )
        if components.batch_shape.rank != 1:
            raise UserError(
                f"components must have one batch axis [K], got {components.batch_shape}"
            )
        self._components = components
        super().__init__(
            event_shape=components.event_shape,
            dtype=components.dtype,
            reparameterization_type=components.reparameterization_type,
            parameters={"components": components, "name": name},
            name=name,
        )

    @property
    def components(self) -> tfp.distributions.Distribution:
        """The q_k, batch shape [K]."""
        return self._components

    def _log_prob(self, value):
        event = self.event_shape.as_list()
        shape = tf.shape(value)[: tf.rank(value) - len(event)]
        pairs = self._pairs(tf.reshape(value, [-1, *event]))
        count = tf.cast(tf.shape(pairs)[1], pairs.dtype)
        return tf.reshape(tf.reduce_logsumexp(pairs, -1) - tf.math.log(count), shape)

    def _pairs(self, z) -> tf.Tensor:
        """log q_k(z_m), [M, K]."""
        gaussian = mean_field(self._components)
        if gaussian is not None:
            return tf.cast(gaussian_pairs(z, *gaussian)(slice(None), slice(None)), self.dtype)
        number, count = self._components.batch_shape[0], z.shape[0]
        size = math.prod(self.event_shape)
        if None not in (number, count) and number * count * size <= _MOST:
            return self._components.log_prob(z[:, tf.newaxis])
        number, count = self._components.batch_shape_tensor()[0], tf.shape(z)[0]
        rows = tf.maximum(1, _MOST // (number * size))
        blocks = tf.TensorArray(self.dtype, size=-(-count // rows), infer_shape=False)

        def body(index, found):
            block = z[index * rows : (index + 1) * rows]
            return index + 1, found.write(index, self._components.log_prob(block[:, tf.newaxis]))

        _, blocks = tf.while_loop(
            lambda index, _: index * rows < count, body, (0, blocks), parallel_iterations=1
        )
        return blocks.concat()

    def _sample_n(self, n, seed=None):
        which, noise = tfp.random.split_seed(seed, n=2)
        gaussian = mean_field(self._components)
        count = self._components.batch_shape_tensor()[0]
        chosen = tf.random.stateless_uniform([n], which, 0, count, tf.int32)
        if gaussian is None:
            every = self._components.sample(n, seed=noise)
            return tf.gather(every, chosen[:, tf.newaxis], axis=1, batch_dims=1)[:, 0]
        loc, scale = (tf.gather(parameter, chosen) for parameter in gaussian)
        return loc + scale * tf.random.stateless_normal(tf.shape(loc), noise, dtype=self.dtype)
