"""The text sets of the zoo, by name. A set's module is imported when the set is loaded.

Every set is a `TextData`: int32 tokens [N, T], a sentence, `</s>`, then `<pad>`.
"""

from __future__ import annotations

import importlib

from tfvae.checks import UserError, one_of
from zoo.datasets.data import checked

__all__ = ["FIXED", "MADE_HERE", "NAMES", "form", "load"]

# name: module
NAMES = {
    "pydoc": "pydoc",
    "text": "own",
    "ptb": "published",
    "yahoo": "published",
    "yelp": "published",
    "yelp_sentences": "published",
    "snli": "published",
    "synthetic": "synthetic",
    "synthetic_small": "synthetic",
    "mixmarkov": "mixmarkov",
}

# (V, T) as far as they do not hang on the files or on the Python version
_FORMS = {
    "ptb": (10_002, 83),
    # the published 20,000 words; the longest of the lines that are public
    "yahoo": (20_004, 201),
    "yelp": (20_004, 201),
    "synthetic": (1_004, 11),
    "synthetic_small": (204, 11),
    "mixmarkov": (9, 24),
}

MADE_HERE = frozenset({"mixmarkov", "pydoc", "synthetic", "synthetic_small"})
"""Sets that need no file."""

FIXED = frozenset({"mixmarkov", "synthetic", "synthetic_small"})
"""Sets whose sentences are all of one length."""


def form(name: str) -> tuple[int | None, int | None]:
    """(vocabulary size, longest row) of the set as published, without reading a file.

    `None` where it hangs on the file that is given.

    Raises:
        UserError: unknown name.
    """
    return _FORMS.get(one_of("dataset", name, NAMES), (None, None))


def load(
    name: str,
    data_dir: str | None = None,
    *,
    vocabulary_size: int | None = None,
    min_count: int | None = None,
    max_length: int | None = None,
    text_column: str | None = None,
):
    """Reads a text set into memory.

    Args:
        name: one of `NAMES`.
        data_dir: where its files lie (the folder itself or its parent); for `text`, a folder or a
            file.
        vocabulary_size: words kept, the four marks included; `None`: as the paper.
        min_count: rarer words become `<unk>`; `None`: the set's own (1, pydoc 2).
        max_length: sentences are cut to it, `</s>` included; `None`: the set's own (text 200,
            published ones 500, which is above every sentence of theirs).
        text_column: of one's own .csv.

    Returns:
        a `zoo.datasets.text.corpus.TextData`.

    Raises:
        UserError: unknown name; a file that is missing, truncated or not what it should be; a
            setting that a generated set does not have.
    """
    module = NAMES[one_of("dataset", name, NAMES)]
    own = {"text_column": text_column} if name == "text" else {}
    if text_column is not None and not own:
        raise UserError(
            f"text_column={text_column} is of one's own .csv (dataset 'text'), and {name!r} is none"
        )
    data = importlib.import_module(f"zoo.datasets.text.{module}").load(
        name,
        data_dir,
        vocabulary_size=vocabulary_size,
        min_count=min_count,
        max_length=max_length,
        **own,
    )
    return checked(data)
