"""Groups of latent numbers, or z and a label, are to be independent: by kernels, without a critic.

    dHSIC = mean_ij prod_k K^k_ij + prod_k mean_ij K^k_ij - 2 mean_i prod_k mean_j K^k_ij

Legend: M global batch, D latent numbers (all event axes flattened), W width of a group, L labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf

from tfvae.checks import UserError, count
from tfvae.draw import Draw
from tfvae.objectives.aggregate import all_rows
from tfvae.objectives.critic import one_hot
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting
from tfvae.replicas import whole_batch

__all__ = ["Independence", "gram", "independence_criterion"]

_UNDER_ROOT = 1e-8  # as released


def gram(points, standardised: bool = False) -> tf.Tensor:
    """K_ij = exp(-|a_i - a_j|^2 / (2 g^2)) of [M, W], [M, M].

    g = 2 Gamma((W+1)/2) / Gamma(W/2), the mean distance of two draws of N(0, I_W), as Lopez et al. 2018
    released it.

    Args:
        points: [M, W].
        standardised: each number is divided by its standard deviation in the batch first, through which
            no gradient passes: codes far from unit scale are beyond the kernel.
    """
    width = points.shape[-1]
    if standardised:
        spread = tf.math.reduce_std(points, 0)
        points = points / tf.stop_gradient(tf.where(spread > 1e-6, spread, tf.ones_like(spread)))
    root = 2.0 * math.exp(math.lgamma((width + 1) / 2) - math.lgamma(width / 2))
    square = tf.reduce_sum(tf.square(points[:, None] - points), -1)
    return tf.exp(-square / (2.0 * root**2))


def independence_criterion(grams: Sequence[tf.Tensor], weights=None) -> tf.Tensor:
    """dHSIC of several variables from their Gram matrices [M, M] (the form that is >= 0), a scalar.

    Of two it is the HSIC, tr(K H L H) / M^2 (Gretton et al. 2005); Pfister et al. 2018.

    Args:
        grams: two or more.
        weights: how much each example counts, [M]; `None` for once each.
    """
    if weights is None:
        weights = tf.ones_like(grams[0][0])
    share = tf.math.divide_no_nan(weights, tf.reduce_sum(weights))
    rows = [tf.linalg.matvec(each, share) for each in grams]

    def product(values):
        return tf.reduce_prod(tf.stack(values), 0)

    joint = tf.reduce_sum(share * tf.linalg.matvec(product(grams), share))
    apart = product([tf.reduce_sum(share * row) for row in rows])
    return joint + apart - 2.0 * tf.reduce_sum(share * product(rows))


class Independence:
    """A term: sqrt(dHSIC + 1e-8) between groups of the numbers of z, and a label where it is asked for.

    Lopez, Regier, Jordan and Yosef 2018, from the draws of the global batch. An example whose label is
    unknown (-1) does not count where labels do.

    Args:
        groups: how many groups z falls into, of the same width as far as that goes; or how many numbers
            each takes, in their order, of which what is left belongs to none.
        num_labels: L, where a label (read as a one-hot vector) is one of the variables.
        standardised: see `gram`.

    Raises:
        UserError: fewer than two variables; when built, more numbers than z has.
    """

    def __init__(
        self,
        groups: int | Sequence[int] = 2,
        num_labels: int | None = None,
        standardised: bool = False,
    ):
        several = isinstance(groups, Sequence)
        widths = [count("a group of latent numbers", each) for each in groups] if several else []
        self.number = len(widths) if several else count("groups", groups)
        self.groups = tuple(widths)
        self.num_labels = None if num_labels is None else count("num_labels", num_labels, 2)
        self.standardised = standardised
        if self.number + self.needs_label < 2:
            raise UserError(
                "independence is between two variables or more: two groups of z, or one and the label; "
                f"got {self.number} and {'a' if self.needs_label else 'no'} label"
            )

    @property
    def needs_label(self) -> bool:
        """Whether a label is one of the variables."""
        return self.num_labels is not None

    def build(self, model) -> None:
        """Looks whether z has so many numbers."""
        self._widths(math.prod(model.latent.event_shape))

    def _widths(self, size: int) -> tuple[int, ...]:
        """Of the groups."""
        each, more = divmod(size, self.number)
        widths = self.groups or tuple(each + (i < more) for i in range(self.number))
        if sum(widths) > size or min(widths) < 1:
            what = f"widths {list(self.groups)}" if self.groups else str(self.number)
            raise UserError(
                f"the groups that are to be independent must be of the {size} numbers of z, got {what}"
            )
        return widths

    def __call__(self, draw: Draw) -> tf.Tensor:
        """Scalar, of the whole global batch."""
        z = all_rows(draw.z)
        widths = self._widths(z.shape[-1])
        parts = tf.split(z, [*widths, z.shape[-1] - sum(widths)], -1)[: self.number]
        grams = [gram(each, self.standardised) for each in parts]
        weights = None
        if self.needs_label:
            label = tf.cast(whole_batch(tf.cast(draw.label, tf.float32)), tf.int32)
            weights = tf.cast(label >= 0, tf.float32)
            grams.append(gram(one_hot(label, self.num_labels or 0)))
        found = independence_criterion(grams, weights)
        return tf.sqrt(tf.maximum(found, 0.0) + _UNDER_ROOT)


@part
class HSIC(TermPart):
    """Groups of z, or z and the label, are to be independent: the root of (d)HSIC (HSIC-VAE)."""

    name = "hsic"
    needs = facts("z")
    hsic_weight: float = setting(100.0, "of the term", low=1e-12)
    hsic_between: str = setting(
        "groups",
        "groups: those of z; label: z and the label (a nuisance); both: the groups and the label",
        choices=("groups", "label", "both"),
    )
    hsic_groups: tuple[int, ...] = setting(
        (),
        "how many numbers of z each group takes, in order; none given: the two halves",
        low=1,
        length=(0, 64),
        of={"hsic_between": ("groups", "both")},
    )
    hsic_standardised: bool = setting(
        False, "each number by its spread in the batch first (codes far from unit scale)"
    )

    def needed(self):
        return self.needs | facts("pairs" if self.hsic_between == "groups" else "pairs labels")

    def make(self, context):
        groups = 1 if self.hsic_between == "label" else self.hsic_groups or 2
        labels = None if self.hsic_between == "groups" else context.num_labels
        term = Independence(groups, labels, self.hsic_standardised)
        return Added({"hsic": (self.hsic_weight, term)})
