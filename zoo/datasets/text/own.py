"""The user's own text: one example a line, words separated by blanks, taken as they are."""

from __future__ import annotations

import os
import pathlib

import numpy as np

from tfvae.checks import UserError
from zoo.datasets import files
from zoo.datasets.text.corpus import SPLITS, TextData, from_sentences, note, numbered_lines
from zoo.datasets.text.vocabulary import SPECIAL

__all__ = ["MAX_LENGTH", "load"]

MAX_LENGTH = 200  # tokens; one endless line must not make every row as long as itself
_FEWEST = 10  # lines that can be split 80/10/10
_FEWEST_HELD_OUT = 2  # without which nothing can be measured
_NO_LINES = (".csv", ".tsv", ".json", ".jsonl", ".xml", ".html")


def load(
    name: str,
    data_dir: str | None,
    *,
    vocabulary_size: int | None = None,
    min_count: int | None = None,
    max_length: int | None = None,
) -> TextData:
    """`train.txt`, `valid.txt` and `test.txt` of a folder, or one file that is split by chance.

    Args:
        data_dir: a folder with the three files (gzipped or not), with `train.txt` only or with one
            `*.txt`; or a file.

    Raises:
        UserError: a file or split is missing, is no UTF-8 text, or holds a reserved word.
    """
    paths = _locate(name, data_dir)
    source = {os.path.basename(path): files.digest(path) for path in paths}
    parts = [_read(path) for path in paths]
    rule = "given"
    if len(parts) == 1:
        parts = _split(paths[0], parts[0])
        rule = "80/10/10, drawn with seed 0"
        sizes = " / ".join(f"{len(part):,}" for part in parts)
        note(f"dataset {name!r}: {paths[0]} was split into {sizes} lines (seed 0)")
    extras = {"split": {"rule": rule, **{s: len(part) for s, part in zip(SPLITS, parts)}}}
    known = {" ".join(words) for words in parts[0]}
    for split, part in zip(SPLITS[1:], parts[1:]):
        # sentences that were trained on make a held-out figure look better than it is
        extras["split"][f"{split}_seen_in_train"] = sum(" ".join(words) in known for words in part)
    return from_sentences(
        name,
        *parts,
        vocabulary_size=vocabulary_size,
        min_count=1 if min_count is None else min_count,
        max_length=MAX_LENGTH if max_length is None else max_length,
        description=f"the user's text: {', '.join(paths)}",
        source=source,
        extras=extras,
    )


def _locate(name: str, data_dir: str | None) -> list[str]:
    """Three paths, or one."""
    if data_dir is None:
        raise UserError(f"dataset {name!r} needs --data: a text file, or a folder with train.txt")
    if os.path.isfile(data_dir):
        return [data_dir]
    if not os.path.isdir(data_dir):
        raise UserError(f"dataset {name!r}: --data {data_dir} is no file and no folder")
    found = {split: files.find(data_dir, "", f"{split}.txt") for split in SPLITS}
    there = [path for path in found.values() if path]
    if len(there) == 3 or list(found.values()) == [found["train"], None, None] and there:
        return there
    if there:
        lacking = " and no ".join(f"{split}.txt" for split, path in found.items() if not path)
        raise UserError(f"dataset {name!r}: missing split: no {lacking} beside {there[0]}")
    texts = [p for end in ("*.txt", "*.txt.gz") for p in pathlib.Path(data_dir).glob(end)]
    if len(texts) != 1:
        names = ", ".join(sorted(p.name for p in texts)[:5]) or "none"
        raise UserError(
            f"dataset {name!r}: expected train.txt (with valid.txt and test.txt, or alone) or one "
            f".txt file in {data_dir}, found {names}"
        )
    return [str(texts[0])]


def _read(path: str) -> list[list[str]]:
    ending = os.path.splitext(path.removesuffix(".gz"))[1].lower()
    if ending in _NO_LINES:
        raise UserError(
            f"{path}: expected plain text, one example a line, found a {ending} file: write what is to "
            "be learned of it into a .txt"
        )
    reserved = set(SPECIAL) - {"<unk>"}
    sentences = []
    for number, line in numbered_lines(path):
        words = line.split()
        if not reserved.isdisjoint(words):
            word = next(word for word in words if word in reserved)
            raise UserError(
                f"{path}, line {number}: expected words of the text, found the reserved {word!r} "
                "(the ends of sentences are added when it is read)"
            )
        sentences.append(words)
    return sentences


def _split(path: str, sentences: list[list[str]]) -> list[list[list[str]]]:
    number = len(sentences)
    if number < _FEWEST:
        raise UserError(
            f"{path}: expected {_FEWEST} lines or more to split 80/10/10, found {number}"
        )
    shuffled = [sentences[i] for i in np.random.default_rng(0).permutation(number)]
    tenth = max(_FEWEST_HELD_OUT, number // 10)
    return [shuffled[: -2 * tenth], shuffled[-2 * tenth : -tenth], shuffled[-tenth:]]
