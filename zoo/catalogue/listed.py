"""The models, data sets and parts of the zoo, and those that installed packages announce."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from zoo.catalogue.sources import (
    ROOT,
    Row,
    announced,
    called,
    first_line,
    literal,
    tree,
    values,
)

__all__ = ["KINDS", "LISTINGS", "datasets", "models", "parts"]

KINDS = ("images", "text", "documents", "speech", "tables")
_OUTSIDE = "of other packages"
_FILES = "its files in --data_dir"
_HERE = "made here"


def models() -> list[Row]:
    """Each with the kind of data that it runs on where nothing else is said."""
    usual = _default_dataset()
    kinds = {row.name: row.group for row in datasets()}
    found = []
    for path in sorted((ROOT / "zoo" / "models").glob("*.py")):
        if path.stem == "__init__":
            continue
        module = tree(f"zoo/models/{path.name}")
        kind = kinds[_dataset_of(module, usual)]
        line = first_line(module).removeprefix(f"`{path.stem}`: ")
        found.append(Row(path.stem, kind, line))
    return [*_in_order(found), *announced("tfvae.models", _OUTSIDE)]


def _default_dataset() -> str:
    """Of `zoo.recipe.Defaults`."""
    (cls,) = [n for n in tree("zoo/recipe.py").body if getattr(n, "name", "") == "Defaults"]
    assert isinstance(cls, ast.ClassDef)
    fields = [n for n in cls.body if isinstance(n, ast.AnnAssign)]
    (field,) = [n for n in fields if ast.unparse(n.target) == "dataset"]
    return literal(field.value)


def _dataset_of(module: ast.Module, usual: str) -> str:
    arguments, named = called(values(module)["RECIPE"])
    held = arguments[1] if len(arguments) > 1 else named.get("defaults")
    if held is None:
        return usual
    arguments, named = called(held)
    return literal(arguments[0] if arguments else named.get("dataset"), usual)


def datasets() -> list[Row]:
    """Each with its kind, its form, and where it comes from."""
    found = [*_images(), *_speech(), *_texts(), *_documents(), *_tables(), *_doors()]
    return [*_in_order(found), *announced("tfvae.datasets", _OUTSIDE)]


def _images() -> Iterator[Row]:
    rows = values(tree("zoo/datasets/registry.py"))["IMAGES"]
    assert isinstance(rows, ast.Dict)
    for name, row in zip(rows.keys, rows.values):
        arguments, named = called(row)
        module, shape, form, *rest = (literal(a) for a in arguments)
        labels = rest[0] if rest else literal(named.get("labels"), 0)
        here = len(rest) > 1 or "made_here" in named
        told = f", {labels} labels" if labels else ""
        size = " x ".join(map(str, shape))
        line = _about(f"zoo/datasets/{module}.py", literal(name))
        yield Row(literal(name), "images", f"{size} {form}{told}; {_where(here)}. {line}")


def _speech() -> Iterator[Row]:
    for name in literal(values(tree("zoo/datasets/registry.py"))["SPEECH"]):
        line = first_line(tree(f"zoo/datasets/{name}.py"))
        yield Row(name, "speech", f"{_where(False)}. {line}")


def _texts() -> Iterator[Row]:
    held = values(tree("zoo/datasets/text/__init__.py"))
    here = _words(held["MADE_HERE"])
    for name, module in literal(held["NAMES"]).items():
        if module != "own":  # a door
            line = _about(f"zoo/datasets/text/{module}.py", name)
            yield Row(name, "text", f"{_where(name in here)}. {line}")


def _documents() -> Iterator[Row]:
    module = tree("zoo/datasets/documents.py")
    for name in sorted(_words(values(module)["NAMES"])):
        yield Row(name, "documents", f"{_where(True)}. {first_line(module)}")


def _tables() -> Iterator[Row]:
    rows = values(tree("zoo/datasets/registry.py"))["TABLES"]
    assert isinstance(rows, ast.Dict)
    for name, row in zip(rows.keys, rows.values):
        module, labels, *here = (literal(a) for a in called(row)[0])
        line = _about(f"zoo/datasets/{module}.py", literal(name))
        yield Row(literal(name), "tables", f"{labels} labels; {_where(bool(here))}. {line}")


def _doors() -> Iterator[Row]:
    for name, (kind, behind) in literal(
        values(tree("zoo/datasets/own/__init__.py"))["DOORS"]
    ).items():
        yield Row(name, kind, f"your own, behind --data: {behind}")


def _about(path: str, name: str) -> str:
    """Of a module that holds several sets its `ABOUT`, of another the first line."""
    module = tree(path)
    several = literal(values(module).get("ABOUT"), {})
    return several[name] if several else first_line(module)


def _words(node: ast.expr) -> set[str]:
    """Of `frozenset({...})`."""
    return literal(called(node)[0][0])


def _where(here: bool) -> str:
    return _HERE if here else _FILES


def parts() -> list[Row]:
    """Each with its place; `--set=PLACE=NAME` takes it."""
    modules = []
    for path in sorted([*(ROOT / "tfvae").rglob("*.py"), *(ROOT / "zoo").rglob("*.py")]):
        if re.search(r"Part\)|@part", path.read_text(encoding="utf-8")):
            modules.append(_classes(tree(str(path.relative_to(ROOT)))))
    everywhere = {name: cls for classes in modules for name, cls in classes.items()}
    order = _places()
    found = []
    for classes in modules:
        for cls in classes.values():
            if any(ast.unparse(d) == "part" for d in cls.decorator_list):
                known = {**everywhere, **classes}
                place, name, kinds = (
                    _said(cls, word, known) for word in ("place", "name", "kinds")
                )
                found.append(Row(name, place, first_line(cls), tuple(kinds or ())))
    found.sort(key=lambda row: (order.index(row.group), row.name, row.kinds))
    return [*found, *announced("tfvae.parts", _OUTSIDE)]


def _classes(module: ast.Module) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}


def _places() -> list[str]:
    rows = values(tree("tfvae/parts.py"))["_PLACES"]
    assert isinstance(rows, ast.Tuple)
    return [literal(called(row)[0][0]) for row in rows.elts]


def _said(cls: ast.ClassDef, word: str, classes: dict[str, ast.ClassDef]):
    """What a class, or the nearest of its bases, says the word is."""
    for node in cls.body:
        if isinstance(node, ast.Assign):
            for target, value in _pairs(node):
                if target == word:
                    return literal(value)
    bases = [classes[name] for b in cls.bases if (name := ast.unparse(b)) in classes]
    found = (_said(base, word, classes) for base in bases)
    return next((value for value in found if value is not None), None)


def _pairs(node: ast.Assign) -> list[tuple[str, ast.expr]]:
    """(name, value) of `a = 1` and of `a, b = 1, 2`."""
    target = node.targets[0]
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        return [(ast.unparse(t), v) for t, v in zip(target.elts, node.value.elts)]
    return [(ast.unparse(target), node.value)]


def _in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (KINDS.index(row.group), row.name))


LISTINGS = {
    "models": ("the systems, by the kind of data that each runs on by default", models),
    "datasets": ("what they can learn from, by kind", datasets),
    "parts": ("what a model is made of, by place: --set=PLACE=NAME takes one", parts),
}
