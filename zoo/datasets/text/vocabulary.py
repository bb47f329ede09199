"""Words and their numbers.

Legend: N sentences, T tokens of a row, V words.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from tfvae.checks import UserError, positive

__all__ = ["END", "PAD", "SPECIAL", "START", "UNKNOWN", "Vocabulary", "build", "word_limit"]

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
PAD, START, END, UNKNOWN = range(4)
_UNKNOWN_IN_SOURCES = ("_UNK", "_unk")  # what published files write for <unk>


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """A list of words; immutable.

    Args:
        words: [V], `<pad>`, `<s>`, `</s>`, `<unk>` first; a word's number is its place.

    Raises:
        UserError: the four are not first, or a word is empty, holds a blank, or stands twice.
    """

    words: tuple[str, ...]
    _index: dict[str, int] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self):
        words = tuple(self.words)
        if words[:4] != SPECIAL:
            raise UserError(
                f"a vocabulary must begin with {', '.join(SPECIAL)}, got {', '.join(words[:4])}"
            )
        index = {word: place for place, word in enumerate(words)}
        for place, word in enumerate(words):
            if index[word] != place:
                raise UserError(
                    f"vocabulary, line {index[word] + 1}: {word!r} stands on line {place + 1} too"
                )
            if len(word.split()) != 1 or word.split()[0] != word:
                raise UserError(
                    f"vocabulary, line {place + 1}: expected one word without blanks, got {word!r}"
                )
        # a text that holds the marks themselves must not end or begin a sentence with them
        for word in (*SPECIAL, *_UNKNOWN_IN_SOURCES):
            index[word] = UNKNOWN
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "_index", index)

    def __len__(self) -> int:
        return len(self.words)

    def encode(
        self, sentences: Sequence[Sequence[str]], max_length: int | None = None
    ) -> np.ndarray:
        """Tokens, int32 [N, T]: the words, `</s>`, then `<pad>` up to the longest row.

        Args:
            sentences: N lists of words; unknown ones become `<unk>`.
            max_length: T at most, `</s>` included (a cut sentence ends in `</s>` too); `None`: no
                limit.

        Raises:
            UserError: max_length is below 2, or a sentence is a string.
        """
        cut = word_limit(max_length)
        rows = [_word_list(sentence)[:cut] for sentence in sentences]
        width = max((len(row) for row in rows), default=0) + 1
        tokens = np.full((len(rows), width), PAD, np.int32)
        find = self._index.get
        for row, words in zip(tokens, rows):
            row[: len(words)] = [find(word, UNKNOWN) for word in words]
            row[len(words)] = END
        return tokens

    def decode(self, tokens: np.ndarray) -> list[str]:
        """Sentences of tokens [..., T], in row order; each ends before its first `</s>` or `<pad>`.

        Raises:
            UserError: a token is no number of a word.
        """
        tokens = np.asarray(tokens)
        if tokens.size and not 0 <= tokens.min() <= tokens.max() < len(self):
            raise UserError(
                f"tokens must be from 0 to {len(self) - 1}, got {tokens.min()} to {tokens.max()}"
            )
        sentences = []
        for row in tokens.reshape(-1, tokens.shape[-1]):
            stops = np.flatnonzero((row == END) | (row == PAD))
            kept = row[: stops[0]] if len(stops) else row
            sentences.append(" ".join(self.words[token] for token in kept))
        return sentences

    def to_text(self) -> str:
        """One word a line."""
        return "".join(f"{word}\n" for word in self.words)

    @classmethod
    def from_text(cls, text: str) -> Vocabulary:
        """The inverse of `to_text`."""
        return cls(tuple(text.removesuffix("\n").split("\n")))

    def digest(self) -> str:
        """sha256 of `to_text`, in hex: two models with the same one number their words alike."""
        return hashlib.sha256(self.to_text().encode()).hexdigest()


def _word_list(sentence):
    """A string would be taken for its letters."""
    if isinstance(sentence, (str, bytes)):
        raise UserError(f"a sentence must be a list of words, got {sentence[:40]!r}: split it")
    return sentence


def word_limit(max_length: int | None) -> int | None:
    """How many words a sentence of `max_length` tokens holds before its `</s>`.

    Raises:
        UserError: max_length is no whole number from 2 on.
    """
    if max_length is None:
        return None
    if isinstance(max_length, bool) or int(max_length) != max_length or max_length < 2:
        raise UserError(f"max_length must be a whole number from 2 on, got {max_length!r}")
    return int(max_length) - 1


def build(
    sentences: Iterable[Iterable[str]], size: int | None = None, min_count: int = 1
) -> Vocabulary:
    """The words of a training split, the frequent first (ties: alphabetical).

    Args:
        sentences: lists of words.
        size: V at most, the four marks included; `None`: no limit.
        min_count: rarer words are left out.

    Raises:
        UserError: size is no whole number that leaves room for a word; min_count is not above 0, or
            above the count of every word.
    """
    positive("min_count", min_count)
    if size is not None and (int(size) != size or size <= len(SPECIAL)):
        raise UserError(
            f"vocabulary_size must be a whole number above {len(SPECIAL)} ({', '.join(SPECIAL)}), "
            f"got {size}"
        )
    counts = collections.Counter()
    for sentence in sentences:
        counts.update(_word_list(sentence))
    for word in (*SPECIAL, *_UNKNOWN_IN_SOURCES):
        counts.pop(word, None)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = [word for word, count in ordered if count >= min_count]
    if not kept:
        most = ordered[0][1] if ordered else 0
        raise UserError(
            f"min_count must be at most the count of the most frequent word, {most}, got {min_count}"
        )
    return Vocabulary((*SPECIAL, *kept)[: None if size is None else int(size)])
