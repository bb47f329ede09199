"""The two terms of every variational bound:  -ELBO = distortion + rate."""

from __future__ import annotations

import operator

import tensorflow as tf

from tfvae.draw import Draw

__all__ = ["distortion", "rate"]


def distortion(draw: Draw) -> tf.Tensor:
    """-log p(x|z), [B] nats."""
    return draw.distortion


distortion.of_means = operator.itemgetter("distortion")


def rate(draw: Draw) -> tf.Tensor:
    """KL(q(z|x) || p(z)) (or its estimate at the draw), [B] nats."""
    return tf.reduce_sum(draw.rate, -1)


rate.of_means = operator.itemgetter("rate")
