"""The two terms of every variational bound:  -ELBO = distortion + rate."""

from __future__ import annotations

import operator

import tensorflow as tf

from tfvae.draw import Draw
from tfvae.objectives.objective import Objective

__all__ = ["distortion", "elbo", "rate"]


def distortion(draw: Draw) -> tf.Tensor:
    """-log p(x|z), [B] nats."""
    return draw.distortion


distortion.of_means = operator.itemgetter("distortion")


def rate(draw: Draw) -> tf.Tensor:
    """KL(q(z|x) || p(z)) (or its estimate at the draw), [B] nats."""
    return tf.reduce_sum(draw.rate, -1)


rate.of_means = operator.itemgetter("rate")


def elbo(beta=1.0) -> Objective:
    """distortion + beta * rate.

    Args:
        beta: a number or a `Schedule`; 1 is the evidence lower bound (Kingma and Welling 2014).
    """
    return Objective({"distortion": distortion, "rate": (beta, rate)})
