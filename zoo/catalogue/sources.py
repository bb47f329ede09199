"""Python sources as trees: docstrings and the values that stand in them, without running a line."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["ROOT", "Row", "announced", "called", "first_line", "literal", "tree", "values"]

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Row(NamedTuple):
    """A line of a listing.

    Attributes:
        name: as a command takes it.
        group: the heading below which it stands: a kind of data, or the place of a part.
        line: what it says of itself.
        kinds: of data that it is for; empty: all.
    """

    name: str
    group: str
    line: str
    kinds: tuple[str, ...] = ()


@functools.cache
def tree(path: str) -> ast.Module:
    """Of a file of the project, by its path below the root."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def first_line(node: ast.Module | ast.ClassDef) -> str:
    """Of its docstring."""
    return (ast.get_docstring(node) or "").partition("\n")[0]


def values(module: ast.Module) -> dict[str, ast.expr]:
    """{name: expression} of the assignments of a module."""
    found: dict[str, ast.expr] = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
    return found


def called(node: ast.expr) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    """(arguments, those by name) of a call."""
    assert isinstance(node, ast.Call), ast.dump(node)
    return node.args, {word.arg: word.value for word in node.keywords if word.arg}


def announced(group: str, heading: str) -> Iterator[Row]:
    """What installed packages bring by entry points; they are named, not imported."""
    for entry in importlib.metadata.entry_points(group=group):
        of = getattr(entry, "dist", None)
        package = f"of the package {of.name}: " if of is not None else ""
        yield Row(entry.name, heading, f"{package}{entry.value}")


def literal(node: ast.expr | None, otherwise: Any = None) -> Any:
    """The value of a literal."""
    return otherwise if node is None else ast.literal_eval(node)
