"""What other packages bring: `module:attribute`, and names of entry points."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import os
import sys
from typing import Any

from tfvae.checks import UserError, one_line

__all__ = ["attribute", "entry_points"]


def attribute(what: str, path: str, kind: type) -> Any:
    """What `module:attribute` names; modules of the working directory are found too.

    Args:
        what: names it in a refusal.
        path: `module:attribute`.
        kind: what it must be: an instance of this class, or, where that is a class of classes (`type`), a
            subclass.

    Raises:
        UserError: it cannot be imported (its own error in one line), is not there, or is something else.
    """
    module, _, name = path.partition(":")
    if not module or not name:
        raise UserError(f"{what} must be a name or module:ATTRIBUTE, got {path[:80]!r}")
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())
    try:
        found = importlib.import_module(module)
    except Exception as error:  # whatever the module does when it is imported
        said = one_line(str(error), 300)
        raise UserError(
            f"{what} {path}: {module} cannot be imported: {type(error).__name__}: {said}"
        ) from error
    if not hasattr(found, name):
        raise UserError(f"{what} {path}: {module} has no {name!r}")
    value = getattr(found, name)
    if not isinstance(value, kind):
        raise UserError(
            f"{what} {path} must be a {kind.__module__}.{kind.__name__}, got {type(value).__name__}"
        )
    return value


@functools.cache
def entry_points(group: str) -> dict[str, str]:
    """{name: module:attribute} of what installed packages announce."""
    return {e.name: e.value for e in importlib.metadata.entry_points(group=group)}
