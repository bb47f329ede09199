"""One's own table: a .csv with a line of names; a column is a number or a category, as its cells are.

Legend: N rows.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from tfvae.checks import UserError, one_of
from tfvae.training.reading import reading
from zoo.datasets import files
from zoo.datasets.data import Split
from zoo.datasets.own.cells import MOST_KINDS, Cells, in_order, is_number, kinds_of, read
from zoo.datasets.own.columns import Column, Columns
from zoo.datasets.own.folder import some
from zoo.datasets.own.parts import PARTS, drawn, lacking, sizes

__all__ = ["TableData", "load", "made"]

_MISSING = {"", "?", "na", "n/a", "nan", "null", "none"}
_LABEL = "label"


class TableData(NamedTuple):
    """A table: x of the splits is float32 [N, C]; see `zoo.datasets.data.Data` for the rest.

    sensitive: the category that z is not to tell, where somebody said so.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    columns: Columns
    description: str
    citation: str
    source: dict[str, str]
    label_names: tuple[str, ...] = ()
    kind: str = "columns"
    sensitive: str | None = None


def load(
    data: str,
    *,
    label_column: str | None = None,
    sensitive_column: str | None = None,
    seed: int = 0,
) -> TableData:
    """A number stands in a column of numbers, a kind in a column of words or of two whole numbers.

    Args:
        data: a file, or a folder with train.csv, valid.csv and test.csv.
        label_column: what simple classifiers look for in the codes, and a conditional model is told;
            `None`: the column `label`, if there is one. It is no part of x.
        sensitive_column: a category, which is a part of x; see `TableData.sensitive`.
        seed: of the parts, where they are not given.

    Raises:
        UserError: no such file; no names; rows of other lengths; cells that are missing; words among
            numbers; a column that is constant, or of too many words.
    """
    paths = _locate(data)
    tables = [read(path) for path in paths]
    names = tables[0].names
    for table in tables:
        if table.names != names:
            raise UserError(
                f"{table.path} must have the columns of {tables[0].path}: {some(names)}"
            )
        _refuse_missing(table)
    rows = _parts(data, tables, seed)
    source = {os.path.basename(path): files.digest(path) for path in paths}
    seed_said = seed if len(tables) == 1 else None
    given = tables, rows, label_column, sensitive_column
    return made("table", data, *given, seed_said, "one's own", source)


def made(
    name: str,
    data: str,
    tables: list[Cells],
    rows: dict[str, np.ndarray],
    label_column: str | None,
    sensitive_column: str | None,
    seed: int | None,
    citation: str,
    source: dict[str, str],
) -> TableData:
    """Of cells that were read.

    Args:
        name: of the set.
        data: what it is called in refusals.
        tables: of the same columns.
        rows: {part: rows}, of all tables together.
        label_column, sensitive_column: see `load`.
        seed: that drew the parts; `None` where they were given.
        citation, source: see `zoo.datasets.data.Data`.

    Raises:
        UserError: see `load`.
    """
    names = tables[0].names
    label = _label(data, names, label_column)
    kept = [i for i, name in enumerate(names) if name != label]
    if not kept:
        raise UserError(f"{data} must hold a column besides the label {label!r}")
    columns = Columns(tuple(_column(tables, i, rows["train"]) for i in kept))
    cells = np.array([row for table in tables for row in table.rows], object)
    encoded = [column.encode(cells[:, i]) for column, i in zip(columns.columns, kept)]
    x = np.concatenate(encoded, 1)
    told, label_names = None, ()
    if label is not None:
        told, label_names = kinds_of(data, label, cells[:, names.index(label)])
    splits = [Split(x[rows[p]], None if told is None else told[rows[p]]) for p in PARTS]
    sensitive = _sensitive(data, columns, sensitive_column, cells[rows["train"]], kept)
    said = _said(columns, splits, seed, label, label_names)
    return TableData(
        name,
        *splits,
        columns=columns,
        description=said if sensitive is None else f"{said}; sensitive: {sensitive}",
        citation=citation,
        source=source,
        label_names=label_names,
        sensitive=sensitive,
    )


def _locate(data: str) -> list[str]:
    """One path, or three."""
    if os.path.isfile(data):
        return [data]
    if not os.path.isdir(data):
        raise UserError(f"--data must be a .csv file, or a folder of three: no {data}")
    with reading(data):
        held = set(os.listdir(data))
    there = {part for part in PARTS if f"{part}.csv" in held}
    if not there:
        raise UserError(f"--data: no train.csv, valid.csv and test.csv in {data}")
    lacking(data, there)
    return [os.path.join(data, f"{part}.csv") for part in PARTS]


def _parts(data: str, tables: list[Cells], seed: int) -> dict[str, np.ndarray]:
    if len(tables) == 1:
        return drawn(data, len(tables[0].rows), seed)
    ends = np.cumsum([0, *(len(table.rows) for table in tables)])
    return {part: np.arange(a, b) for part, a, b in zip(PARTS, ends, ends[1:])}


def _refuse_missing(table: Cells) -> None:
    counts = {
        name: sum(cell.lower() in _MISSING for cell in table.column(i))
        for i, name in enumerate(table.names)
    }
    counts = {name: count for name, count in counts.items() if count}
    if counts:
        said = some(f"{name} {count:,}" for name, count in counts.items())
        raise UserError(
            f"{table.path}: cells are missing ({said} of {len(table.rows):,} rows): fill them, or take "
            "these rows or columns out"
        )


def _label(data: str, names: list[str], asked: str | None) -> str | None:
    if asked is not None:
        return one_of(f"label_column of {data}", asked, names)
    return _LABEL if _LABEL in names else None


def _sensitive(
    data: str, columns: Columns, asked: str | None, train: np.ndarray, kept: list[int]
) -> str | None:
    """The column that was asked for, of which the cells of the train rows hold two kinds or more."""
    if asked is None:
        return None
    one_of(f"sensitive_column of {data}", asked, columns.names)
    column = columns.names.index(asked)
    if not columns.columns[column].kinds:
        raise UserError(
            f"sensitive_column of {data} must be a category, and {asked!r} is a column of numbers: make "
            "two kinds of it or more"
        )
    there = set(train[:, kept[column]])
    if len(there) == 1:
        raise UserError(
            f"sensitive_column of {data} must differ between train rows, and {asked!r} is "
            f"{there.pop()!r} in all of them"
        )
    return asked


def _column(tables: list[Cells], place: int, train: np.ndarray) -> Column:
    """A number, where at least half of the cells are some: the others are then refused."""
    name = tables[0].names[place]
    cells = [cell for table in tables for cell in table.column(place)]
    kinds = sorted(set(cells))
    where = f"{tables[0].path}: column {name!r}"
    if len(kinds) == 1:
        raise UserError(f"{where} is constant ({kinds[0]!r} in all rows): take it out")
    numbers = {kind for kind in kinds if is_number(kind)}
    share = sum(cell in numbers for cell in cells) / len(cells)
    if share < 0.5 or (len(kinds) == 2 and all(map(_is_whole, kinds))):
        if len(kinds) > MOST_KINDS:
            raise UserError(
                f"{where} has {len(kinds):,} kinds of words ({some(kinds)}): it is no category of "
                f"{MOST_KINDS} or less, and no number; take it out"
            )
        return Column(name, tuple(sorted(kinds, key=in_order)))
    for table in tables:
        for cell, line in zip(table.column(place), table.lines):
            if cell not in numbers:
                raise UserError(
                    f"{table.path}, line {line}: column {name!r} is of numbers ({share:.1%} of its "
                    f"cells), got {cell[:40]!r}"
                )
    values = np.array([float(cell) for cell in cells])[train]
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(values.mean()), float(values.std())
    if not 0 < scale < np.inf:
        raise UserError(
            f"{where} has the standard deviation {scale:g} in the train rows: take it out, or scale it"
        )
    return Column(name, (), mean, scale)


def _is_whole(cell: str) -> bool:
    return cell.lstrip("-").isdecimal()


def _said(columns: Columns, splits, seed, label, label_names) -> str:
    number_of = sum(len(split.x) for split in splits)
    numbers = [c.name for c in columns.columns if not c.kinds]
    kinds = [f"{c.name} ({len(c.kinds)})" for c in columns.columns if c.kinds]
    said = [f"{_few(numbers, 'number', 's')}: Gaussian, standardised"] if numbers else []
    said += [f"{_few(kinds, 'categor', 'ies', 'y')}: categorical"] if kinds else []
    if label is not None:
        said.append(f"label {label} ({some(label_names)})")
    about = f"{number_of:,} rows of {len(columns.columns)} columns: {', '.join(said)}"
    return f"{about}; {sizes(splits, seed)}"


def _few(names: list[str], word: str, many: str, one: str = "") -> str:
    """As `2 numbers (age, income)`."""
    return f"{len(names)} {word}{many if len(names) > 1 else one} ({some(names)})"
