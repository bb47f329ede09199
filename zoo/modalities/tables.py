"""Tables: rows of numbers and categories."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import diagnosis
from tfvae.checks import UserError, place
from tfvae.parts import Part, part, setting
from tfvae.parts import facts as facts_of
from tfvae.training.reading import content, json_object, reading
from zoo.datasets import own
from zoo.datasets.data import checked
from zoo.datasets.own.columns import Columns
from zoo.datasets.registry import TABLES
from zoo.modalities.alike import alike

# a row is kept, streamed and measured as an image is
from zoo.modalities.images import arrays, batches, stream

__all__ = [
    "DEFAULT_BACKBONE",
    "NAME",
    "READ_FIRST",
    "UNIT",
    "Rows",
    "Space",
    "arrays",
    "batches",
    "columns",
    "facts",
    "identity",
    "leave",
    "load",
    "pictures",
    "space",
    "space_of",
    "stream",
    "usual",
    "usual_data",
]

NAME = "tables"
DATASET = "table"
UNIT = "rows"
DEFAULT_BACKBONE = "mlp"
READ_FIRST = False


@part
class Rows(Part):
    """What a column is."""

    place, name, kinds = "data", "rows", ("tables",)
    label_column: str | None = setting(
        None, "the column that is the label, and no part of x; none: `label`, if there is one"
    )

    def columns(self) -> dict[str, str | None]:
        """What the reader of a table is told of its columns."""
        return dataclasses.asdict(self)


@part
class SensitiveRows(Rows):
    """The same, with a category that the decoder is told and z need not hold."""

    name = "sensitive_rows"
    offers = facts_of("sensitive")
    sensitive_column: str = setting("sex", "the category, a part of x")


class Space(NamedTuple):
    """Columns of a table.

    Attributes:
        groups: the columns from left to right, 1 a number, K > 1 a category of K kinds.
        sensitive: which of them the decoder is told, a category; `None`: none.
    """

    groups: tuple[int, ...]
    sensitive: int | None = None

    @property
    def sensitive_span(self) -> tuple[int, int]:
        """(first number of it in a row, its kinds).

        Raises:
            UserError: there is none.
        """
        if self.sensitive is None:
            raise UserError("this table has no sensitive column: say data=sensitive_rows")
        return sum(self.groups[: self.sensitive]), self.groups[self.sensitive]

    @property
    def numbers(self) -> int:
        """Of one row."""
        return sum(self.groups)

    def example(self) -> tf.Tensor:
        """Two rows: every number its mean, every category its first kind."""
        row = [[0.0] if size == 1 else [1.0] + [0.0] * (size - 1) for size in self.groups]
        return tf.tile(tf.constant([sum(row, [])]), [2, 1])

    def __str__(self) -> str:
        numbers = sum(size == 1 for size in self.groups)
        return f"rows of {numbers} numbers and {len(self.groups) - numbers} categories"


def load(dataset: str, data_dir: str | None, point):
    """Reads it."""
    asked = point["data"]
    columns = asked.columns()
    if own.is_own(dataset):
        return checked(own.load(dataset, data_dir, **columns))
    module = importlib.import_module(f"zoo.datasets.{TABLES[dataset].module}")
    return checked(module.load(dataset, data_dir, **columns))


def space(dataset: str, data_dir: str | None, point) -> Space:
    """Of the file: nothing else knows its columns."""
    return space_of(load(dataset, data_dir, point))


def space_of(data) -> Space:
    """Of a table that was read."""
    names = data.columns.names
    return Space(
        data.columns.groups, None if data.sensitive is None else names.index(data.sensitive)
    )


usual_data, usual, facts = alike("rows", likelihood="columns", encoder="full")


def pictures(model, x: np.ndarray, data, seed: int, progress) -> diagnosis.Shown:
    """Rows that show what the model does."""
    del progress

    def words(rows):
        return [list(row.values()) for row in data.columns.decode(rows)]

    label = data.test.condition if model.asks_label else None
    names = list(data.columns.names)
    return diagnosis.Shown(texts=diagnosis.rows(model, x, names, words, seed, label=label))


_COLUMNS = "columns.json"


def identity(data) -> dict[str, str | list[str]]:
    """For config.json: a run goes on with the same columns alone."""
    return {"columns": data.columns.digest(), "label_names": list(data.label_names)}


def leave(data, directory) -> None:
    """The columns, without which the model's numbers mean nothing.

    Raises:
        UserError: the columns that lie there are not this run's.
    """
    if os.path.exists(directory.join(_COLUMNS)):
        columns(directory.path)
    directory.write_bytes(_COLUMNS, json.dumps(data.columns.to_json(), indent=1).encode())


def columns(workdir: str) -> Columns:
    """The columns of a run.

    Raises:
        UserError: they are missing, damaged, or not those that the run was made with.
    """
    path = os.path.join(place("workdir", workdir), _COLUMNS)
    wanted = json_object(os.path.join(workdir, "config.json")).get("columns")
    with reading(path):
        held = json.loads(content(path))
    found = Columns.from_json(path, held)
    if found.digest() != wanted:
        raise UserError(f"{path} does not fit the checkpoints beside it: it has other columns")
    return found
