"""Where the runs of a comparison are made: a file each, found by lying here.

A launcher is a frozen dataclass, `LAUNCHER` of its file; its fields are the flags that it takes. One of
another package comes as `module:Class`.
"""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
from collections.abc import Mapping
from typing import Any

from tfvae import outside
from tfvae.checks import UserError, one_of
from zoo.comparison.launchers.launcher import Launcher

__all__ = ["Launcher", "make", "names"]


def names() -> list[str]:
    """Of this folder."""
    files = (path.stem for path in pathlib.Path(__file__).parent.glob("*.py"))
    return sorted(name for name in files if name not in ("__init__", "launcher", "shared_disk"))


def make(name: str, given: Mapping[str, Any]) -> Launcher:
    """The launcher of that name.

    Args:
        name: of a file here, or `module:Class`.
        given: its flags.

    Raises:
        UserError: an unknown name, a flag that this launcher has no use for, a value out of range.
    """
    cls = _class(name)
    mine = _flags(cls)
    for flag in given:
        if flag not in mine:
            others = [other for other in names() if flag in _flags(_class(other))]
            raise UserError(f"--{flag} is of --launcher={', '.join(others)}, and this is {name}")
    return cls(**given)


def _class(name: str) -> type[Launcher]:
    if ":" not in name:
        one_of("launcher", name, names())
        return importlib.import_module(f"{__name__}.{name}").LAUNCHER
    found = outside.attribute("--launcher", name, type)
    if not issubclass(found, Launcher):
        raise UserError(f"--launcher {name} must be a {Launcher.__module__}.Launcher")
    return found


def _flags(cls: type[Launcher]) -> set[str]:
    return {field.name for field in dataclasses.fields(cls)}
