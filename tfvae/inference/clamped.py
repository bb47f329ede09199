"""The pass of the inverse graphics network: what did not vary in a batch is one value in all of it.

    of each latent outside of the group of the factor that varied:
        forward     mean and variance become their means over the batch
        backward    the gradient of example k is replaced by s / B (value_k - mean)

Legend: B global batch, D latent width, K factors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError, count, one_of, positive
from tfvae.draw import Draw
from tfvae.inference.amortised import amortised
from tfvae.parts import Part, facts, part, setting
from tfvae.replicas import batch_sum, whole_batch

__all__ = ["KEPT", "clamp", "clamped"]

KEPT = ("mean", "first")


def clamp(values, free, strength: float, kept: str = "mean"):
    """Values of all but the free latents made alike, with the gradient that pulls them together.

    Kulkarni, Whitney, Kohli and Tenenbaum 2015 (mean); their released code keeps the first
    example's.

    Args:
        values: [b, D] of this replica: means, or variances in any parametrisation.
        free: [D] or [b, D] bool, the latents of the factor that varied.
        strength: s of the replaced gradient; of a loss that is a mean over the batch.
        kept: `mean` or `first`, of the global batch.

    Returns:
        [b, D].
    """
    one_of("what a clamp keeps", kept, KEPT)
    number = batch_sum(tf.ones([tf.shape(values)[0]], values.dtype))
    if kept == "mean":
        held = batch_sum(values)[None] / number
    else:
        held = whole_batch(values)[:1]
    held = tf.stop_gradient(tf.broadcast_to(held, tf.shape(values)))
    pull = tf.stop_gradient(strength / number * (values - held))

    @tf.custom_gradient
    def made(given):
        def backward(upstream):
            return tf.where(free, upstream, pull)

        return tf.where(free, given, held), backward

    return made(values)


def clamped(widths: Sequence[int], strength: float = 0.05, kept: str = "mean") -> Callable:
    """z ~ q(z|x) as above in training, and as `amortised` to measure.

    Batches must be those of `tfvae.streams.OneFactorVaries`: (x, the factor that varied).

    Args:
        widths: how many latents each of the K factors has, in their order; all of z.
        strength, kept: see `clamp`.

    Returns:
        `(model, x, seed, step, label) -> Draw`.

    Raises:
        UserError: no widths; when called, widths that are not all of z, a posterior without parameters.
    """
    widths = [count("latents of a factor", width) for width in widths]
    if not widths:
        raise UserError("a clamped pass needs the number of latents of each factor, got none")
    positive("strength of the clamp", strength)
    one_of("what a clamp keeps", kept, KEPT)
    owner = tf.constant(np.repeat(np.arange(len(widths)), widths), tf.int32)

    def inference(model, x, seed, step=None, label=None) -> Draw:
        if step is None:
            return amortised(model, x, seed, label=None)
        latent = model.latent
        if not latent.refinable or latent.event_shape != (sum(widths),):
            raise UserError(
                f"a clamped pass needs z of {sum(widths)} numbers ({' + '.join(map(str, widths))}) whose "
                f"posterior has parameters, got {type(latent).__name__} of shape {latent.event_shape}"
            )
        if label is None:
            raise UserError("a clamped pass needs batches (x, the factor that varied)")
        alike = tf.debugging.assert_equal(
            label,
            label[0],
            "a clamped pass needs batches in which one factor varies, and these say several",
        )
        with tf.control_dependencies([alike]):
            label = tf.identity(label)
        pass_ = model.passed(seed, step, True)
        features, costs = model.encoded(x, pass_=pass_)
        free = owner[None] == tf.cast(label, tf.int32)[:, None]
        made = [clamp(each, free, strength, kept) for each in latent.parameters(features, pass_)]
        inferred = latent.infer_from(latent.of(*made), pass_).beside(costs)
        return model.score(x, features, inferred, pass_.seed)

    inference.reads_beside = True  # what varied
    inference.replaces_gradients = True
    inference.refines = False  # it measures the encoder's q
    return inference


@part
class Clamped(Part):
    """Latents of factors that do not vary in a batch are one value in it (DC-IGN)."""

    place, name = "inference", "clamped"
    needs = facts("mean_and_scale one_vector one_factor_batches pairs")
    closes = ("condition",)
    factor_latents: tuple[int, ...] = setting(
        (),
        "how many numbers of z each factor has, in order; empty: one each",
        low=1,
        length=(0, 100),
    )
    clamp_strength: float = setting(0.05, "s of the replaced gradient", low=1e-12, high=1e6)
    clamp_kept: str = setting(
        "mean", "of the batch: its mean, or its first example's as released", choices=KEPT
    )

    def _widths(self, context) -> tuple[int, ...]:
        return self.factor_latents or (1,) * context.point["code"].shape(context)[-1]

    def num_factors(self, context) -> int:
        """K, which the data must have."""
        return len(self._widths(context))

    def make(self, context):
        return clamped(self._widths(context), self.clamp_strength, self.clamp_kept)
