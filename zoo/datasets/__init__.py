"""The data sets of the zoo, by name. Nothing heavy is imported before one is loaded."""

from __future__ import annotations

import importlib

from tfvae.checks import one_of
from tfvae.outside import entry_points
from zoo.datasets import documents, own, text
from zoo.datasets.data import checked
from zoo.datasets.registry import GROUP, IMAGES, SPEECH, TABLES, has_factors, outside

__all__ = ["MADE_HERE", "form", "has_factors", "load", "made_here", "modality", "names"]

MADE_HERE = (
    frozenset(name for name, row in IMAGES.items() if row.made_here)
    | text.MADE_HERE
    | documents.NAMES
    | {name for name, row in TABLES.items() if row.made_here}
)
"""Sets that need no file: made by this project, or inside of its dependencies."""


def made_here(name: str) -> bool:
    """Whether it needs no file."""
    brought = None if name in MADE_HERE else outside(name)
    return name in MADE_HERE or (brought is not None and brought.made_here)


def names() -> list[str]:
    """Every data set there is."""
    return sorted(
        {
            *IMAGES,
            *SPEECH,
            *TABLES,
            *text.NAMES,
            *documents.NAMES,
            *own.DOORS,
            *entry_points(GROUP),
        }
    )


def modality(name: str) -> str:
    """`documents`, `images`, `speech`, `tables` or `text`.

    Raises:
        UserError: there is no data set of that name.
    """
    if own.is_own(name):
        return own.modality(name)
    if isinstance(name, str) and name not in IMAGES and outside(name) is not None:
        return "images"
    if one_of("dataset", name, names()) in SPEECH:
        return "speech"
    if name in TABLES:
        return "tables"
    if name in documents.NAMES:
        return "documents"
    return "text" if name in text.NAMES else "images"


def form(name: str) -> tuple[tuple[int, int, int], str]:
    """(image shape, kind) of a set of images, without reading a file."""
    brought = None if name in IMAGES else outside(name)
    row = brought or IMAGES[one_of("dataset", name, IMAGES)]
    return row.shape, row.kind


def load(name: str, data_dir: str | None = None, **options):
    """Reads a set of images into memory.

    Args:
        name: its name.
        data_dir: where its files lie (the folder itself or its parent); of one's own, what `--data` says.
        **options: of one's own, see the door's `load`.

    Returns:
        a `zoo.datasets.data.Data`.

    Raises:
        UserError: unknown name; a file that is missing, truncated or not what it should be.
    """
    if own.is_own(name):
        return checked(own.load(name, data_dir, **options))
    brought = None if name in IMAGES else outside(name)
    if brought is not None:
        return checked(brought.load(data_dir))
    module = IMAGES[one_of("dataset", name, IMAGES)].module
    return checked(importlib.import_module(f"zoo.datasets.{module}").load(name, data_dir))
