"""A Gaussian posterior whose means are normalised over the batch, so that the rate has a floor.

    mu_d(x) = gamma (m_d(x) - mean m_d) / sqrt(var m_d + eps) + b_d,   m = linear(features)
    mean_x KL(q(z|x) || N(0, I)) >= 1/2 sum_d [ gamma^2 v_d / (v_d + eps) + b_d^2 ],   v_d = var m_d

Legend: B batch of this replica, D latent width.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from tfvae.checks import positive, within
from tfvae.latents.parts import PosteriorPart
from tfvae.latents.posteriors.gaussian import HEADS, GaussianPosterior
from tfvae.parts import facts, part, setting
from tfvae.replicas import batch_moments

__all__ = ["BatchNormalisedPosterior", "MovingMoments"]

# with the 1e-5 of usual layers an encoder shrinks its means below it, and the floor with them
_EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="tfvae")
class BatchNormalisedPosterior(GaussianPosterior):
    """N(mu(x), diag sigma(x)^2), where each mean has variance gamma^2 over the batch; Zhu et al. 2020.

    Mean and variance are those of the global batch (population form), whatever the number of replicas; to
    measure, and where the layer is frozen, their running averages, which `MovingMoments` keeps: an
    `Update` that moves the posterior calls it. gamma is held, b is learned; sigma is as in
    `GaussianPosterior`. The floor is that of the batch's mean rate under N(0, I), not of an example's; with
    running averages it holds as far as they are the data's. It says how far the means lie apart, and not
    that the decoder reads them.

    Args:
        event_shape: see `MeanFieldPosterior`.
        gamma: the standard deviation of each mean.
        decay: of the running averages.
        epsilon: eps; the floor is gone where the spread of m is below its root.
        **kwargs: of the `GaussianPosterior`; the linear layer of the means has no bias, which would be
            subtracted again.

    Raises:
        UserError: gamma or eps that are not above 0; a decay outside of [0, 1).
    """

    def __init__(
        self,
        event_shape,
        gamma: float = 0.6,
        decay: float = 0.99,
        epsilon: float = _EPSILON,
        **kwargs,
    ):
        super().__init__(event_shape, **kwargs)
        self.gamma = float(positive("gamma of a posterior", gamma))
        self.decay = float(within("decay of a posterior", decay, 0.0, 0.9999))
        self.epsilon = float(positive("epsilon of a posterior", epsilon))
        self._moving = MovingMoments(self)

    def biased(self, name: str) -> bool:
        return name != "mean" and super().biased(name)

    def build(self, features_shape):
        super().build(features_shape)
        shape = self.event_shape
        self.centre = self.add_weight(name="b", shape=shape, initializer="zeros", dtype="float32")
        # every replica assigns what it computed from the whole batch: the same
        kept = {"trainable": False, "dtype": "float32", "aggregation": "only_first_replica"}
        self.moving_mean = self.add_weight(
            name="moving_mean", shape=shape, initializer="zeros", **kept
        )
        self.moving_variance = self.add_weight(
            name="moving_variance", shape=shape, initializer="ones", **kept
        )
        self.moved = self.add_weight(name="moved", shape=(), initializer="zeros", **kept)

    def parameters(self, features, pass_=None) -> tuple[tf.Tensor, tf.Tensor]:
        """(mu, log sigma^2), each [B, *event_shape], float32."""
        raw, log_variance = super().parameters(features, pass_)
        if pass_ is not None and pass_.training and self.trainable:
            mean, variance = batch_moments(raw)
        else:
            mean, variance = map(tf.convert_to_tensor, (self.moving_mean, self.moving_variance))
        scaled = (raw - mean) * (self.gamma * tf.math.rsqrt(variance + self.epsilon))
        return scaled + tf.convert_to_tensor(self.centre), log_variance

    def upkeep(self) -> list:
        return [self._moving]

    def get_config(self):
        return {
            **super().get_config(),
            "gamma": self.gamma,
            "decay": self.decay,
            "epsilon": self.epsilon,
        }


class MovingMoments:
    """Running averages of the moments by which a `BatchNormalisedPosterior` normalises.

        m <- m + (1-g) / (1 - g^t) (batch's - m)      after t steps: the first one sets it

    See `tfvae.procedures.after.After`. The averages are weights of the posterior: its files and checkpoints
    hold them. A batch of one example, which has no variance, and a frozen posterior move nothing.

    Args:
        posterior: whose.
    """

    moves_weights, moves = True, "the moments of a batch-normalised posterior"

    def __init__(self, posterior: BatchNormalisedPosterior):
        self.posterior = posterior

    @property
    def follows(self) -> list:
        """The weights whose moves it follows."""
        return list(self.posterior.trainable_variables)

    def build(self, model) -> None:
        """Nothing: the averages are built with the posterior."""

    def read(self, draw) -> tf.Tensor:
        """The means before they are normalised, [B, *event_shape]."""
        features = tf.cast(draw.features, tf.float32)
        return tf.stop_gradient(self.posterior.mean_head(features))

    def __call__(self, seen, step, seed) -> None:
        """One move, in replica context; the same on every replica."""
        del step, seed
        own = self.posterior
        if not own.trainable:
            return
        count, mean, variance = batch_moments(seen, counted=True)
        moves = tf.cast(count > 1.0, tf.float32)
        moved = tf.convert_to_tensor(own.moved) + moves
        share = moves * (1.0 - own.decay) / tf.maximum(1.0 - own.decay**moved, 1e-12)
        for average, new in ((own.moving_mean, mean), (own.moving_variance, variance)):
            held = tf.convert_to_tensor(average)
            average.assign(held + share * (new - held))
        own.moved.assign(moved)

    def state(self) -> dict[str, tf.Variable]:
        """Nothing: the averages are weights of the posterior."""
        return {}


@part
class BatchNormalised(PosteriorPart):
    """N(mu(x), diag sigma(x)^2), the means normalised over the batch: a floor under the rate (BN-VAE)."""

    name = "batch_normalised"
    needs = facts("pairs encoder_posterior")  # one that is refined leaves the floor
    offers = facts(
        "z density density_of_every_z independent_units mean_field mean_and_scale paid_rate"
    )
    posterior_gamma: float = setting(
        0.6, "of the means: the rate is at least gamma^2 / 2 nats a number", low=1e-3, high=100.0
    )
    moments_decay: float = setting(
        0.99, "of the running averages by which is measured", low=0.0, high=0.9999
    )
    posterior_head: str = setting(
        "log_scale",
        "what the encoder's last layer gives of sigma: log sigma, or log sigma^2 as most released codes "
        "(half the gradient)",
        choices=HEADS,
    )

    def make(self, context):
        return BatchNormalisedPosterior(
            context.shape,
            gamma=self.posterior_gamma,
            decay=self.moments_decay,
            head=self.posterior_head,
            **context.heads,
        )
