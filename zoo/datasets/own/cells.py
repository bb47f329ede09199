"""The cells of a .csv, row by row, below a line of names.

Legend: N rows.
"""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

import numpy as np

from tfvae.checks import UserError
from tfvae.training.reading import content, reading
from zoo.datasets.own.columns import number
from zoo.datasets.own.folder import some

__all__ = ["MOST_KINDS", "Cells", "in_order", "is_number", "kinds_of", "read"]

MOST_KINDS = 100
"""Of a category, and of a label."""

_SEPARATORS = ",;\t|"


class Cells(NamedTuple):
    """The cells of a file, row by row, and the line that each row ends on."""

    path: str
    names: list[str]
    rows: list[list[str]]
    lines: list[int]

    def column(self, place: int) -> list[str]:
        """Its cells."""
        return [row[place] for row in self.rows]


def read(path: str) -> Cells:
    """The cells of a UTF-8 file; they stand between commas, semicolons, tabulators or bars.

    Raises:
        UserError: it cannot be read, has no names or no rows, or a row has more or fewer cells.
    """
    with reading(path, "is no UTF-8 text"):
        text = content(path).decode("utf-8-sig")
    first = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, lines = [], []
    with reading(path, "is no table"):
        for row in reader:
            if row:
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    if len(rows) < 2:
        raise UserError(
            f"{path} must hold a line of names and rows below it, got {len(rows)} lines"
        )
    names = rows[0]
    twice = sorted({name for name in names if names.count(name) > 1 or not name})
    if twice:
        raise UserError(
            f"{path}: a column must have a name of its own, got {some(map(repr, twice))}"
        )
    if all(is_number(name) for name in names):
        raise UserError(f"{path}: the first line must name the columns, got {some(names)}")
    for row, line in zip(rows, lines):
        if len(row) != len(names):
            raise UserError(
                f"{path}, line {line}: {len(names)} cells are named in the first line, got {len(row)}"
            )
    return Cells(path, names, rows[1:], lines[1:])


def is_number(cell: str) -> bool:
    """Whether it is a finite number."""
    try:
        number("", cell)
    except UserError:
        return False
    return True


def in_order(kind: str):
    """Numbers by their size, before words."""
    return (0, float(kind), kind) if is_number(kind) else (1, 0.0, kind)


def kinds_of(data: str, name: str, cells) -> tuple[np.ndarray, tuple[str, ...]]:
    """(int64 [N], names) of the label."""
    kinds = tuple(sorted(set(cells), key=in_order))
    if len(kinds) > MOST_KINDS:
        raise UserError(
            f"{data}: the label {name!r} has {len(kinds):,} kinds, more than {MOST_KINDS}: "
            f"{some(kinds)}"
        )
    index = {kind: i for i, kind in enumerate(kinds)}
    return np.array([index[cell] for cell in cells], np.int64), kinds
