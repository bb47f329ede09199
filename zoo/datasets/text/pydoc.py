"""The embedded default: sentences of the documentation that ships with Python, as pydoc shows it.

That is the language reference (`pydoc_data.topics`, about 1,500 sentences) and the docstrings of the
standard library: real English of one subject, and there without a download. The text differs a
little between Python versions, so a sentence's split hangs on its own hash and not on its place:
most sentences stay where they are.
"""

from __future__ import annotations

import ast
import hashlib
import pathlib
import platform
import re
import sysconfig
import warnings
from collections.abc import Iterator

import numpy as np

from tfvae.checks import UserError
from zoo.datasets.data import refuse_files
from zoo.datasets.text.corpus import SPLITS, TextData, from_sentences

__all__ = ["CITATION", "load", "sentences", "split"]

CITATION = "Python Software Foundation, The Python Language Reference and the Standard Library"

_PACKAGES = ("asyncio", "collections", "concurrent/futures", "email", "html", "http", "importlib")
_PACKAGES += ("json", "logging", "multiprocessing", "unittest", "urllib", "wsgiref", "xmlrpc")
_SHORTEST, _LONGEST = 4, 30
_CODE = re.compile(r"^\s*(>>>|\.\.\. |[|+]\s*[-=]{3}|[|]|@\w)|::=|^\s*[*=\-~^]{3,}\s*$", re.M)
_ITEM = re.compile(r"^(\s*)(?:[*\-]|\d+\.|\(\d+\))\s+")
_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"”’)]))\s+(?=[\"“(]?[A-Z])")
_MARK = re.compile(r"(\*\*|\*|``|`)(?=\S)(.+?)(?<=\S)\1")
_QUOTES = str.maketrans("‘’“”", "''\"\"")
_TOKEN = re.compile(r"\d+(?:\.\d+)+|\w+(?:'[a-z]+)?|[^\w\s]")


def sentences() -> list[list[str]]:
    """Distinct sentences of 4 to 30 tokens, lower case, shuffled with seed 0.

    Raises:
        UserError: this Python comes without its documentation.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise UserError(
            "dataset 'pydoc' needs pydoc_data.topics, which this Python comes without"
        ) from error
    found = {}
    for text in (*topics.values(), *_docstrings()):
        for paragraph in _paragraphs(text):
            for sentence in _END.split(paragraph):
                words = _tokens(sentence)
                if words:
                    found[" ".join(words)] = words
    ordered = [found[key] for key in sorted(found)]
    return [ordered[i] for i in np.random.default_rng(0).permutation(len(ordered))]


def _docstrings() -> Iterator[str]:
    """Those of the public modules and packages of the standard library, read and not imported."""
    home = pathlib.Path(sysconfig.get_paths()["stdlib"])
    paths = [
        *home.glob("[a-z]*.py"),
        *(p for name in _PACKAGES for p in (home / name).glob("*.py")),
    ]
    for path in sorted(paths):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of old string escapes
                tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue  # a distribution may ship less than the whole library
        for node in _statements(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                yield ast.get_docstring(node) or ""


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The node and the statements within it; `ast.walk` visits ten times as many expressions."""
    yield node
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        for inner in getattr(node, block, ()):
            yield from _statements(inner)


def _paragraphs(text: str) -> Iterator[str]:
    """Blocks of running text on one line each; code, grammar, tables and headings are left out."""
    for block in re.split(r"\n\s*\n", text):
        if _CODE.search(block):
            continue
        item: list[str] = []
        for line in block.split("\n"):
            starts = _ITEM.match(line)
            if starts and item:
                yield " ".join(item)
                item = []
            item.append(_ITEM.sub("", line).strip())
        yield " ".join(item)


def _tokens(sentence: str) -> list[str] | None:
    """The sentence's tokens, or `None` if it is none: cut off, code, or of another length."""
    plain = _MARK.sub(r"\2", sentence.strip())
    if not re.match(r"[\"“(]?[A-Z\"]", plain) or not re.search(r"[.!?][\"”’)]*$", plain):
        return None
    words = _TOKEN.findall(plain.lower().translate(_QUOTES))
    letters = sum(word[0].isalpha() for word in words)
    if not _SHORTEST <= len(words) <= _LONGEST or letters < 0.6 * len(words):
        return None
    return words


def split() -> dict[str, list[list[str]]]:
    """Train, valid and test by the last digit of a sentence's hash: 8, 1 and 1 tenths."""
    parts: dict[str, list[list[str]]] = {part: [] for part in SPLITS}
    for words in sentences():
        tenth = int(hashlib.sha256(" ".join(words).encode()).hexdigest(), 16) % 10
        parts["valid" if tenth == 8 else "test" if tenth == 9 else "train"].append(words)
    return parts


def load(
    name: str,
    data_dir: str | None = None,
    *,
    vocabulary_size: int | None = None,
    min_count: int | None = None,
    max_length: int | None = None,
) -> TextData:
    """The sentences, split by their hashes.

    Args:
        min_count: 2 unless given: a word that is there once teaches a model nothing.
    """
    refuse_files(name, data_dir)
    parts = split()
    # another Python has another text: a run that is resumed must notice
    text = "\n".join(" ".join(words) for part in SPLITS for words in parts[part])
    source = {"documentation": hashlib.sha256(text.encode()).hexdigest()}
    sizes = " / ".join(f"{len(parts[part]):,}" for part in SPLITS)
    return from_sentences(
        name,
        *(parts[part] for part in SPLITS),
        vocabulary_size=vocabulary_size,
        min_count=2 if min_count is None else min_count,
        max_length=max_length,
        description=f"{sizes} sentences of the documentation of Python {platform.python_version()}",
        citation=CITATION,
        source=source,
        extras={"python": platform.python_version()},
    )
