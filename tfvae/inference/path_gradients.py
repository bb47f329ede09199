"""Which gradient of the bound of many samples reaches the posterior: three estimators.

With w_k = p(x|z_k) p(z_k) / q(z_k|x), z_k = z(phi, eps_k), W_k = w_k / sum_j w_j, and
g_k = (d log w_k / d z_k) (d z_k / d phi) the part of the gradient that goes through the draw:

    plain                     sum_k W_k   (g_k - d log q(z_k|x) / d phi)    Burda et al. 2016, eq. 13
    sticking_the_landing      sum_k W_k   g_k                               Roeder, Wu and Duvenaud 2017
    doubly_reparameterised    sum_k W_k^2 g_k                               Tucker et al. 2019, eq. 8

all of log 1/K sum_k w_k, and all with the same gradient for the decoder and the prior. The first and the
third have the bound's gradient as their mean. The second has it for K = 1, where it is the third; for more
samples what it leaves out has a mean: it is off by E sum_k (W_k - W_k^2) g_k (Tucker et al. 2019, section 4).
The signal-to-noise ratio of the first falls with K (Rainforth et al. 2018); that of the third does not where
q is wide enough for the squared weights to have a variance.

Legend: B batch, K samples.
"""

from __future__ import annotations

import tensorflow as tf

__all__ = ["GRADIENTS", "Path"]

GRADIENTS = ("plain", "sticking_the_landing", "doubly_reparameterised")


class Path:
    """The identity of draws z, whose gradient is multiplied by a factor that is known only later.

    The weights of the draws are made of the draws themselves, and they are wanted on the way back alone:
    `factor` is set between the two.
    """

    factor: tf.Tensor
    """[N], of each of the draws [N, ...]."""

    def __call__(self, z: tf.Tensor) -> tf.Tensor:
        @tf.custom_gradient
        def through(z):
            def back(upstream):
                shape = tf.concat([tf.shape(z)[:1], tf.ones([tf.rank(z) - 1], tf.int32)], 0)
                return upstream * tf.reshape(tf.cast(self.factor, upstream.dtype), shape)

            return tf.identity(z), back

        return through(z)
