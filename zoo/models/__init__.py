"""The systems: one file each, `zoo/models/<model>.py`, with a docstring that begins with the formula and

    RECIPE    a `zoo.recipe.Recipe`: the paper, and the point on the axes that makes a VAE this model

Nothing tells a system from machinery but the folder it lies in. Somebody else's is `their_module:RECIPE`,
or a name of the entry-point group `tfvae.models`.
"""

from __future__ import annotations

import importlib
import pathlib
import sys

from tfvae.checks import one_of
from tfvae.outside import attribute, entry_points
from zoo.recipe import Recipe

__all__ = ["GROUP", "documentation", "load", "names"]

GROUP = "tfvae.models"  # of entry points


def names() -> list[str]:
    """The models of the zoo: its files."""
    here = pathlib.Path(__file__).parent
    return sorted(p.stem for p in here.glob("*.py") if p.stem != "__init__")


def load(name: str) -> Recipe:
    """The recipe of a model: of the zoo, of an entry point, or `module:attribute`.

    Raises:
        UserError: there is none of that name, or it cannot be imported.
    """
    if isinstance(name, str) and ":" in name:
        return attribute("model", name, Recipe)
    outside = entry_points(GROUP)
    if isinstance(name, str) and name not in names() and name in outside:
        return attribute("model", outside[name], Recipe)
    one_of("model", name, [*names(), *sorted(outside)])
    return importlib.import_module(f"zoo.models.{name}").RECIPE


def documentation(name: str) -> str:
    """What its file says of it first."""
    load(name)
    place = name if ":" in name else entry_points(GROUP).get(name, f"zoo.models.{name}")
    if name in names():
        place = f"zoo.models.{name}"
    return (sys.modules[place.partition(":")[0]].__doc__ or "").strip()
