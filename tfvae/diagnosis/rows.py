"""What a model of a table does, in rows.

Legend: B batch, C columns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfvae.randomness import fold, seed_of

__all__ = ["EXPLAINED", "TITLES", "rows"]

TITLES = {"rows_drawn": "Rows from the prior", "rows_again": "Rows from their codes"}
EXPLAINED = {
    "rows_drawn": "z from the prior, then each column drawn.",
    "rows_again": "A test row; the mean of each number and the likeliest kind of each category given its "
    "code; a row drawn given the same code. What they share with the first is what the code holds.",
}


def rows(
    model,
    x: np.ndarray,
    names: list[str],
    words: Callable[[np.ndarray], list[list[str]]],
    seed: int = 0,
    number: int = 8,
    label: np.ndarray | None = None,
) -> dict[str, list[list[str]]]:
    """Rows of cells, by name: the first row names the columns, the first cell of each says what it is.

    Args:
        model: a `tfvae.VAE` of columns.
        x: test rows, [N, C].
        names: of the columns, as `words` gives them.
        words: [B, C] -> B rows of cells.
        seed: equal seeds give equal rows.
        number: rows of each kind.
        label: [N] of a conditional model; its samples are of each label in turn.
    """
    base = seed_of(seed)

    def told(labels):
        return {} if label is None else {"label": tf.constant(labels, tf.int32)}

    each = told(np.arange(number) % (1 if label is None else label.max() + 1))
    drawn = words(np.asarray(model.sample(number, fold(base, 0), **each)))
    chosen = np.random.default_rng(seed & 0x7FFFFFFF).choice(len(x), number, len(x) < number)
    own = told([] if label is None else label[chosen])
    codes = model.encode(x[chosen], **own)
    means = words(np.asarray(model.decode(codes, **own)))
    again = words(np.asarray(model.sample(seed=fold(base, 1), z=codes, **own)))
    heads = ["row", *names]
    found = [heads]
    for triple in zip(words(x[chosen]), means, again):
        found += [[say, *cells] for say, cells in zip(("test", "likeliest", "draw"), triple)]
    return {
        "rows_drawn": [heads, *(["draw", *cells] for cells in drawn)],
        "rows_again": found,
    }
