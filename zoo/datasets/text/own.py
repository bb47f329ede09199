"""The user's own text: an example a line, or a cell of a .csv; words between blanks, taken as they are."""

from __future__ import annotations

import os
import pathlib
from typing import NamedTuple

import numpy as np

from tfvae.checks import UserError, one_of
from zoo.datasets import files
from zoo.datasets.own import cells
from zoo.datasets.text.corpus import SPLITS, TextData, from_sentences, note, numbered_lines
from zoo.datasets.text.vocabulary import SPECIAL

__all__ = ["MAX_LENGTH", "Documents", "documents", "load"]

MAX_LENGTH = 200  # tokens; one endless line must not make every row as long as itself
_TEXT, _LABEL = "text", "label"  # columns
_FEWEST = 10  # lines that can be split 80/10/10
_FEWEST_HELD_OUT = 2  # without which nothing can be measured
_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_NO_LINES = (".csv", ".tsv", ".json", ".jsonl", ".xml", ".html")


class Documents(NamedTuple):
    """What was read.

    Attributes:
        parts: train, valid and test: examples, each a list of words.
        labels: {split: [N]} or `None`.
        rule: of the split.
        said: of all of it, one line.
        source: {file: sha256}.
    """

    parts: list[list[list[str]]]
    labels: dict[str, np.ndarray] | None
    rule: str
    said: str
    source: dict[str, str]


def documents(name: str, data_dir: str | None, text_column: str | None = None) -> Documents:
    """The words of each example, and which examples are held out; see `load`."""
    paths = _locate(name, data_dir)
    source = {os.path.basename(path): files.digest(path) for path in paths}
    table = len(paths) == 1 and paths[0].lower().endswith(_TABLES)
    if text_column is not None and not table:
        raise UserError(f"text_column={text_column} is of a .csv file, got {', '.join(paths)}")
    if table:
        sentences, label = _column(paths[0], text_column)
        parts = [sentences]
    else:
        parts, label = [_read(path) for path in paths], None
    rule, labels = "given", None
    if len(parts) == 1:
        rows = _split(paths[0], len(parts[0]))
        if label is not None:
            labels = {part: label[held] for part, held in zip(SPLITS, rows)}
        parts = [[parts[0][i] for i in held] for held in rows]
        rule = "80/10/10, drawn with seed 0"
        sizes = " / ".join(f"{len(part):,}" for part in parts)
        note(f"dataset {name!r}: {paths[0]} was split into {sizes} lines (seed 0)")
    return Documents(parts, labels, rule, _said(paths, parts, rule, labels), source)


def load(
    name: str,
    data_dir: str | None,
    *,
    vocabulary_size: int | None = None,
    min_count: int | None = None,
    max_length: int | None = None,
    text_column: str | None = None,
) -> TextData:
    """`train.txt`, `valid.txt` and `test.txt` of a folder, or one file that is split by chance.

    Args:
        data_dir: a folder with the three files (gzipped or not), with `train.txt` only or with one
            `*.txt`; or a file; or a .csv, whose column `label` is the label.
        text_column: of the .csv; `None`: `text`, or the only one besides the label.

    Raises:
        UserError: a file or split is missing, is no UTF-8 text, or holds a reserved word.
    """
    parts, labels, rule, said, source = documents(name, data_dir, text_column)
    extras = {"split": {"rule": rule, **{s: len(part) for s, part in zip(SPLITS, parts)}}}
    known = {" ".join(words) for words in parts[0]}
    for split, part in zip(SPLITS[1:], parts[1:]):
        # sentences that were trained on make a held-out figure look better than it is
        extras["split"][f"{split}_seen_in_train"] = sum(" ".join(words) in known for words in part)
    return from_sentences(
        name,
        *parts,
        labels=labels,
        vocabulary_size=vocabulary_size,
        min_count=1 if min_count is None else min_count,
        max_length=MAX_LENGTH if max_length is None else max_length,
        description=said,
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
    return [_words(path, number, line) for number, line in numbered_lines(path)]


def _words(path: str, number: int, line: str) -> list[str]:
    words = line.split()
    reserved = set(SPECIAL) - {"<unk>"}
    if not reserved.isdisjoint(words):
        word = next(word for word in words if word in reserved)
        raise UserError(
            f"{path}, line {number}: expected words of the text, found the reserved {word!r} "
            "(the ends of sentences are added when it is read)"
        )
    return words


def _column(path: str, asked: str | None) -> tuple[list[list[str]], np.ndarray | None]:
    """(the words of each row, labels if there are any)."""
    held = cells.read(path)
    others = [name for name in held.names if name != _LABEL]
    usual = others[0] if len(others) == 1 else _TEXT
    if asked is None and usual not in held.names:
        raise UserError(
            f"{path}: text_column must say which column is the text: {', '.join(others)[:200]}"
        )
    name = one_of(f"text_column of {path}", usual if asked is None else asked, held.names)
    found = held.column(held.names.index(name))
    empty = [line for line, cell in zip(held.lines, found) if not cell]
    if empty:
        raise UserError(
            f"{path}: {len(empty):,} cells of column {name!r} are empty (the first in line {empty[0]})"
        )
    sentences = [_words(path, line, cell) for line, cell in zip(held.lines, found)]
    if _LABEL not in held.names or name == _LABEL:
        return sentences, None
    return sentences, cells.kinds_of(path, _LABEL, held.column(held.names.index(_LABEL)))[0]


def _split(path: str, number: int) -> list[np.ndarray]:
    """The rows of each part."""
    if number < _FEWEST:
        raise UserError(
            f"{path}: expected {_FEWEST} lines or more to split 80/10/10, found {number}"
        )
    shuffled = np.random.default_rng(0).permutation(number)
    tenth = max(_FEWEST_HELD_OUT, number // 10)
    return [shuffled[: -2 * tenth], shuffled[-2 * tenth : -tenth], shuffled[-tenth:]]


def _said(paths: list[str], parts, rule: str, labels) -> str:
    number, longest = sum(map(len, parts)), max(len(s) for part in parts for s in part)
    sizes = " / ".join(f"{len(part):,}" for part in parts)
    said = f"the user's text: {', '.join(paths)}: {number:,} sentences of up to {longest:,} words"
    said += f"; {sizes} to train, validate and test, {rule}"
    if labels is not None:
        said += f"; labels 0 to {max(label.max() for label in labels.values())}"
    return said
