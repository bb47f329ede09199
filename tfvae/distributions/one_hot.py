"""A category as a one-hot vector, and its relaxation.

    hard     c = one_hot(argmax_k (log pi_k + g_k)),             g_k ~ Gumbel(0, 1)
    relaxed  y = softmax((log pi + g) / temperature),            y -> c as the temperature goes to 0

Jang et al. 2017, Maddison et al. 2017.

Legend: B batch, K categories.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp

from tfvae.randomness import batch_uniform

tfd = tfp.distributions

__all__ = ["OneHot", "draw_one_hot"]

_LEAST = 1e-30  # of a uniform number, whose logarithm is taken


class OneHot(tfd.OneHotCategorical):
    """log p(z) = sum_k z_k log pi_k,   float32: of a one-hot z its probability, of a relaxed one linear in z.

    So the gradient passes to a relaxed z, which TFP's own stops.

    Args:
        logits: log pi up to a constant, [..., K].
        temperature: of the draws that training takes (`draw_one_hot`), a scalar; `None`: they are one-hot.
            Those of `sample` always are.
    """

    def __init__(self, logits, temperature=None, name: str = "OneHot"):
        parameters = dict(locals())
        self.temperature = temperature
        super().__init__(logits=logits, dtype=tf.float32, name=name)
        self._parameters = parameters

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        del dtype, num_classes
        return {"logits": tfp.util.ParameterProperties(event_ndims=1)}

    def __getitem__(self, slices):
        return OneHot(self.logits[slices], self.temperature)

    def log_probabilities(self) -> tf.Tensor:
        """log pi, [..., K]."""
        return tf.nn.log_softmax(self.logits)

    def _log_prob(self, z):
        return tf.reduce_sum(z * self.log_probabilities(), -1)


@tfd.RegisterKL(OneHot, OneHot)
def _kl(first: OneHot, second: OneHot, name=None) -> tf.Tensor:
    """sum_k pi_k (log pi_k - log rho_k), nats: of the categories, whatever the temperature."""
    del name
    log_pi = first.log_probabilities()
    return tf.reduce_sum(tf.exp(log_pi) * (log_pi - second.log_probabilities()), -1)


def draw_one_hot(category: OneHot, seed, straight_through: bool = False) -> tf.Tensor:
    """z [B, ..., K] ~ `category`: relaxed at its temperature, or one-hot where it has none.

    The noise belongs to the example, whatever the number of replicas. With one seed the one-hot draw has its
    1 where the relaxed one is largest.

    Args:
        category: batch shape [B, ...].
        seed: [2] int32.
        straight_through: the value of a draw at a temperature is the one-hot vector, its gradient that of
            the relaxed one.
    """
    log_pi = category.log_probabilities()
    shape = [tf.shape(log_pi)[0], *log_pi.shape[1:]]
    noise = -tf.math.log(-tf.math.log(tf.maximum(batch_uniform(shape, seed), _LEAST)))
    hard = tf.one_hot(tf.argmax(log_pi + noise, -1), log_pi.shape[-1])
    if category.temperature is None:
        return hard
    relaxed = tf.nn.softmax((log_pi + noise) / category.temperature)
    return hard + relaxed - tf.stop_gradient(relaxed) if straight_through else relaxed
