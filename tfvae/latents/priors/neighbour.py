"""A prior that is told the code of a similar example.

Legend: B batch, N training examples, D numbers of a code, K neighbours, M mixture components.
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.latents.memory import CodeMemory
from tfvae.latents.prior import Prior
from tfvae.randomness import batch_uniform

tfd = tfp.distributions

__all__ = ["NeighbourPrior"]

_LOG_SCALE_BOUND = 3.0


@keras.saving.register_keras_serializable(package="tfvae")
class NeighbourPrior(Prior):
    """p(z|c') = prod_d sum_m w_md(c') N(z_d; c'_d + f_md(c'), exp(g_md(c'))^2),  c' near the code.

    Graves, Menick and van den Oord 2018: c' is drawn from the K training codes that are nearest to
    the code of x. w, f and g come from an MLP that starts near p(z|c') = N(c', I) (that its means are
    relative to c' is ours).

    Which neighbour was taken is known only to who knows x, so a rate under this prior is no part of
    a bound of log p(x): ln N more nats would be (the row's address).

    Args:
        event_shape: of z, `(D,)` or `(n, D)`.
        num_examples: N, the rows of the memory.
        num_neighbours: K.
        units: width of the MLP's layers.
        num_layers: their number.
        num_components: M.
        exclude_own: an example may not be its own neighbour. Without it the prior learns N(c', I),
            the rate goes to 0 and the code may hold anything: only to see that happen.
    """

    def __init__(
        self,
        event_shape,
        num_examples: int,
        num_neighbours: int = 5,
        units: int = 512,
        num_layers: int = 3,
        num_components: int = 5,
        exclude_own: bool = True,
        **kwargs,
    ):
        super().__init__(event_shape, **kwargs)
        self.num_examples = num_examples
        self.num_neighbours = num_neighbours
        self.units = units
        self.num_layers = num_layers
        self.num_components = num_components
        self.exclude_own = exclude_own
        if num_neighbours < 1 or num_neighbours + exclude_own > num_examples:
            raise UserError(
                f"{num_neighbours} neighbours need a memory of more codes, got {num_examples}"
            )
        size = math.prod(self.event_shape)
        self.memory = CodeMemory(num_examples, size, name="memory")
        self.chain = [
            keras.layers.Dense(units, activation="relu", dtype="float32", name=f"hidden_{i}")
            for i in range(num_layers)
        ]
        self.head = keras.layers.Dense(
            3 * num_components * size,
            kernel_initializer="zeros",
            # components must not start equal, or they would stay so
            bias_initializer=keras.initializers.RandomNormal(stddev=0.05, seed=1),
            dtype="float32",
            name="head",
        )

    def build(self, input_shape=None):
        del input_shape
        if not self.memory.built:
            self.memory.build()
        if not self.head.built:
            width = self.memory.size
            for layer in self.chain:
                layer.build((None, width))
                width = self.units
            self.head.build((None, width))
        self.built = True

    def neighbours(self) -> NeighbourPrior:
        return self

    def neighbour(self, code, seed, own=None) -> tf.Tensor:
        """c', one of the K nearest drawn at random, [B, *event_shape] -> [B, D]; no gradient.

        Args:
            code: [B, *event_shape].
            seed: [2] int32.
            own: [B] int32, the rows of training examples, or `None` for others.
        """
        flat = tf.reshape(code, [-1, self.memory.size])
        own = own if self.exclude_own else None
        rows = self.memory.nearest(flat, self.num_neighbours, own)
        place = batch_uniform([tf.shape(flat)[0]], seed) * self.num_neighbours
        place = tf.minimum(tf.cast(place, tf.int32), self.num_neighbours - 1)
        return tf.stop_gradient(self.memory.lookup(tf.gather(rows, place, batch_dims=1)))

    def near(self, neighbour) -> tfd.Distribution:
        """p(z|c'), [B, D] -> batch shape [B], event shape as declared."""
        h = tf.cast(neighbour, tf.float32)
        for layer in self.chain:
            h = layer(h)
        shape = [-1, *self.event_shape, self.num_components]
        logits, shift, log_scale = (tf.reshape(p, shape) for p in tf.split(self.head(h), 3, -1))
        mean = tf.reshape(neighbour, [*shape[:-1], 1]) + shift
        scale = tf.exp(_LOG_SCALE_BOUND * tf.tanh(log_scale / _LOG_SCALE_BOUND))
        if self.num_components == 1:
            each = tfd.Normal(mean[..., 0], scale[..., 0])
        else:
            each = tfd.MixtureSameFamily(tfd.Categorical(logits=logits), tfd.Normal(mean, scale))
        return tfd.Independent(each, len(self.event_shape))

    def sample(self, num: int, seed) -> tf.Tensor:
        """z ~ p(z|c') with c' any code of the memory, [num, *event_shape]."""
        seeds = tfp.random.split_seed(seed, n=2)
        rows = tf.random.stateless_uniform([num], seeds[0], 0, self.num_examples, tf.int32)
        return self.near(self.memory.lookup(rows)).sample(seed=seeds[1])

    def conditional(self, z) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and scale of all codes with the noise of q: where an auxiliary prior begins."""
        codes = tf.convert_to_tensor(self.memory.codes)
        mean, variance = tf.nn.moments(codes, 0)
        mean = tf.reshape(mean, [1, *self.event_shape])
        return mean + tf.zeros_like(z), tf.reshape(tf.sqrt(variance + 1.0), self.event_shape)

    def distribution(self):
        """There is no p(z) of its own.

        Raises:
            UserError: always.
        """
        raise UserError(
            "a NeighbourPrior knows p(z | a neighbour's code) and no p(z): give the model a fitted "
            "one (model.with_prior(AutoregressivePrior(model.latent.prior)), in the zoo "
            "auxiliary=true)"
        )

    def get_config(self):
        return {
            **super().get_config(),
            "num_examples": self.num_examples,
            "num_neighbours": self.num_neighbours,
            "units": self.units,
            "num_layers": self.num_layers,
            "num_components": self.num_components,
            "exclude_own": self.exclude_own,
        }
