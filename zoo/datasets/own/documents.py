"""One's own documents as bags of words: a text, a document a line, or counts as released with the NVDM.

Legend: N documents, V words.
"""

from __future__ import annotations

import os

import numpy as np

from tfvae.checks import UserError, affordable
from zoo.datasets import files
from zoo.datasets.documents import DocumentData, from_counts, from_words
from zoo.datasets.text import own
from zoo.datasets.text.corpus import SPLITS, numbered_lines

__all__ = ["load"]

_WORDS = ("vocab.new", "vocab.txt")
_VALID = 500  # the last documents of train.feat, where there is no valid.feat
_MOST = 1_000_000  # words of a vocabulary


def load(
    data: str, *, vocabulary_size: int | None = None, skip_words: int | None = None
) -> DocumentData:
    """What `--dataset=text` reads; or a folder of train.feat, test.feat and vocab.new (vocab.txt).

    A line of a .feat is `label place:count place:count ...`, a whole number and places from 1 on in the
    vocabulary, which has a word a line. Without a valid.feat the last 500 documents of train.feat (a tenth,
    if that is less) are it.

    Args:
        data: a file or a folder.
        vocabulary_size: V at most, the most frequent words of the train split; of a .feat, the first ones.
        skip_words: of a text: so many of the most frequent words are left out; `None`: none.

    Raises:
        UserError: a file is missing or damaged; a line is no document.
    """
    held = os.path.isdir(data) and files.find(data, "", "train.feat")
    if held:
        if skip_words:
            raise UserError(f"skip_words={skip_words} is of a text, and {held} is counts already")
        return _released(data, held, vocabulary_size)
    read = own.documents("documents", data)
    return from_words(
        "documents",
        read.parts,
        labels=read.labels,
        vocabulary_size=vocabulary_size,
        skip_words=skip_words or 0,
        description=read.said,
        source=read.source,
    )


def _released(data: str, train: str, vocabulary_size: int | None) -> DocumentData:
    test, valid = (files.find(data, "", f"{name}.feat") for name in ("test", "valid"))
    listed = next((p for p in (files.find(data, "", name) for name in _WORDS) if p), None)
    if test is None or listed is None:
        lacking = "test.feat" if test is None else " or ".join(_WORDS)
        raise UserError(f"--data: no {lacking} beside {train}")
    words = [line.split()[0] for _, line in numbered_lines(listed)]
    if len(words) > _MOST:
        raise UserError(f"{listed}: expected at most {_MOST:,} words, found {len(words):,}")
    words = words[:vocabulary_size]
    paths = {name: path for name, path in zip(SPLITS, (train, valid, test)) if path}
    read = {name: _counts(path, len(words)) for name, path in paths.items()}
    if valid is None:
        x, label = read["train"]
        number = min(_VALID, max(2, len(x) // 10))
        read["train"], read["valid"] = (
            (x[:-number], label[:-number]),
            (x[-number:], label[-number:]),
        )
    kinds, codes = np.unique(np.concatenate([read[s][1] for s in SPLITS]), return_inverse=True)
    ends = np.cumsum([0, *(len(read[s][1]) for s in SPLITS)])
    labels = {s: codes[a:b] for s, a, b in zip(SPLITS, ends, ends[1:])} if len(kinds) > 1 else {}
    source = {os.path.basename(path): files.digest(path) for path in (*paths.values(), listed)}
    names = tuple(map(str, kinds)) if labels else ()
    counted = {split: read[split][0] for split in SPLITS}
    found = from_counts("documents", counted, words, labels, data, "one's own", source)
    return found._replace(label_names=names)


def _counts(path: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """([N, V], labels [N]); words beyond the vocabulary are left out."""
    lines = numbered_lines(path)
    affordable(f"{len(lines):,} documents of {size:,} words", len(lines) * size)
    x = np.zeros((len(lines), size), np.int64)
    label = np.zeros(len(lines), np.int64)
    for i, (number, line) in enumerate(lines):
        kind, *cells = line.split()
        if not _whole(kind):
            raise UserError(
                f"{path}, line {number}: expected a label, a whole number, got {kind[:40]!r}"
            )
        label[i] = int(kind)
        for cell in cells:
            place, colon, times = cell.partition(":")
            if not (colon and _whole(place) and _whole(times) and int(place) > 0):
                raise UserError(
                    f"{path}, line {number}: expected place:count, whole numbers, got {cell[:40]!r}"
                )
            if int(place) <= size:
                x[i, int(place) - 1] += int(times)
    return x, label


def _whole(text: str) -> bool:
    return text.isdecimal() and len(text) < 10
