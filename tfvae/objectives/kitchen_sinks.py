"""Codes of different groups of examples are to be distributed alike: MMD by random features.

    psi(z) = sqrt(2 / M) cos(sqrt(2 / gamma) z W + b),   W_ij ~ N(0, 1),   b_j ~ U[0, 2 pi)
    MMD^2 = |mean psi of group 0 - mean psi of group 1|^2,   of K > 2 groups sum_k |mean psi_k - mean psi|^2

whose mean over W and b is the V statistic of the kernel exp(-|d|^2 / gamma).

Legend: B global batch, D latent numbers (all event axes flattened), M features, K groups.
"""

from __future__ import annotations

import math

import tensorflow as tf

from tfvae.checks import UserError, count, positive
from tfvae.draw import Draw
from tfvae.objectives.aggregate import all_rows
from tfvae.objectives.critic import one_hot
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting
from tfvae.randomness import fold, seed_of

__all__ = ["KitchenSinks", "between_groups", "random_features"]

_W, _B = 1, 2  # purposes of the seed


def random_features(points, directions, phases, gamma: float) -> tf.Tensor:
    """psi of points [B, D], [B, M]; Rahimi and Recht 2008.

    Args:
        points: [B, D].
        directions: W, [D, M].
        phases: b, [M]; they are not divided by gamma.
        gamma: of the kernel exp(-|d|^2 / gamma).
    """
    scale = math.sqrt(2.0 / directions.shape[-1])
    return scale * tf.cos(math.sqrt(2.0 / gamma) * tf.matmul(points, directions) + phases)


def between_groups(features, groups) -> tf.Tensor:
    """|mean of group 0 - mean of group 1|^2, a scalar; of K > 2 groups the sum of each against all.

    A group that has no example here is as if it were like the others.

    Args:
        features: [B, M].
        groups: one-hot, [B, K]; a row of zeros belongs to none, and does not count.
    """
    sizes = tf.reduce_sum(groups, 0)
    means = tf.math.divide_no_nan(tf.matmul(groups, features, transpose_a=True), sizes[:, None])
    if groups.shape[-1] == 2:
        there = tf.cast(tf.reduce_all(sizes > 0), features.dtype)
        return there * tf.reduce_sum(tf.square(means[0] - means[1]))
    mean = tf.math.divide_no_nan(tf.reduce_sum(sizes[:, None] * means, 0), tf.reduce_sum(sizes))
    there = tf.cast(sizes > 0, features.dtype)
    return tf.reduce_sum(there[:, None] * tf.square(means - mean))


class KitchenSinks:
    """A term: MMD^2 between the codes of the global batch that belong to different groups.

    Louizos, Swersky, Li, Welling and Zemel 2016: of a sensitive or nuisance variable, which the
    code is not to tell. W and b are drawn anew at each step.

    Args:
        num_groups: K.
        column: where the group of an example stands in x, one-hot, as the first of its K columns; `None`: the
            group is its label, and one that is unknown (-1) does not count.
        gamma: of the kernel exp(-|d|^2 / gamma); D if not given.
        num_features: M.
        seed: of W and b, with the step.

    Raises:
        UserError: fewer than two groups; a gamma or M that is none.
    """

    reads_step = True

    def __init__(
        self,
        num_groups: int,
        column: int | None = None,
        gamma: float | None = None,
        num_features: int = 500,
        seed: int = 0,
    ):
        self.num_groups = count("num_groups of kitchen sinks", num_groups, 2)
        self.column = column
        self.gamma = None if gamma is None else positive("gamma of kitchen sinks", gamma)
        self.num_features = count("num_features of kitchen sinks", num_features)
        self.seed = fold(seed_of(seed), 0x51F)

    @property
    def needs_label(self) -> bool:
        """Whether the label says the group."""
        return self.column is None

    @property
    def num_labels(self) -> int | None:
        """Which it then has."""
        return self.num_groups if self.needs_label else None

    def build(self, model) -> None:
        """Looks whether x has these columns.

        Raises:
            UserError: it has not.
        """
        if self.column is None:
            return
        shape, end = model.data_shape, self.column + self.num_groups
        if len(shape) != 1 or self.column < 0 or end > shape[0]:
            raise UserError(
                f"kitchen sinks read the columns {self.column} to {end - 1} of x, and x has the shape "
                f"{list(shape)}"
            )

    def _groups(self, draw: Draw) -> tf.Tensor:
        if self.column is None:
            return one_hot(tf.cast(draw.label, tf.int32), self.num_groups)
        return tf.cast(draw.batch[:, self.column : self.column + self.num_groups], tf.float32)

    def __call__(self, draw: Draw, step) -> tf.Tensor:
        """Scalar, of the whole global batch."""
        codes, seed = all_rows(draw.z), fold(self.seed, step)
        shape = [codes.shape[-1], self.num_features]
        directions = tf.random.stateless_normal(shape, fold(seed, _W))
        phases = tf.random.stateless_uniform(shape[1:], fold(seed, _B), maxval=2.0 * math.pi)
        gamma = float(shape[0]) if self.gamma is None else self.gamma
        features = random_features(codes, directions, phases, gamma)
        return between_groups(features, all_rows(self._groups(draw)))


@part
class Sinks(TermPart):
    """Codes of different labels (or kinds of a sensitive column) are alike: MMD by random features (VFAE)."""

    name = "kitchen_sinks"
    needs = facts("z pairs")
    sinks_weight: float = setting(1000.0, "of the term", low=1e-12)
    sinks_between: str = setting(
        "label",
        "label: examples of different labels; sensitive: of different kinds of the sensitive column",
        choices=("label", "sensitive"),
    )
    sinks_gamma: float | None = setting(
        None, "of the kernel exp(-|d|^2 / gamma); none: as many as z has numbers", low=1e-6
    )
    sinks_features: int = setting(500, "random ones, drawn at each step", low=1, high=100_000)

    def needed(self):
        return self.needs | facts("labels" if self.sinks_between == "label" else "sensitive")

    def make(self, context):
        number, column = context.num_labels, None
        if self.sinks_between == "sensitive":
            column, number = context.space.sensitive_span
        term = KitchenSinks(number, column, self.sinks_gamma, self.sinks_features, context.seed)
        return Added({"kitchen_sinks": (self.sinks_weight, term)})
