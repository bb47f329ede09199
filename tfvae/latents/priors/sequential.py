"""What a prior is that makes the positions of z one after the other.

Legend: B batch, n positions, D channels, M mixture components, F features.
"""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.latents.priors.learned import LearnedPrior

tfd = tfp.distributions

__all__ = ["SequentialPrior", "shifted"]

_STRETCH = 4.0  # bound of |ln(scale / scale of the base)|


class SequentialPrior(LearnedPrior):
    """Abstract: p(z) = prod_t sum_m w_m(z_<t) prod_d N(z_td; mu_d(z_<t) + f_md, (s_d exp(g_md))^2).

    `mu` and `s` are the conditional of `base`; w, f and g are linear in features of z_<t, which the
    sub-class has, and start near 0: p(z) begins near the base and can only improve on it. The components
    share their weight over the channels of a position, so channels may depend on one another.

    A draw takes n passes of the network.

    Args:
        base: see `LearnedPrior`.
        num_components: M.
    """

    def __init__(self, base, num_components: int, **kwargs):
        super().__init__(base, **kwargs)
        self.num_components = num_components
        self.head = keras.layers.Dense(
            num_components * (1 + 2 * self.sequence[1]),
            kernel_initializer="zeros",
            # components must not start equal, or they would stay so
            bias_initializer=keras.initializers.RandomNormal(stddev=0.05, seed=1),
            dtype="float32",
            name="head",
        )

    def features(self, z) -> tf.Tensor:
        """z [B, n, D] -> [B, n, F]: of position t a function of z_<t alone."""
        raise NotImplementedError(type(self).__name__)

    def build_network(self, shape) -> tuple:
        """Builds what makes the features of z [None, n, D]; their shape."""
        raise NotImplementedError(type(self).__name__)

    def build(self, input_shape=None):
        del input_shape
        if not self.base.built:
            self.base.build(None)
        if not self.head.built:
            self.head.build(self.build_network((None, *self.sequence)))
        self.built = True

    def _next(self, z) -> tfd.Distribution:
        """p(z_t | z_<t) for every t at once, z [B, n, D]: batch shape [B], event shape [n, D]."""
        (length, channels), components = self.sequence, self.num_components
        logits, shift, stretch = tf.split(
            self.head(self.features(z)),
            [components, components * channels, components * channels],
            -1,
        )
        shape = [-1, length, components, channels]
        mean, scale = self.conditional(z)
        stretch = _STRETCH * tf.tanh(tf.reshape(stretch, shape) / _STRETCH)
        mixture = tfd.MixtureSameFamily(
            tfd.Categorical(logits=logits),
            tfd.MultivariateNormalDiag(
                mean[:, :, None] + tf.reshape(shift, shape), scale[:, None] * tf.exp(stretch)
            ),
        )
        return tfd.Independent(mixture, 1)

    def log_prob(self, z) -> tf.Tensor:
        z = tf.reshape(tf.cast(z, tf.float32), [-1, *self.sequence])
        return self._next(z).log_prob(z)

    def sample(self, num: int, seed) -> tf.Tensor:
        """`num` ancestral draws, [num, *event_shape]."""
        length, channels = self.sequence
        seeds = tfp.random.split_seed(seed, n=length)

        def step(t, z):
            draw = self._next(z).sample(seed=tf.gather(seeds, t))
            here = tf.one_hot(t, length, dtype=z.dtype)[None, :, None]
            return t + 1, z * (1.0 - here) + draw * here

        start = tf.zeros([num, length, channels], tf.float32)
        z = tf.while_loop(lambda t, _: t < length, step, [tf.constant(0), start])[1]
        return tf.reshape(z, [num, *self.event_shape])

    def get_config(self):
        return {**super().get_config(), "num_components": self.num_components}


def shifted(z) -> tf.Tensor:
    """z_{t-1} at t, and an indicator of the first position: [B, n, D] -> [B, n, D + 1]."""
    before = tf.pad(z[:, :-1], [[0, 0], [1, 0], [0, 0]])
    start = tf.one_hot(tf.zeros([tf.shape(z)[0]], tf.int32), z.shape[1], dtype=z.dtype)[..., None]
    return tf.concat([before, start], -1)
