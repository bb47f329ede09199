"""All parts there are: importing their files makes them known by name."""

from __future__ import annotations

import functools
import importlib
import pkgutil

__all__ = ["known"]

_PACKAGES = (
    "tfvae.inference",
    "tfvae.latents",
    "tfvae.likelihoods",
    "tfvae.networks",
    "tfvae.objectives",
    "tfvae.procedures",
    "tfvae.streams",
    "zoo.backbones",
    "zoo.modalities",
)


@functools.cache
def known() -> None:
    """Imports the files of the packages that hold parts; a new file is found by lying there."""
    importlib.import_module("tfvae.schedules")
    for name in _PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(found.name)
