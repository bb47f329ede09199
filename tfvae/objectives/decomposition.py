"""The rate in pieces, so that groups of latent numbers can be made independent at a price of its own.

    rate = I(x; z) + TC_between + sum_g TC_within(g) + sum_d KL(q(z_d) || p(z_d))

    TC_between = E log q(z) / prod_g q(z_g),   TC_within(g) = E log q(z_g) / prod_{d in g} q(z_d)

Esmaeili et al. 2019, each from the mixture of the batch.

Legend: M global batch, N examples of the training set, D latent numbers, U
units of z (a number, or the one-hot vector of a category, in place of d above), G groups of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae.checks import UserError, count, one_of, positive
from tfvae.draw import Draw
from tfvae.objectives.aggregate import all_pairs
from tfvae.objectives.parts import Added, TermPart
from tfvae.objectives.total_correlation import log_weights
from tfvae.parts import facts, part, setting
from tfvae.replicas import whole_batch

__all__ = ["Decomposition", "RatePiece", "decompose_rate"]


class Decomposition(NamedTuple):
    """The pieces, scalars, nats, of the whole global batch; their sum is the rate at the draws.

    Attributes:
        information: E log q(z|x) / q(z).
        between: E log q(z) / prod_g q(z_g).
        within: sum_g E log q(z_g) / prod_{d in g} q(z_d).
        marginal: E log prod_d q(z_d) / p(z); of a prior of independent numbers sum_d KL(q(z_d) || p(z_d)).
    """

    information: tf.Tensor
    between: tf.Tensor
    within: tf.Tensor
    marginal: tf.Tensor


def decompose_rate(draw: Draw, num_examples: int, groups: Sequence[int] = ()) -> Decomposition:
    """From the densities of the batch, with weights that make each right on average (with M = N exact):

        q(z_i) = 1/N q(z_i|x_i) + (N-1) / (N (M-1)) sum_{b != i} q(z_i|x_b)

    Args:
        draw: one stochastic pass, of independent Gaussian numbers and categories.
        num_examples: N of the training set, not of the batch.
        groups: how many numbers of z each takes, in their order; each unit alone if not given.

    Raises:
        UserError: another posterior; groups that are not all of the numbers of z, or cut a category.
    """
    positive("num_examples", num_examples)
    each, widths = all_pairs(draw, "the pieces of a rate")
    if draw.at_draw is None:
        raise UserError("the pieces of a rate need log p(z), which this draw has not")
    log_prior = whole_batch(draw.at_draw.log_prior())
    grouped = _grouped(each, widths, groups)
    weights = log_weights(tf.shape(each)[0], num_examples)

    def mixed(values):
        """log q of each draw, [M, ...]."""
        return tf.reduce_logsumexp(values + weights[..., None], 1)

    own = tf.reduce_sum(tf.einsum("iid->id", each), -1)
    joint = mixed(tf.reduce_sum(each, -1, keepdims=True))[:, 0]
    by_group = tf.reduce_sum(mixed(grouped), -1)
    single = tf.reduce_sum(mixed(each), -1)
    pieces = own - joint, joint - by_group, by_group - single, single - log_prior
    return Decomposition(*map(tf.reduce_mean, pieces))


def _grouped(each, widths, groups) -> tf.Tensor:
    """[M, M, U] -> [M, M, G]."""
    if not groups:
        return each
    sizes = _units(groups, widths)
    return tf.stack([tf.reduce_sum(part, -1) for part in tf.split(each, sizes, -1)], -1)


def _units(groups: Sequence[int], widths: Sequence[int]) -> list[int]:
    """How many units each group has; each unit is one where none is given.

    Raises:
        UserError: groups that are not all of z, or cut a category.
    """
    if not groups:
        return [1] * len(widths)
    if sum(groups) != sum(widths):
        raise UserError(
            f"the groups must be all of the {sum(widths)} numbers of z, got {list(groups)}: together "
            f"{sum(groups)}"
        )
    ends = np.cumsum(widths).tolist()
    cuts = np.cumsum(groups).tolist()
    if not set(cuts) <= set(ends):
        raise UserError(
            f"the groups {list(groups)} cut a category: z is of {', '.join(map(str, widths))} numbers"
        )
    return np.diff([0, *(ends.index(cut) + 1 for cut in cuts)]).tolist()


class RatePiece:
    """A term: one piece of the rate, scalar, of the whole global batch.

    With a weight of w - 1 beside a rate of weight 1 the piece counts w times: w of all pieces at 1 is the
    ELBO. (The rate keeps its closed form, whose gradient has less noise than that of the pieces.)

    Args:
        piece: a field of `Decomposition`.
        num_examples: N.
        groups: see `decompose_rate`.

    Raises:
        UserError: an unknown piece; when built, groups that are not all of z or cut a category, or that have
            not this piece.
    """

    def __init__(self, piece: str, num_examples: int, groups: Sequence[int] = ()):
        self.piece = one_of("piece of a rate", piece, Decomposition._fields)
        self.num_examples = int(positive("num_examples", num_examples))
        self.groups = tuple(count("a group of latent numbers", width) for width in groups)

    def build(self, model) -> None:
        """Looks at the groups."""
        sizes = _units(self.groups, model.latent.unit_widths)
        if self.piece == "within" and max(sizes) == 1:
            raise UserError(
                "the piece within groups needs a group of two units or more (a category is one), got "
                f"{list(self.groups)}"
            )
        if self.piece == "between" and len(sizes) == 1:
            raise UserError(
                "the piece between groups needs two groups or more, got "
                f"{list(self.groups) or 'one unit'}"
            )

    def __call__(self, draw: Draw) -> tf.Tensor:
        return getattr(decompose_rate(draw, self.num_examples, self.groups), self.piece)


@part
class Pieces(TermPart):
    """The rate's pieces at prices of their own, with groups of latent numbers (HFVAE)."""

    name = "rate_pieces"
    needs = facts("independent_units pairs")
    latent_groups: tuple[int, ...] = setting(
        (),
        "how many numbers of z each group takes, in order (a category all its own); none given: each alone",
        low=1,
        length=(0, 1000),
    )
    information_weight: float = setting(
        1.0, "of I(x; z); all four where the rate weighs 1", low=0.0, high=1e6
    )
    between_weight: float = setting(
        5.0, "of the total correlation between groups", low=0.0, high=1e6
    )
    within_weight: float = setting(1.0, "of that within each group", low=0.0, high=1e6)
    marginal_weight: float = setting(1.0, "of each number's KL to the prior", low=0.0, high=1e6)

    def make(self, context):
        number = max(context.num_examples, 1)
        found = {}
        for piece in Decomposition._fields:
            more = getattr(self, f"{piece}_weight") - 1.0
            if more:
                term = RatePiece(piece, number, self.latent_groups)
                found[f"{piece}_piece"] = (more, term)
        return Added(found)
