"""The published sentence sets; their files are not downloaded (see each set's terms) but given.

A row of `_SETS` says which files a set is read from. The first complete group of files is taken, so
the full files go before those that were cut out of them.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from tfvae.checks import UserError
from zoo.datasets import files, labels
from zoo.datasets.text.corpus import SPLITS, TextData, from_sentences, note, numbered_lines

__all__ = ["MAX_LENGTH", "load"]

MAX_LENGTH = 500  # tokens, above every published sentence: a damaged line must not widen all rows


class _Group(NamedTuple):
    """Files that make a set.

    files: one name a split; with two names (valid, test) the set is cut out of them by `_small`; with
        six (label 0 and 1 of each split) they are joined.
    label: `none`, `tab` (label<TAB>text), `maybe` (as `tab` if line 1 is), `first` (its first word) or
        `file` (the end of the file's name).
    """

    files: tuple[str, ...]
    label: str = "none"
    small: str = ""  # the name of the cut-out set


class _Set(NamedTuple):
    folder: str
    groups: tuple[_Group, ...]
    vocabulary_size: int | None
    citation: str


ABOUT = {
    "ptb": "Penn Treebank, sentences of the Wall Street Journal, every type of train",
    "snli": "sentences of SNLI",
    "yahoo": "Yahoo Answers, questions with answers",
    "yelp": "Yelp reviews with their stars",
    "yelp_sentences": "short Yelp sentences with their sentiment",
}
"""What `tfvae list datasets` says of each."""


def _three(stem: str, valid: str = "valid") -> tuple[str, str, str]:
    return f"{stem}train.txt", f"{stem}{valid}.txt", f"{stem}test.txt"


# 20,000 words are the papers', the four marks come on top
_SETS = {
    "ptb": _Set(
        "ptb",
        (_Group(_three("ptb.")),),
        None,  # the files hold 9,999 types already
        "Marcus, Santorini and Marcinkiewicz, Computational Linguistics 1993; Mikolov et al., "
        "Interspeech 2010 (this version)",
    ),
    "yahoo": _Set(
        "yahoo",
        (
            _Group(_three("yahoo."), "maybe"),
            _Group(_three(""), "maybe"),
            _Group(_three("", "val"), "maybe"),
            _Group(("yahoo.valid.txt", "yahoo.test.txt"), "none", "Yahoo-16k"),
        ),
        20_004,
        "Zhang, Zhao and LeCun, NeurIPS 2015; Yang et al., Improved Variational Autoencoders for "
        "Text Modeling using Dilated Convolutions, ICML 2017 (this cut)",
    ),
    "yelp": _Set(
        "yelp",
        (
            _Group(_three("yelp."), "maybe"),
            _Group(_three("yelp13."), "first"),
            _Group(("yelp13.valid.txt", "yelp13.test.txt"), "first", "Yelp13-12k"),
        ),
        20_004,
        "Yang et al., Improved Variational Autoencoders for Text Modeling using Dilated "
        "Convolutions, ICML 2017; yelp13: Xu and Durrett, EMNLP 2018",
    ),
    "snli": _Set(
        "snli",
        (_Group(_three("snli.")), _Group(_three("snli_sentences."))),
        None,
        "Bowman et al., A large annotated corpus for learning natural language inference, EMNLP "
        "2015",
    ),
    "yelp_sentences": _Set(
        "yelp_sentences",
        (
            _Group(
                tuple(
                    f"sentiment.{split}.{i}" for split in ("train", "dev", "test") for i in (0, 1)
                ),
                "file",
            ),
            _Group(_three("short_yelp."), "tab"),
        ),
        None,
        "Shen et al., Style Transfer from Non-Parallel Text by Cross-Alignment, NeurIPS 2017",
    ),
}
# where another folder name is usual, too
_FOLDERS = {"yelp": ("yelp", "yelp13")}

# sha256 of the unpacked content
_PUBLISHED = {
    "ptb.train.txt": "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
    "ptb.valid.txt": "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
    "ptb.test.txt": "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
    "yahoo.valid.txt": "6129c0622bd0a12b092814e7b660f70c20481788f42860d980431c0a614006ef",
    "yahoo.test.txt": "54dd2d2de3843cc701faebf793ab72253ff2286b00879d25790ad087a74917a1",
    "yelp13.valid.txt": "fa5f81ae1a7dcc8e784bec6aa1f5b91b7bf013a1883f4e672edbf5dc5405c090",
    "yelp13.test.txt": "87c05e01fe534233e36ee89d81371085ca7b826ca5ca9e2e44a31638c87ef151",
}
# files of names that others use too, as this project drew them
_DRAWN = {
    "snli_sentences.train.txt": "8b416af5adf3404f602828ccebcb6d10f994253209b6b455b505a7cc14c60dbc",
    "snli_sentences.valid.txt": "d56f94fe07ab1d40430097a46fa21bcac7b7aeb8102e1254d0cfe80abb32059c",
    "snli_sentences.test.txt": "84313641f4052a19e71b70f40fbb9d91aef762e066e8bbce753fa1fddbeef8d9",
    "short_yelp.train.txt": "5f5712c88a0f99eafa92d9c84ed2a14d9275bb3ef895082d9f6f2921f8b628d8",
    "short_yelp.valid.txt": "e9492777285630db510308314179cb8a3bca1cdf9f58311e388f15f0deeade9a",
    "short_yelp.test.txt": "821cb3c01c8cce26b5a17e833703aa3175b0d56dc6986ef2d4efbb3f0a4c4e62",
}

_MOST = 10**9  # kinds of labels, where the set does not say how many there are
_HELD_OUT = 2000  # sentences of valid and of test in a cut-out set


def load(
    name: str,
    data_dir: str | None,
    *,
    vocabulary_size: int | None = None,
    min_count: int | None = None,
    max_length: int | None = None,
) -> TextData:
    """A published set from its files in `data_dir` or in the set's own folder there.

    Of Yahoo and Yelp 2013 without a train file, a small set is made, and a note says so: train is all
    of the valid file and the first lines of the test file, valid and test are its last 2 x 2,000.

    Raises:
        UserError: a file is missing, damaged, or not what it should be.
    """
    known = _SETS[name]
    group, paths = _locate(name, known, data_dir)
    source = {os.path.basename(path): files.digest(path) for path in paths}
    for path, digest in zip(paths, source.values()):
        files.verify(path, digest, _PUBLISHED)
    count = labels.known(name) or _MOST
    read = [_read(path, group.label, count) for path in paths]
    about, extras = ABOUT[name], {}
    if set(source.values()) <= set(_DRAWN.values()):
        about += ", as drawn for this project: its figures are not those of the papers"
    if len(read) > len(SPLITS):
        read = [_joined(*read[i : i + 2]) for i in range(0, len(read), 2)]
    if len({label is None for _, label in read}) > 1:
        bare = " and ".join(path for path, (_, label) in zip(paths, read) if label is None)
        raise UserError(
            f"dataset {name!r}: expected label<TAB>text in all three files or in none, found no label "
            f"on line 1 of {bare}"
        )
    if group.small:
        read = _small(name, paths, read)
        sizes = " / ".join(f"{len(words):,}" for words, _ in read)
        about = (
            f"{group.small} ({sizes}), cut out of the valid and test files because train is not "
            f"there; its figures are not those of the papers; {about}"
        )
        extras["split"] = {"rule": group.small, **{s: len(w) for s, (w, _) in zip(SPLITS, read)}}
        note(
            f"dataset {name!r} is {group.small} ({sizes}): {group.files[0]} has no train file beside it"
        )
    return from_sentences(
        name,
        *(words for words, _ in read),
        labels={split: label for split, (_, label) in zip(SPLITS, read)},
        vocabulary_size=known.vocabulary_size if vocabulary_size is None else vocabulary_size,
        min_count=1 if min_count is None else min_count,
        max_length=MAX_LENGTH if max_length is None else max_length,
        description=about,
        citation=known.citation,
        source=source,
        extras=extras,
    )


def _locate(name: str, known: _Set, data_dir: str | None) -> tuple[_Group, list[str]]:
    wanted = " or ".join(dict.fromkeys(", ".join(known.groups[i].files) for i in (0, -1)))
    if data_dir is None:
        raise UserError(f"dataset {name!r} must be given with --data_dir: {wanted} are needed")
    best: tuple[list[str], list[str]] | None = None
    for group in known.groups:
        for folder in ("", *_FOLDERS.get(name, (known.folder,))):
            # all files of one folder: a train.txt of the parent is that of another set
            base = os.path.join(data_dir, folder)
            found = {file: files.find(base, "", file) for file in group.files}
            there = [path for path in found.values() if path]
            if len(there) == len(found):
                return group, there
            lacking = [file for file, path in found.items() if not path]
            if there and (best is None or len(lacking) < len(best[0])):
                best = (lacking, there)
    if best:
        raise UserError(
            f"dataset {name!r}: missing split: no {' and no '.join(best[0])} beside {best[1][0]}"
        )
    raise files.missing(name, data_dir, known.folder, wanted, "put the published files there")


def _read(path: str, label: str, count: int) -> tuple[list[list[str]], list[int] | None]:
    lines = numbered_lines(path)
    if label == "maybe":
        label = "tab" if lines[0][1].partition("\t")[0].strip().isdecimal() else "none"
    if label in ("none", "file"):
        sentences = [line.split() for _, line in lines]
        if label == "none":
            return sentences, None
        return sentences, [int(os.path.basename(path).removesuffix(".gz")[-1])] * len(sentences)
    words, known = [], []
    for number, line in lines:
        first, mark, rest = line.strip().partition("\t" if label == "tab" else " ")
        # a number of more digits is no label
        if not mark or not first.isdecimal() or len(first) > 9 or int(first) >= count:
            expected = "label<TAB>sentence" if label == "tab" else "label and sentence"
            expected += f" with a label from 0 to {count - 1}" if count < _MOST else ""
            raise UserError(f"{path}, line {number}: expected {expected}, found {line[:60]!r}")
        words.append(rest.split())
        known.append(int(first))
    return words, known


def _joined(one: tuple, two: tuple) -> tuple:
    return one[0] + two[0], one[1] + two[1]


def _small(name: str, paths: list[str], read: list) -> list:
    (more, more_label), (words, label) = read
    cut = len(words) - 2 * _HELD_OUT
    if cut < 0:
        raise UserError(
            f"dataset {name!r}: {paths[1]} must hold {2 * _HELD_OUT} lines, got {len(words)}"
        )

    def part(low: int, high: int) -> tuple:
        return words[low:high], None if label is None else label[low:high]

    first = part(0, cut)
    train = (more + first[0], None if label is None else more_label + first[1])
    return [train, part(cut, cut + _HELD_OUT), part(cut + _HELD_OUT, len(words))]
