"""Whether two samples are of one distribution."""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError

__all__ = ["two_sample_accuracy"]


def two_sample_accuracy(first, second) -> float:
    """How often the nearest other example is of the same sample; Lopez-Paz and Oquab 2017 (leave-one-out).

        1/(2N) sum_i [sample of i = sample of argmin_(j != i) |x_i - x_j|]

    0.5 where both are of one distribution, 1 where they lie apart; below 0.5 if the one copies the other.

    Args:
        first: [N, ...] numbers, such as data that were held out.
        second: [N, ...], as many, such as what a model draws.

    Raises:
        UserError: not as many of the one as of the other, another shape, fewer than two.
    """
    from sklearn.neighbors import NearestNeighbors

    one, other = (np.asarray(each, np.float32) for each in (first, second))
    if one.shape != other.shape or len(one) < 2:
        raise UserError(
            "two samples must be two examples or more each, of one shape and as many, got "
            f"{list(one.shape)} and {list(other.shape)}"
        )
    x = np.concatenate([one, other]).reshape(2 * len(one), -1)
    order = np.random.default_rng(0).permutation(len(x))  # equal distances favour neither sample
    is_first = order < len(one)
    # asked about none, it gives each example's neighbours without the example itself
    nearest = NearestNeighbors(n_neighbors=1).fit(x[order]).kneighbors(return_distance=False)[:, 0]
    return float(np.mean(is_first == is_first[nearest]))
