"""What the diagonal Gaussian posteriors share: everything but where their parameters come from.

Legend: B batch, F features.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.latents.posterior import Posterior
from tfvae.randomness import batch_normal

tfd = tfp.distributions

__all__ = ["MeanFieldPosterior"]


class MeanFieldPosterior(Posterior):
    """Abstract: z = mu + sigma * eps,  eps ~ N(0, I); a subclass says `parameters(features)`.

    Args:
        event_shape: `(D,)` for one vector, or `(n, D)` for a sequence, for which the encoder must
            give features [B, n, F].
    """

    num_parameters = 2

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, tf.Tensor]:
        """(mu, log sigma^2), each [B, *event_shape], float32."""
        raise NotImplementedError(type(self).__name__)

    def of(self, mean, log_variance) -> tfd.Distribution:
        """q with these parameters: batch shape [B], event shape as declared."""
        normal = tfd.Normal(mean, tf.exp(0.5 * log_variance))
        return tfd.Independent(normal, reinterpreted_batch_ndims=len(self.event_shape))

    def parameters_of(self, posterior) -> tuple[tf.Tensor, tf.Tensor]:
        """What `of` was given for this distribution."""
        normal = posterior.distribution
        return normal.loc, 2.0 * tf.math.log(normal.scale)

    def draw(self, posterior, seed) -> tf.Tensor:
        """z [B, *event_shape]; the noise belongs to the example, whatever the number of replicas."""
        normal = posterior.distribution
        shape = [tf.shape(normal.loc)[0], *self.event_shape]
        return normal.loc + normal.scale * batch_normal(shape, seed)
