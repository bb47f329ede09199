"""Free bits: below a floor the rate is not paid, so nothing pushes it to zero.

Legend: B batch, G latent groups (of the prior; dimensions for a vector), lambda the floor in nats.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import tensorflow as tf

from tfvae.checks import UserError, one_of, within
from tfvae.draw import Draw
from tfvae.objectives.parts import BudgetPart
from tfvae.parts import facts, part, setting
from tfvae.replicas import batch_mean

__all__ = ["FREE_BITS_FORMS", "free_bits"]

FREE_BITS_FORMS = ("batch_group", "example_group", "example_total", "batch_total")


def free_bits(floor: float, form: str = "batch_group", groups: int | None = None) -> Callable:
    """A term that replaces the rate, [B] nats.

        batch_group     sum_j max(lambda, mean_b kl_bj)     Kingma et al. 2016, eq. 15
        example_group   mean_b sum_j max(lambda, kl_bj)     Li et al. 2019 (released code, mode 2)
        example_total   mean_b max(lambda, sum_j kl_bj)     (mode 1)
        batch_total     max(lambda, mean_b sum_j kl_bj)     (mode 3; Ma et al. 2019)

    The mean over b is that of the global batch. A floor can be filled with noise: look at the mutual
    information and not at the rate alone. Where the rate is an estimate at the draw, the forms of an
    example are biased: the maximum of a noisy number.

    Args:
        floor: lambda, nats (of each group, or of the total); 0 is the rate itself.
        form: one of the four.
        groups: join the rate's G groups into this many; a divisor of G.

    Raises:
        UserError: an unknown form, a floor below 0; when called, groups that do not divide G.
    """
    one_of("form of free bits", form, FREE_BITS_FORMS)
    within("floor of free bits", floor, 0.0, float("inf"))

    def term(draw: Draw) -> tf.Tensor:
        rate = draw.rate
        if floor == 0:
            return tf.reduce_sum(rate, -1)
        if groups is not None:
            if rate.shape[-1] % groups:
                raise UserError(
                    f"groups of free bits must divide the latent's {rate.shape[-1]} groups, "
                    f"got {groups}"
                )
            rate = tf.reduce_sum(tf.reshape(rate, [tf.shape(rate)[0], groups, -1]), -1)
        if form.endswith("total"):
            rate = tf.reduce_sum(rate, -1, keepdims=True)
        if form.startswith("example"):
            return tf.reduce_sum(tf.maximum(rate, floor), -1)
        # max(lambda, mean) by its own examples: paid where the global mean is above the floor
        paid = batch_mean(rate) > floor
        return tf.reduce_sum(tf.where(paid, rate, floor), -1)

    term.of_means = operator.itemgetter("rate")  # Li et al. 2019, as released: without the floor
    return term


@part
class FreeBits(BudgetPart):
    """A part of the rate is not paid (Kingma et al. 2016)."""

    name = "free_bits"
    needs = facts("paid_rate rate_of_the_code")
    offers = facts("floor")
    free_bits: float = setting(
        0.25, "lambda in nats: rate that is not paid (of each group, or in total)", low=1e-12
    )
    free_bits_form: str = setting(
        "batch_group",
        "whether the floor is under the batch's mean or each example, each group or the total",
        choices=FREE_BITS_FORMS,
    )
    free_bits_groups: int | None = setting(
        None, "join the latent's groups into this many; none: as they are", low=1
    )

    def make(self, context, weight):
        floor = free_bits(self.free_bits, self.free_bits_form, self.free_bits_groups)
        return {"free_bits": (weight, floor)}
