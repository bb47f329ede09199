"""A critic that may know only so much of what it judges.

Legend: B batch, K width of the critic's own code.
"""

from __future__ import annotations

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import Draw
from tfvae.objectives.critic import Critic

__all__ = ["Bottleneck", "CriticInformation"]

_LOG_SCALE_BOUND = 8.0


class Bottleneck:
    """logits = head(c),  c ~ r(c|draw) = N(mean, scale^2),  [mean, log scale] = body(draw).

    Variational discriminator bottleneck, Peng et al. 2019. The penalty of the other player looks at the
    mean of c (as published), the critic's own loss at a draw of it. What the code costs is a term of
    the critic's objective, `CriticInformation`.

    Args:
        body: a critic with 2 K outputs; what it reads is what this one reads.
        head: a critic of a vector of K numbers.

    Raises:
        UserError: an odd number of outputs.
    """

    def __init__(self, body: Critic, head: Critic):
        if body.outputs % 2:
            raise UserError(
                "the body of a Bottleneck gives a mean and a log-scale for each number: an even number "
                f"of outputs, got {body.outputs}"
            )
        self.body, self.head = body, head
        self.inputs, self.outputs = body.inputs, head.outputs

    def build(self, model) -> None:
        """Makes the weights of both for the model's draws."""
        self.body.build(model)
        self.head.build_for(self.body.outputs // 2)

    @property
    def trainable_variables(self) -> list:
        """The weights of both."""
        return [*self.body.trainable_variables, *self.head.trainable_variables]

    @property
    def needs_label(self) -> bool:
        """Whether it reads labels."""
        return self.body.needs_label

    @property
    def num_labels(self) -> int | None:
        """Of the critic."""
        return self.body.num_labels

    @property
    def after(self) -> tuple:
        """Of both."""
        return (*self.body.after, *self.head.after)

    def _code(self, draw: Draw) -> tuple[tf.Tensor, tf.Tensor]:
        mean, log_scale = tf.split(self.body(draw), 2, -1)
        return mean, _LOG_SCALE_BOUND * tf.tanh(log_scale / _LOG_SCALE_BOUND)

    def __call__(self, draw: Draw, seed=None) -> tf.Tensor:
        """The logits, [B, O].

        Args:
            draw: one stochastic pass; with a seed that of all replicas (`tfvae.objectives.critic.whole`).
            seed: [2] int32 of the noise; `None`: c is its mean.
        """
        mean, log_scale = self._code(draw)
        if seed is not None:
            noise = tf.random.stateless_normal(tf.shape(mean), seed)
            mean += tf.exp(log_scale) * noise
        return self.head.of_rows(mean)

    def information(self, draw: Draw) -> tf.Tensor:
        """KL(r(c|draw) || N(0, I)), [B] nats."""
        mean, log_scale = self._code(draw)
        nats = 0.5 * (mean**2 + tf.exp(2.0 * log_scale) - 1.0) - log_scale
        return tf.reduce_sum(nats, -1)


class CriticInformation:
    """How much a critic knows: 1/2 mean KL of the one sample + 1/2 mean KL of the other, nats.

    Its weight is usually a dual variable, so that it comes to I_c (Peng et al. 2019, eq. 8):

        DualVariable("term/information", I_c, "additive", step_size, ema=0.0, start=0.0, bounds=(0.0, 1e4))

    Args:
        loss: the loss of a critic that is a `Bottleneck`; it has `critic` and `sides(draw, step)`.
    """

    reads_step = True

    def __init__(self, loss):
        if not hasattr(loss.critic, "information"):
            raise UserError(
                f"CriticInformation is of a Bottleneck, and this critic is a {type(loss.critic).__name__}"
            )
        self.loss = loss

    def __call__(self, draw: Draw, step) -> tf.Tensor:
        """Scalar, of the whole global batch."""
        means = [
            tf.reduce_mean(self.loss.critic.information(s)) for s in self.loss.sides(draw, step)
        ]
        return 0.5 * tf.add_n(means)
