"""What the columns of a table are: how its words become numbers, and what numbers mean in words.

A number is (value - mean) / scale, mean and scale those of the train rows; a category is one-hot.

Legend: N rows, C numbers of a row.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from tfvae.checks import UserError, finite, positive

__all__ = ["Column", "Columns"]


@dataclasses.dataclass(frozen=True)
class Column:
    """kinds: of a category; empty: a number, with the mean and the standard deviation of its values."""

    name: str
    kinds: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 1.0

    @property
    def width(self) -> int:
        """How many numbers of a row it is."""
        return len(self.kinds) or 1

    def encode(self, cells: Collection[str]) -> np.ndarray:
        """float32 [N, width].

        Raises:
            UserError: a kind that is not there; no number, or none that is finite.
        """
        if not self.kinds:
            values = np.array([number(self.name, cell) for cell in cells], np.float64)
            return ((values - self.mean) / self.scale).astype(np.float32)[:, None]
        index = {kind: i for i, kind in enumerate(self.kinds)}
        unknown = [cell for cell in cells if cell not in index]
        if unknown:
            raise UserError(
                f"column {self.name!r} has no {unknown[0]!r}, only {', '.join(self.kinds)[:200]}"
            )
        return np.eye(len(self.kinds), dtype=np.float32)[[index[cell] for cell in cells]]

    def decode(self, x: np.ndarray) -> list[str]:
        """The cells of [N, width]: a number in the table's units, the likeliest kind."""
        if self.kinds:
            return [self.kinds[i] for i in np.argmax(x, 1)]
        return [f"{value:.6g}" for value in self.mean + self.scale * x[:, 0].astype(np.float64)]


@dataclasses.dataclass(frozen=True)
class Columns:
    """Those of a table, from left to right."""

    columns: tuple[Column, ...]

    @property
    def groups(self) -> tuple[int, ...]:
        """As `tfvae.likelihoods.Columns` wants them."""
        return tuple(column.width for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(column.name for column in self.columns)

    def encode(self, rows: Sequence[Mapping[str, object]]) -> np.ndarray:
        """Rows {name: cell} as numbers, float32 [N, C]; what the table does not have is passed over.

        Raises:
            UserError: a column is missing in a row, or a cell is none of its column.
        """
        for row in rows:
            lacking = [name for name in self.names if name not in row]
            if lacking:
                raise UserError(f"a row must have the columns {', '.join(lacking)}")
        found = [c.encode([str(row[c.name]).strip() for row in rows]) for c in self.columns]
        return np.concatenate(found, 1)

    def decode(self, x) -> list[dict[str, str]]:
        """The other way: [N, C] -> rows of cells."""
        x, cells, start = np.asarray(x, np.float32), {}, 0
        for column in self.columns:
            cells[column.name] = column.decode(x[:, start : start + column.width])
            start += column.width
        return [dict(zip(cells, row)) for row in zip(*cells.values())]

    def to_json(self) -> list[dict[str, object]]:
        """For a file."""
        return [dataclasses.asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, path: str, held) -> Columns:
        """What `to_json` gave.

        Raises:
            UserError: it is something else; names the file.
        """
        fields = {"name": str, "kinds": list, "mean": (int, float), "scale": (int, float)}
        fits = isinstance(held, list) and len(held) > 0
        for each in held if fits else ():
            fits = fits and isinstance(each, dict) and set(each) == set(fields)
            fits = fits and all(isinstance(each[name], kind) for name, kind in fields.items())
            fits = fits and all(isinstance(kind, str) for kind in each["kinds"])
            if fits:
                finite(f"{path}: mean of {each['name']!r}", each["mean"])
                positive(f"{path}: scale of {each['name']!r}", each["scale"])
        if not fits:
            raise UserError(f"{path} holds no columns of a table")
        return cls(tuple(Column(**{**each, "kinds": tuple(each["kinds"])}) for each in held))

    def digest(self) -> str:
        """sha256 of all of it."""
        return hashlib.sha256(json.dumps(self.to_json()).encode()).hexdigest()


def number(name: str, cell: str) -> float:
    """The finite number of a cell.

    Raises:
        UserError: it is none.
    """
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if not np.isfinite(value) or "_" in cell:
        raise UserError(f"column {name!r} wants a finite number, got {cell[:40]!r}")
    return value
