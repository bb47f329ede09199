"""The inference axis: how one posterior draw is made for one x."""

from __future__ import annotations

import tensorflow as tf

from tfvae.draw import Draw
from tfvae.parts import Part, facts, part

__all__ = ["amortised", "code_only", "encoder_only"]


def amortised(model, x, seed, step=None, label=None) -> Draw:
    """z ~ q(z|x) with q's parameters straight from the encoder (Kingma and Welling 2014).

    Args:
        model: a `tfvae.VAE`.
        x: [B, ...] raw units.
        seed: [2] int32, the same on every replica.
        step: of the training, whose noise (dropout) the decoder then has; `None` to measure.
        label: [B] of a conditional model.
    """
    return model.draw(x, seed, step is not None, label, step)


def code_only(model, x, seed, step=None, label=None) -> Draw:
    """The draw and its rate without the decoder: for fitting a prior on frozen posteriors.

    No gradient reaches the encoder or the posterior; `log_likelihood` is `None`. To measure (step
    `None`) it is the whole amortised draw, since a bound needs its likelihood.
    """
    if step is None:
        return amortised(model, x, seed, label=label)
    pass_ = model.passed(seed, step, True, label)
    held = tf.nest.map_structure(tf.stop_gradient, model.features(x, label, pass_))
    inferred = model.latent.infer(held, pass_)
    return Draw.of(x, held, inferred, None, model.as_label(label))


def encoder_only(model, x, seed, step=None, label=None) -> Draw:
    """The draw and its rate without the decoder: for an objective of the codes alone.

    As `code_only`, but the gradient reaches the encoder.
    """
    if step is None:
        return amortised(model, x, seed, label=label)
    pass_ = model.passed(seed, step, True, label)
    features, inferred = model.infer(x, pass_, label)
    return Draw.of(x, features, inferred, None, model.as_label(label))


amortised.refines = code_only.refines = encoder_only.refines = False


@part
class Amortised(Part):
    """Straight from the encoder."""

    place, name = "inference", "amortised"
    offers = facts("encoder_posterior")

    def make(self, context):
        return amortised
