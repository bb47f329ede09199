"""Tables of people of the UCI repository, of which a column is sensitive."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfvae.checks import UserError
from tfvae.training.reading import content, reading
from zoo.datasets import files
from zoo.datasets.own.cells import Cells
from zoo.datasets.own.parts import PARTS
from zoo.datasets.own.table import TableData, made

ABOUT = {
    "adult": "census income of 1994: who earns more than 50,000 dollars a year (Kohavi 1996)",
    "german": "credit of a German bank: who is a good risk (Hofmann 1994)",
}
"""What `tfvae list datasets` says of each."""

_ADULT = [
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation"),
    *("relationship", "race", "sex", "capital_gain", "capital_loss", "hours_per_week"),
    *("native_country", "income"),
]
_GERMAN = [
    *("status", "duration", "history", "purpose", "amount", "savings", "employment", "rate", "sex"),
    *("debtors", "residence", "property", "age", "plans", "housing", "credits", "job"),
    *("dependants", "telephone", "foreign", "risk"),
]
_WOMEN = ("A92", "A95")


class _Set(NamedTuple):
    """What is known of it.

    Attributes:
        files: {name: sha256}; of two the second holds the test rows.
        names: of the columns, the label last.
        separator: of cells; `None`: blanks.
        valid, test: rows of the first file that are not trained on.
        citation: one line.
    """

    files: dict[str, str]
    names: list[str]
    separator: str | None
    valid: int
    test: int
    citation: str


_SETS = {
    "adult": _Set(
        {
            "adult.data": "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
            "adult.test": "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
        },
        _ADULT,
        ",",
        3000,
        0,
        "Kohavi, Scaling Up the Accuracy of Naive-Bayes Classifiers, KDD 1996",
    ),
    "german": _Set(
        {"german.data": "b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871"},
        _GERMAN,
        None,
        100,
        200,
        "Hofmann, Statlog (German Credit Data), UCI 1994",
    ),
}


def load(
    name: str,
    data_dir: str | None = None,
    label_column: str | None = None,
    sensitive_column: str | None = None,
) -> TableData:
    """Words are categories (`?` is one more), numbers are standardised by the train rows.

    `adult`: 29,561 / 3,000 / 16,281, valid drawn of adult.data with seed 0, test adult.test. `german`:
    700 / 100 / 200, drawn with seed 0; of its column of sex and marital status the sex alone is kept, since
    for women it says no more.

    Raises:
        UserError: files that are missing or are something else.
    """
    asked = _SETS[name]
    paths = {each: _found(name, data_dir, each) for each in asked.files}
    tables = [_cells(path, asked) for path in paths.values()]
    source = {each: files.digest(path) for each, path in paths.items()}
    for each, path in paths.items():
        files.verify(path, source[each], asked.files)
    label = asked.names[-1] if label_column is None else label_column
    rows = _parts(asked, [len(table.rows) for table in tables])
    drawn = 0 if len(tables) == 1 else None
    return made(name, name, tables, rows, label, sensitive_column, drawn, asked.citation, source)


def _found(name: str, data_dir: str | None, file: str) -> str:
    if data_dir is None:
        raise UserError(f"dataset {name!r} is read from files: --data_dir must name their folder")
    path = files.find(data_dir, name, file)
    if path is None:
        how = f"{file} of archive.ics.uci.edu is needed"
        raise files.missing(name, data_dir, name, file, how)
    return path


def _cells(path: str, asked: _Set) -> Cells:
    with reading(path, "is no UTF-8 text"):
        text = content(path).decode()
    rows, lines = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.split(asked.separator)]
        if len(cells) != len(asked.names):
            raise UserError(
                f"{path}, line {number}: {len(asked.names)} cells are wanted, got {len(cells)}"
            )
        cells[-1] = cells[-1].removesuffix(".")
        if asked.names is _GERMAN:
            sex = asked.names.index("sex")
            cells[sex] = "female" if cells[sex] in _WOMEN else "male"
            cells[-1] = {"1": "good", "2": "bad"}.get(cells[-1], cells[-1])
        rows.append(cells)
        lines.append(number)
    least = asked.valid + asked.test + 10
    if len(rows) < least:
        raise UserError(f"{path} must hold {least:,} rows or more, got {len(rows):,}")
    return Cells(path, list(asked.names), rows, lines)


def _parts(asked: _Set, sizes: list[int]) -> dict[str, np.ndarray]:
    order = np.random.default_rng(0).permutation(sizes[0])
    held = asked.valid + asked.test
    given = order[:-held], order[-held : len(order) - asked.test], order[len(order) - asked.test :]
    if len(sizes) > 1:
        given = *given[:2], np.arange(sizes[0], sum(sizes))
    return dict(zip(PARTS, given))
