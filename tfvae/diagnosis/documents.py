"""What a model of bags of words does, in words.

Legend: B documents, V words of the vocabulary, D numbers of z.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfvae.randomness import fold, seed_of

__all__ = ["EXPLAINED", "TITLES", "documents"]

TITLES = {
    "topics": "Topics",
    "documents_drawn": "Documents from the prior",
    "documents_again": "Documents from their codes",
}
EXPLAINED = {
    "topics": "For each of the numbers of z that move most with the data: the words whose probability rises "
    "most from the code in the middle of the test documents to one that is two deviations further along it.",
    "documents_drawn": "z from the prior, then the words; the most frequent ones first.",
    "documents_again": "A test document, its most frequent words first; the words that its code expects; "
    "words drawn given the same code.",
}


def documents(
    model,
    x: np.ndarray,
    words: Sequence[str],
    seed: int = 0,
    number: int = 6,
    most: int = 12,
    label: np.ndarray | None = None,
) -> dict[str, list[list[str]]]:
    """Rows of cells, by name, the first cell of each a heading.

    Args:
        model: a `tfvae.VAE` of counts.
        x: test documents, [N, V].
        words: of the columns.
        seed: equal seeds give equal rows.
        number: rows of each kind.
        most: words of each.
        label: [N] of a conditional model; its samples are of each label in turn.
    """
    base = seed_of(seed)

    def told(labels):
        return {} if label is None else {"label": tf.constant(labels, tf.int32)}

    def said(counts):
        """The most frequent words of each document, as often as they stand there."""
        found = []
        for row in np.asarray(counts):
            places = np.argsort(-row, kind="stable")[:most]
            cells = [
                words[int(i)] + (f" x{row[i]:.0f}" if row[i] >= 1.5 else "")
                for i in places
                if row[i] > 0
            ]
            found.append(" ".join(cells))
        return found

    each = told(np.arange(number) % (1 if label is None else label.max() + 1))
    drawn = said(model.sample(number, fold(base, 0), **each))
    chosen = np.random.default_rng(seed & 0x7FFFFFFF).choice(len(x), number, len(x) < number)
    own = told([] if label is None else label[chosen])
    codes = model.encode(x[chosen], **own)
    again = zip(
        said(x[chosen]),
        said(model.decode(codes, **own)),
        said(model.sample(seed=fold(base, 1), z=codes, **own)),
    )
    rows = [
        [heading, cell]
        for triple in again
        for heading, cell in zip(("test", "likeliest", "draw"), triple)
    ]
    shown = {
        "documents_drawn": [["draw", line] for line in drawn],
        "documents_again": rows,
    }
    return {"topics": _topics(model, x, words, number, most, label), **shown}


def _topics(model, x, words, number, most, label) -> list[list[str]]:
    """By the decoder at codes that the data reach: the middle, and two deviations from it."""
    told = {} if label is None else {"label": tf.constant(label[:500], tf.int32)}
    codes = np.asarray(model.encode(x[:500], **told))
    codes = codes.reshape(len(codes), -1)
    middle, spread = codes.mean(0), codes.std(0)
    units = np.argsort(-spread, kind="stable")[:number]
    ends = np.tile(middle, (1 + 2 * len(units), 1))
    for place, unit in enumerate(units):
        ends[1 + place, unit] += 2 * spread[unit]
        ends[1 + len(units) + place, unit] -= 2 * spread[unit]
    first = {} if label is None else {"label": tf.zeros(len(ends), tf.int32)}
    z = tf.reshape(tf.constant(ends, tf.float32), [-1, *model.latent.event_shape])
    there = model.latent.between(
        z, z, tf.zeros([1] * len(z.shape))
    )  # of a sphere, its nearest points
    nats = np.log(np.asarray(model.decode(there, **first)) + 1e-20)
    rows = []
    for place, unit in enumerate(units):
        for sign, row in (("+", 1 + place), ("-", 1 + len(units) + place)):
            risen = np.exp(nats[row]) * (nats[row] - nats[0])  # what the divergence is made of
            rows.append(
                [
                    f"z_{unit} {sign}",
                    " ".join(words[i] for i in np.argsort(-risen, kind="stable")[:most]),
                ]
            )
    return rows
