"""Bags of words: how often each word of a vocabulary stands in each document.

Legend: N documents, V words.
"""

from __future__ import annotations

import collections
import hashlib
import platform
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tfvae.checks import UserError, affordable
from zoo.datasets.data import Split, checked, refuse_files
from zoo.datasets.text import pydoc
from zoo.datasets.text.corpus import SPLITS, note
from zoo.datasets.text.vocabulary import SPECIAL, Vocabulary, build

__all__ = ["NAMES", "VOCABULARY", "DocumentData", "from_counts", "from_words", "load"]

NAMES = frozenset({"pydoc_words"})
"""Sets of the zoo; none needs a file."""

VOCABULARY = 2000
"""Words, as published for 20 Newsgroups (Miao et al. 2016)."""

_COMMON = 60  # of the documentation: `the`, `of`, `is` ... say nothing of a subject


class DocumentData(NamedTuple):
    """Counts: x of the splits is uint16 [N, V]; see `zoo.datasets.data.Data` for the rest.

    Attributes:
        vocabulary: its four marks first, which no document holds; column w of x is word w + 4.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    vocabulary: Vocabulary
    description: str
    citation: str
    source: dict[str, str]
    label_names: tuple[str, ...] = ()
    kind: str = "counts"

    @property
    def words(self) -> tuple[str, ...]:
        """Of the columns, [V]."""
        return self.vocabulary.words[len(SPECIAL) :]

    @property
    def length(self) -> int:
        """Words of a training document, on average."""
        return max(1, round(float(self.train.x.sum(1, dtype=np.int64).mean())))


def from_words(
    name: str,
    parts: Sequence[Sequence[Sequence[str]]],
    *,
    labels: Mapping[str, np.ndarray] | None = None,
    vocabulary_size: int | None = None,
    skip_words: int = 0,
    description: str = "",
    citation: str = "one's own",
    source: Mapping[str, str] | None = None,
) -> DocumentData:
    """Counts the words; the vocabulary is of the train split, its most frequent words first.

    Args:
        parts: train, valid and test: documents, each a list of words.
        labels: {split: [N]}.
        vocabulary_size: V at most; `None` for `VOCABULARY`.
        skip_words: so many of the most frequent words are left out.

    Raises:
        UserError: no word is left; a split without a document that has one.
    """
    size = VOCABULARY if vocabulary_size is None else vocabulary_size
    known = build(parts[0], len(SPECIAL) + skip_words + size)
    words = known.words[len(SPECIAL) + skip_words :]
    if not words:
        raise UserError(
            f"dataset {name!r}: skip_words={skip_words} leaves none of the {len(known) - len(SPECIAL)} words"
        )
    place = {word: i for i, word in enumerate(words)}
    counted = {}
    for split, documents in zip(SPLITS, parts):
        affordable(
            f"{len(documents):,} documents of {len(words):,} words", len(documents) * len(words)
        )
        x = np.zeros((len(documents), len(words)), np.int64)
        for row, document in zip(x, documents):
            for word, times in collections.Counter(document).items():
                if word in place:
                    row[place[word]] = times
        counted[split] = x
    return from_counts(name, counted, words, labels or {}, description, citation, source or {})


def from_counts(
    name: str,
    counted: Mapping[str, np.ndarray],
    words: Sequence[str],
    labels: Mapping[str, np.ndarray],
    description: str,
    citation: str,
    source: Mapping[str, str],
) -> DocumentData:
    """Without the documents that hold none of the words; how many that are is said in a note.

    Raises:
        UserError: a split has no others; a count is beyond 65,535.
    """
    splits, left = [], []
    for split in SPLITS:
        x, there = counted[split], counted[split].sum(1) > 0
        if not there.any():
            raise UserError(
                f"dataset {name!r}: no document of the {split} split holds a word of the vocabulary"
            )
        if x.max() > np.iinfo(np.uint16).max:
            raise UserError(f"dataset {name!r}: a word stands {x.max():,} times in one document")
        label = labels.get(split)
        splits.append(Split(x[there].astype(np.uint16), None if label is None else label[there]))
        left.append(int((~there).sum()))
    if any(left):
        held = ", ".join(f"{n} of {split}" for n, split in zip(left, SPLITS) if n)
        note(f"dataset {name!r}: documents without a word of the vocabulary left out: {held}")
    vocabulary = Vocabulary((*SPECIAL, *words))
    sizes = " / ".join(f"{len(split.x):,}" for split in splits)
    said = f"{description}: counts of {len(words):,} words in {sizes} documents"
    return DocumentData(
        name,
        *splits,
        vocabulary=vocabulary,
        description=said,
        citation=citation,
        source=dict(source),
    )


def load(
    name: str,
    data_dir: str | None = None,
    *,
    vocabulary_size: int | None = None,
    skip_words: int | None = None,
) -> DocumentData:
    """The sentences of Python's documentation, each a document; words with a letter, without the common ones.

    Args:
        vocabulary_size: V at most; `None` for `VOCABULARY`.
        skip_words: the most frequent words that are left out; `None`: 60.

    Raises:
        UserError: a folder is given, which nothing would read; no word is left.
    """
    refuse_files(name, data_dir)
    held = pydoc.split()
    parts = [[[w for w in s if any(map(str.isalpha, w))] for s in held[split]] for split in SPLITS]
    text = "\n".join(" ".join(words) for part in parts for words in part)
    data = from_words(
        name,
        parts,
        vocabulary_size=vocabulary_size,
        skip_words=_COMMON if skip_words is None else skip_words,
        description=f"sentences of the documentation of Python {platform.python_version()}",
        citation=pydoc.CITATION,
        source={"documentation": hashlib.sha256(text.encode()).hexdigest()},
    )
    return checked(data)
