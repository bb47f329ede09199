"""Mean-field Gaussian posterior: q(z|x) = prod_i N(mu_i(x), sigma_i(x)^2).

Legend: B batch, F features, n positions, D latent width.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import UserError, one_of
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posteriors.mean_field import MeanFieldPosterior
from tfvae.latents.shapes import check_features
from tfvae.parts import facts, part, setting

__all__ = ["HEADS", "GaussianPosterior"]

HEADS = ("log_scale", "log_variance", "softplus")
_SMALL = 5.0  # of `softplus`: a code that is nearly deterministic at first

# exp(+-8): wide enough for every published model, narrow enough for float32 KL and gradients.
_LOG_SCALE_BOUND = 8.0


@keras.saving.register_keras_serializable(package="tfvae")
class GaussianPosterior(MeanFieldPosterior):
    """mu, a = linear(features);  z = mu + sigma * eps,  eps ~ N(0, I).

        log_scale       log sigma = 8 tanh(a / 8)
        log_variance    log sigma^2 = 16 tanh(a / 16)
        softplus        sigma = softplus(a - 5),  a bounded as in the first

    Bounded smoothly, so no finite input gives an infinite rate. The second is that of most released
    codes (there without a bound): the same posteriors, and half the gradient in a, which matters
    under SGD. The third is that of Alemi et al. 2017: sigma is 0.0067 at first, far from the prior.

    Args:
        event_shape: `(D,)` for one vector, or `(n, D)` for a sequence, for which the encoder must
            give features [B, n, F].
        initial_scale: sigma at initialisation, apart from the random projection of the features.
        use_bias: of both projections; without it `initial_scale` must be 1.
        uniform_scale: s for both projections ~ U(-s, s) (He et al. 2019: 0.01, without bias); `None`
            for Glorot's, and a hundredth of its variance for a.
        head: what a is, of `HEADS`; with `softplus` the initial scale is that of the head.

    Raises:
        UserError: an initial scale that needs a bias, without one, or beside `softplus`; an unknown head.
    """

    def __init__(
        self,
        event_shape,
        initial_scale: float = 1.0,
        use_bias: bool = True,
        uniform_scale: float | None = None,
        head: str = "log_scale",
        **kwargs,
    ):
        super().__init__(event_shape, **kwargs)
        if not use_bias and initial_scale != 1.0:
            raise UserError(f"without a bias initial_scale must be 1, got {initial_scale}")
        self.initial_scale = initial_scale
        self.use_bias, self.uniform_scale = use_bias, uniform_scale
        self.head = one_of("head of a posterior", head, HEADS)
        if head == "softplus" and initial_scale != 1.0:
            raise UserError(
                f"a softplus head has an initial scale of its own, got initial_scale={initial_scale}"
            )
        self._factor = 2.0 if head == "log_variance" else 1.0
        bias = self._factor * float(tf.math.log(float(initial_scale)))
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
            use_bias=self.biased(name),
            kernel_initializer=kernel,
            bias_initializer=bias,
            dtype="float32",
            name=name,
        )

    def biased(self, name: str) -> bool:
        """Whether the projection of that name has a bias."""
        del name
        return self.use_bias

    def build(self, features_shape):
        check_features(type(self).__name__, self.event_shape, features_shape)
        for head in (self.mean_head, self.scale_head):
            if not head.built:
                head.build(features_shape)
        self.built = True

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, tf.Tensor]:
        """(mu, log sigma^2), each [B, *event_shape], float32."""
        features = tf.cast(features, tf.float32)
        bound = self._factor * _LOG_SCALE_BOUND
        bounded = bound * tf.tanh(self.scale_head(features) / bound)
        if self.head == "softplus":
            return self.mean_head(features), 2.0 * tf.math.log(tf.nn.softplus(bounded - _SMALL))
        return self.mean_head(features), 2.0 / self._factor * bounded

    def get_config(self):
        return {
            **super().get_config(),
            "initial_scale": self.initial_scale,
            "use_bias": self.use_bias,
            "uniform_scale": self.uniform_scale,
            "head": self.head,
        }


@part
class Gaussian(PosteriorPart):
    """N(mu(x), diag sigma(x)^2)."""

    name = "gaussian"
    offers = facts(
        "z density density_of_every_z independent_units mean_field mean_and_scale paid_rate "
        "gradient_moves_all"
    )
    posterior_head: str = setting(
        "log_scale",
        "what the encoder's last layer gives of sigma: log sigma, or log sigma^2 as most released codes "
        "(half the gradient)",
        choices=HEADS,
    )
    posterior_bias: bool = setting(True, "of the layers that give mean and scale")

    def make(self, context):
        return GaussianPosterior(
            context.shape,
            use_bias=self.posterior_bias,
            head=self.posterior_head,
            **context.heads,
        )
