"""Mean-field Gaussian posterior: q(z|x) = prod_i N(mu_i(x), sigma_i(x)^2).

Legend: B batch, F features, n positions, D latent width.
"""

from __future__ import annotations

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.checks import UserError
from tfvae.randomness import batch_normal

tfd = tfp.distributions

__all__ = ["GaussianPosterior"]

# exp(+-8): wide enough for every published model, narrow enough for float32 KL and gradients.
_LOG_SCALE_BOUND = 8.0


@keras.saving.register_keras_serializable(package="tfvae")
class GaussianPosterior(keras.layers.Layer):
    """mu, log sigma = linear(features);  z = mu + sigma * eps,  eps ~ N(0, I).

    The log-scale is bounded smoothly, 8 tanh(a / 8), so no finite input gives an infinite rate.

    Args:
        event_shape: `(D,)` for one vector, or `(n, D)` for a sequence, for which the encoder must
            give features [B, n, F].
        initial_scale: sigma at initialisation, apart from the random projection of the features.
        use_bias: of both projections; without it `initial_scale` must be 1.
        uniform_scale: s for both projections ~ U(-s, s) (He et al. 2019: 0.01, without bias); `None`
            for Glorot's, and a hundredth of its variance for the log-scale.

    Raises:
        UserError: an initial scale that needs a bias, without one.
    """

    def __init__(
        self,
        event_shape,
        initial_scale: float = 1.0,
        use_bias: bool = True,
        uniform_scale: float | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not use_bias and initial_scale != 1.0:
            raise UserError(f"without a bias initial_scale must be 1, got {initial_scale}")
        self.event_shape = tuple(event_shape)
        self.initial_scale = initial_scale
        self.use_bias, self.uniform_scale = use_bias, uniform_scale
        bias = float(tf.math.log(float(initial_scale)))
        self.mean_head = self._head("mean", "glorot_uniform", "zeros")
        self.scale_head = self._head(
            "log_scale",
            keras.initializers.VarianceScaling(0.01),
            keras.initializers.Constant(bias),
        )

    def _head(self, name, kernel, bias):
        if self.uniform_scale is not None:
            kernel = keras.initializers.RandomUniform(-self.uniform_scale, self.uniform_scale)
        return keras.layers.Dense(
            self.event_shape[-1],
            use_bias=self.use_bias,
            kernel_initializer=kernel,
            bias_initializer=bias,
            dtype="float32",
            name=name,
        )

    def build(self, features_shape):
        want = len(self.event_shape) + 1
        if len(features_shape) != want or (want == 3 and features_shape[1] != self.event_shape[0]):
            raise UserError(
                f"GaussianPosterior with event shape {self.event_shape} needs features "
                f"[B, {', '.join([str(s) for s in self.event_shape[:-1]] + ['F'])}], "
                f"got {tuple(features_shape)}"
            )
        for head in (self.mean_head, self.scale_head):
            if not head.built:
                head.build(features_shape)
        self.built = True

    def parameters(self, features) -> tuple[tf.Tensor, tf.Tensor]:
        """(mu, log sigma^2), each [B, *event_shape], float32."""
        features = tf.cast(features, tf.float32)
        log_scale = _LOG_SCALE_BOUND * tf.tanh(self.scale_head(features) / _LOG_SCALE_BOUND)
        return self.mean_head(features), 2.0 * log_scale

    def of(self, mean, log_variance) -> tfd.Distribution:
        """q with these parameters: batch shape [B], event shape as declared."""
        normal = tfd.Normal(mean, tf.exp(0.5 * log_variance))
        return tfd.Independent(normal, reinterpreted_batch_ndims=len(self.event_shape))

    def parameters_of(self, posterior) -> tuple[tf.Tensor, tf.Tensor]:
        """What `of` was given for this distribution."""
        normal = posterior.distribution
        return normal.loc, 2.0 * tf.math.log(normal.scale)

    def distribution(self, features) -> tfd.Distribution:
        """q(z|x): batch shape [B], event shape as declared, float32."""
        return self.of(*self.parameters(features))

    def draw(self, posterior, seed) -> tf.Tensor:
        """z [B, *event_shape]; the noise belongs to the example, whatever the number of replicas."""
        normal = posterior.distribution
        shape = [tf.shape(normal.loc)[0], *self.event_shape]
        return normal.loc + normal.scale * batch_normal(shape, seed)

    def get_config(self):
        return {
            **super().get_config(),
            "event_shape": self.event_shape,
            "initial_scale": self.initial_scale,
            "use_bias": self.use_bias,
            "uniform_scale": self.uniform_scale,
        }
