"""The record that every text set is turned into, and the reading of lines.

Legend: N sentences, T tokens of a row.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfvae.checks import UserError
from tfvae.training.reading import content
from zoo.datasets.data import Split
from zoo.datasets.text.vocabulary import PAD, UNKNOWN, Vocabulary, build, word_limit

__all__ = ["SPLITS", "TextData", "from_sentences", "note", "numbered_lines", "read_lines"]

SPLITS = ("train", "valid", "test")


class TextData(NamedTuple):
    """A set of sentences.

    Attributes:
        train, valid, test: `Split`s; x is int32 [N, T], one T for all three: the sentence, `</s>`
            (2), then `<pad>` (0). `<s>` (1) never stands in x. label is int64 [N] or `None`.
        source: {file: sha256} of what it was read from.
        extras: what else is known: `unknown` (the share of `<unk>` in each split's tokens, `</s>`
            among them), `cut` (sentences cut in each split), an oracle's entropy, how a split was
            drawn, or `fixed_length` for sets without `</s>`.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    vocabulary: Vocabulary
    description: str
    citation: str
    source: dict[str, str]
    extras: dict[str, Any]

    @property
    def kind(self) -> str:
        """Always `tokens`."""
        return "tokens"

    @property
    def max_length(self) -> int:
        """T, with `</s>`."""
        return max(split.x.shape[1] for split in (self.train, self.valid, self.test))


def from_sentences(
    name: str,
    train: Sequence[Sequence[str]],
    valid: Sequence[Sequence[str]],
    test: Sequence[Sequence[str]],
    *,
    labels: Mapping[str, Sequence[int] | np.ndarray | None] | None = None,
    vocabulary_size: int | None = None,
    min_count: int = 1,
    max_length: int | None = None,
    description: str = "",
    citation: str = "",
    source: Mapping[str, str] | None = None,
    extras: Mapping[str, Any] | None = None,
) -> TextData:
    """Numbers the words; the vocabulary is that of the (cut) train split.

    Args:
        train, valid, test: lists of words.
        labels: {split: [N] or `None`}.
        vocabulary_size, min_count: see `vocabulary.build`.
        max_length: longer sentences are cut to it, `</s>` included, and counted in a note.

    Raises:
        UserError: a split without a sentence; a label for each sentence is not there.
    """
    whole = dict(zip(SPLITS, (train, valid, test)))
    for split, sentences in whole.items():
        if not sentences:
            raise UserError(f"dataset {name!r}: the {split} split holds no sentence")
    limit = word_limit(max_length)
    kept = {split: [s[:limit] for s in sentences] for split, sentences in whole.items()}
    cut = {
        split: sum(len(a) != len(b) for a, b in zip(whole[split], kept[split])) for split in whole
    }
    if any(cut.values()):
        counts = ", ".join(f"{count} of {split}" for split, count in cut.items() if count)
        note(f"dataset {name!r}: sentences cut to {max_length} tokens with </s>: {counts}")
    vocabulary = build(kept["train"], vocabulary_size, min_count)
    tokens = {split: vocabulary.encode(sentences) for split, sentences in kept.items()}
    width = max(x.shape[1] for x in tokens.values())
    splits, unknown = {}, {}
    for split, x in tokens.items():
        label = _label(name, split, len(x), (labels or {}).get(split))
        x = np.pad(x, ((0, 0), (0, width - x.shape[1])), constant_values=PAD)
        splits[split] = Split(x, label)
        unknown[split] = float(np.mean(x[x != PAD] == UNKNOWN))
    return TextData(
        name,
        *(splits[split] for split in SPLITS),
        vocabulary=vocabulary,
        description=description,
        citation=citation,
        source=dict(source or {}),
        extras={"unknown": unknown, "cut": cut, **(extras or {})},
    )


def _label(
    name: str, split: str, number: int, label: Sequence[int] | np.ndarray | None
) -> np.ndarray | None:
    if label is None:
        return None
    if len(label) != number:
        raise UserError(
            f"dataset {name!r}: {number} {split} sentences need as many labels, got {len(label)}"
        )
    return np.asarray(label, np.int64)


def note(text: str) -> None:
    """One line for the user that is no error."""
    print(f"note: {text}", file=sys.stderr)


def numbered_lines(path: str) -> list[tuple[int, str]]:
    """(number from 1 on, line) of the lines that hold a word; the empty ones are counted in a note.

    Args:
        path: UTF-8 text, gzipped or not.

    Raises:
        UserError: the file is damaged, no UTF-8 text, or holds no word.
    """
    raw = content(path)
    if not raw:
        raise UserError(f"{path}: expected one sentence a line, found an empty file")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}, line {line}: expected UTF-8 text, found byte 0x{raw[error.start]:02x} at "
            f"offset {error.start}"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UserError(
            f"{path}, line {line}: expected UTF-8 text, found byte 0x00 at offset {raw.index(0)}"
        )
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[-1] == "":
        lines.pop()  # what follows the last line feed is no line
    kept = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not kept:
        raise UserError(f"{path}: expected one sentence a line, found empty lines only")
    if len(kept) < len(lines):
        note(f"{path}: {len(lines) - len(kept)} empty lines skipped")
    return kept


def read_lines(path: str) -> list[str]:
    """The lines of a text file that hold a word; see `numbered_lines`."""
    return [line for _, line in numbered_lines(path)]
