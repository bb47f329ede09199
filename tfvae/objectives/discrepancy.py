"""The distance between the aggregated posterior and the prior, by kernels.

Legend: B batch of this replica, M global batch, D latent numbers (all event axes flattened).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfvae.checks import UserError
from tfvae.draw import Draw
from tfvae.objectives.aggregate import all_rows, flat_rows
from tfvae.objectives.parts import Added, TermPart
from tfvae.parts import facts, part, setting
from tfvae.randomness import fold, seed_of

__all__ = [
    "MaximumMeanDiscrepancy",
    "inverse_multiquadratic",
    "maximum_mean_discrepancy",
    "radial_basis",
]

Kernel = Callable[[tf.Tensor], tf.Tensor]
_PUBLISHED_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def radial_basis(variance: float | None = None) -> Callable[[int], Kernel]:
    """D -> k(|d|^2) = exp(-|d|^2 / (2 variance)).

    Args:
        variance: of the kernel; D^2 / 2 if not given (Zhao et al. 2017, as released).
    """

    def kernel(width: int) -> Kernel:
        twice = 2.0 * variance if variance is not None else float(width**2)
        return lambda square: tf.exp(-square / twice)

    return kernel


def inverse_multiquadratic(
    scales: Sequence[float] = _PUBLISHED_SCALES, base: float | None = None
) -> Callable[[int], Kernel]:
    """D -> k(|d|^2) = sum_t C_t / (C_t + |d|^2),  C_t = t * base.

    Heavy tails: codes far from the prior still feel it.

    Args:
        scales: t (Tolstikhin et al. 2018, as released: seven of them).
        base: 2 D, the mean square distance of two draws from N(0, I), if not given.
    """

    def kernel(width: int) -> Kernel:
        constants = [t * (2.0 * width if base is None else base) for t in scales]
        return lambda square: tf.add_n([c / (c + square) for c in constants])

    return kernel


def maximum_mean_discrepancy(first, second, kernel: Callable[[int], Kernel], unbiased: bool = True):
    """MMD^2 of two samples, a scalar; Gretton et al. 2012.

        mean k(a, a') + mean k(b, b') - 2 mean k(a, b)

    Args:
        first: [M, D].
        second: [N, D].
        kernel: `radial_basis(...)` or `inverse_multiquadratic(...)`.
        unbiased: the first two means leave out the pairs of a point with itself (it may then be
            below 0); with them the figure is at least 0, and above it where the two agree. A mean
            over no pairs is 0.

    Raises:
        UserError: the unbiased form of single points, where that is known before the values are.
    """
    if unbiased and 1 in (first.shape[0], second.shape[0]):
        raise UserError("the unbiased form of MMD compares points in pairs: it needs two, got one")
    of_square = kernel(first.shape[-1])

    def within(points):
        values = of_square(_squares(points, points))
        count = tf.cast(tf.shape(points)[0], values.dtype)
        if not unbiased:
            return tf.reduce_sum(values) / count**2
        others = tf.linalg.set_diag(values, tf.zeros_like(values[0]))
        # a rest of one example, the end of an epoch, has no pairs
        return tf.reduce_sum(others) / tf.maximum(count * (count - 1.0), 1.0)

    across = tf.reduce_mean(of_square(_squares(first, second)))
    return within(first) + within(second) - 2.0 * across


def _squares(a, b):
    """|a_i - b_j|^2, [M, N]; by a product, which may round to a little below 0."""
    square = tf.reduce_sum(a**2, -1)[:, None] + tf.reduce_sum(b**2, -1)
    return tf.maximum(square - 2.0 * tf.matmul(a, b, transpose_b=True), 0.0)


class MaximumMeanDiscrepancy:
    """MMD^2(q(z), p(z)) between the codes of the global batch and as many draws from the prior.

    The penalty of the WAE (Tolstikhin et al. 2018) and of the InfoVAE (Zhao et al. 2017):
    it looks at the codes together, so no single posterior is pulled to the prior.

    Args:
        kernel: `inverse_multiquadratic()` if not given.
        unbiased: see `maximum_mean_discrepancy`.
        seed: of the draws, with the step.
    """

    reads_step = True

    def __init__(
        self,
        kernel: Callable[[int], Kernel] | None = None,
        unbiased: bool = True,
        seed: int = 0,
    ):
        self.kernel = kernel or inverse_multiquadratic()
        self.unbiased = unbiased
        self.seed = fold(seed_of(seed), 0x33D)

    def build(self, model) -> None:
        """Takes the model's prior."""
        self._model = model

    def __call__(self, draw: Draw, step) -> tf.Tensor:
        """Scalar, of the whole global batch."""
        codes = all_rows(draw.z)
        prior = self._model.sample_codes(tf.shape(codes)[0], fold(self.seed, step))
        return maximum_mean_discrepancy(codes, flat_rows(prior), self.kernel, self.unbiased)


@part
class Discrepancy(TermPart):
    """MMD^2(q(z), p(z)): the codes of a batch against draws of the prior (WAE-MMD, InfoVAE)."""

    name = "mmd"
    needs = facts("z one_prior draws_like_the_prior")
    mmd_weight: float = setting(
        50.0, "of the term; it belongs to the scale of the distortion", low=1e-12
    )
    mmd_weight_of: str = setting(
        "example",
        "whose nats that weight is weighed against: an example's, or those of each of its numbers, as "
        "published for InfoVAE (it is then multiplied by how many there are)",
        choices=("example", "number"),
    )
    mmd_kernel: str = setting(
        "imq", "imq: C / (C + |d|^2); rbf: exp(-|d|^2 / (2 variance))", choices=("imq", "rbf")
    )
    mmd_scales: tuple[float, ...] = setting(
        (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
        "of imq: C = scale * 2 D, added up",
        low=1e-6,
        length=(1, 100),
        of={"mmd_kernel": ("imq",)},
    )
    mmd_variance: float | None = setting(
        None, "of rbf; none: D^2 / 2", low=1e-6, of={"mmd_kernel": ("rbf",)}
    )
    mmd_unbiased: bool = setting(
        True, "without the pairs of a code with itself (then it may be < 0)"
    )

    def needed(self):
        return self.needs | facts("pairs" if self.mmd_unbiased else "")

    def make(self, context):
        kernel = (
            inverse_multiquadratic(self.mmd_scales)
            if self.mmd_kernel == "imq"
            else radial_basis(self.mmd_variance)
        )
        mmd = MaximumMeanDiscrepancy(kernel, self.mmd_unbiased, context.seed)
        times = context.space.numbers if self.mmd_weight_of == "number" else 1
        return Added({"mmd": (self.mmd_weight * times, mmd)})
