"""The auxiliary prior: an autoregressive density over the numbers of z, fitted on frozen posteriors.

Legend: B batch, n positions, D channels, M mixture components, F features.
"""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.distributions import Unbatched
from tfvae.latents.prior import Prior

tfd = tfp.distributions

__all__ = ["AutoregressivePrior"]


@keras.saving.register_keras_serializable(package="tfvae")
class AutoregressivePrior(Prior):
    """p(z) = prod_t sum_m w_m(z_<t) prod_d N(z_td; mu_d(z_{t-1}) + f_md, (s_d exp(g_md))^2).

    Razavi et al., ICLR 2019, section 2.3 (the auxiliary prior). `mu` and `s` are the conditional of
    the prior `base` that it replaces; f and g come from a causal network whose last layer starts
    near 0, so fitting begins at the base prior's rate and can only improve on it. The components
    share their weight over the channels of a position, so channels may depend on one another.
    The causal network is a stack of dilated convolutions of width 2 with residual connections.

    A vector (D,) is read as a sequence of D positions of one channel.

    The rate is a Monte Carlo estimate in one group: log q(z|x) - log p(z), [B, 1] nats.

    Args:
        base: the prior of the first stage, with `event_shape` and `conditional`.
        filters: width of the causal network.
        num_layers: its depth; dilations 1, 2, 4, ... (it sees 2^num_layers positions).
        num_components: M.
    """

    def __init__(
        self, base, filters: int = 64, num_layers: int = 6, num_components: int = 5, **kwargs
    ):
        super().__init__(base.event_shape, **kwargs)
        self.base = base
        self.filters = filters
        self.num_layers = num_layers
        self.num_components = num_components
        self.first = keras.layers.Dense(filters, dtype="float32", name="first")
        self.convolutions = [
            keras.layers.Conv1D(
                2 * filters,
                2,
                padding="causal",
                dilation_rate=2**i,
                dtype="float32",
                name=f"causal_{i}",
            )
            for i in range(num_layers)
        ]
        self.projections = [
            keras.layers.Dense(
                filters, kernel_initializer="zeros", dtype="float32", name=f"out_{i}"
            )
            for i in range(num_layers)
        ]
        channels = self._sequence[1]
        self.head = keras.layers.Dense(
            num_components * (1 + 2 * channels),
            kernel_initializer="zeros",
            # components must not start equal, or they would stay so
            bias_initializer=keras.initializers.RandomNormal(stddev=0.05, seed=1),
            dtype="float32",
            name="head",
        )

    def neighbours(self):
        return self.base.neighbours()

    @property
    def _sequence(self) -> tuple[int, int]:
        """(positions, channels)."""
        return (*self.event_shape, 1)[:2]

    def build(self, input_shape=None):
        del input_shape
        length, channels = self._sequence
        if not self.base.built:
            self.base.build(None)
        if not self.first.built:
            # the raw sequence and an indicator of the first position
            self.first.build((None, length, channels + 1))
            for convolution, projection in zip(self.convolutions, self.projections):
                convolution.build((None, length, self.filters))
                projection.build((None, length, self.filters))
            self.head.build((None, length, self.filters))
        self.built = True

    def _next(self, z) -> tfd.Distribution:
        """p(z_t | z_<t) for every t at once, z [B, n, D]: batch shape [B], event shape [n, D]."""
        length, channels = self._sequence
        before = tf.pad(z[:, :-1], [[0, 0], [1, 0], [0, 0]])
        start = tf.one_hot(tf.zeros([tf.shape(z)[0]], tf.int32), length, dtype=z.dtype)[..., None]
        hidden = self.first(tf.concat([before, start], -1))
        for convolution, projection in zip(self.convolutions, self.projections):
            values, gates = tf.split(convolution(tf.nn.elu(hidden)), 2, -1)
            hidden += projection(tf.tanh(values) * tf.sigmoid(gates))
        components = self.num_components
        out = self.head(tf.nn.elu(hidden))
        logits, shift, stretch = tf.split(
            out, [components, components * channels, components * channels], -1
        )
        shape = [-1, length, components, channels]
        mean, scale = self.base.conditional(tf.reshape(z, [-1, *self.event_shape]))
        mean, scale = tf.reshape(mean, tf.shape(z)), tf.reshape(scale, [length, channels])
        stretch = 4.0 * tf.tanh(tf.reshape(stretch, shape) / 4.0)
        mixture = tfd.MixtureSameFamily(
            tfd.Categorical(logits=logits),
            tfd.MultivariateNormalDiag(
                mean[:, :, None] + tf.reshape(shift, shape), scale[:, None] * tf.exp(stretch)
            ),
        )
        return tfd.Independent(mixture, 1)

    def distribution(self) -> tfd.Distribution:
        """p(z), batch shape [], event shape as declared; a draw takes n passes of the causal network."""
        return _Sequential(self)

    def log_prob(self, z) -> tf.Tensor:
        """log p(z), [B] nats, float32."""
        z = tf.reshape(tf.cast(z, tf.float32), [-1, *self._sequence])
        return self._next(z).log_prob(z)

    def sample(self, num: int, seed) -> tf.Tensor:
        """`num` ancestral draws, [num, *event_shape]."""
        length, channels = self._sequence
        seeds = tfp.random.split_seed(seed, n=length)

        def step(t, z):
            draw = self._next(z).sample(seed=tf.gather(seeds, t))
            here = tf.one_hot(t, length, dtype=z.dtype)[None, :, None]
            return t + 1, z * (1.0 - here) + draw * here

        start = tf.zeros([num, length, channels], tf.float32)
        z = tf.while_loop(lambda t, _: t < length, step, [tf.constant(0), start])[1]
        return tf.reshape(z, [num, *self.event_shape])

    def get_config(self):
        return {
            **super().get_config(),
            "base": keras.saving.serialize_keras_object(self.base),
            "filters": self.filters,
            "num_layers": self.num_layers,
            "num_components": self.num_components,
        }

    @classmethod
    def from_config(cls, config):
        config = {**config, "base": keras.saving.deserialize_keras_object(config["base"])}
        config.pop("event_shape", None)  # that of the base
        return cls(**config)


class _Sequential(Unbatched):
    """The autoregressive prior as a distribution: what `model.prior()` returns."""

    def __init__(self, layer: AutoregressivePrior, name: str = "AutoregressivePrior"):
        self._layer = layer
        super().__init__(
            event_shape=layer.event_shape,
            dtype=tf.float32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            parameters={"layer": layer, "name": name},
            name=name,
        )

    def _log_prob(self, value):
        flat = tf.reshape(value, [-1, *self._layer.event_shape])
        return tf.reshape(self._layer.log_prob(flat), tf.shape(value)[: -len(self.event_shape)])

    def _sample_n(self, n, seed=None):
        return self._layer.sample(n, tfp.random.sanitize_seed(seed))
