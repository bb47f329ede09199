"""The data sets of the zoo, by name. Nothing heavy is imported before one is loaded."""

from __future__ import annotations

import importlib

from tfvae.checks import one_of
from zoo.datasets import own, text
from zoo.datasets.data import checked

__all__ = ["MADE_HERE", "SPEECH", "form", "load", "modality", "names"]

# name: (module, image shape, kind)
_SETS = {
    "digits": ("digits", (8, 8, 1), "binary_dynamic"),
    "digits_grey8": ("digits", (8, 8, 1), "grey8"),
    "mnist": ("mnist", (28, 28, 1), "binary_dynamic"),
    "mnist_fixed": ("mnist", (28, 28, 1), "binary_fixed"),
    "mnist_grey": ("mnist", (28, 28, 1), "grey8"),
    "fashion_mnist": ("mnist", (28, 28, 1), "grey8"),
    "fashion_mnist_binary": ("mnist", (28, 28, 1), "binary_dynamic"),
    "omniglot": ("omniglot", (28, 28, 1), "binary_dynamic"),
    "cifar10": ("cifar10", (32, 32, 3), "rgb8"),
    "dsprites": ("dsprites", (64, 64, 1), "binary_fixed"),
    "gaussian": ("gaussian", (1, 5, 1), "real"),
    "mnist_real": ("mnist", (28, 28, 1), "real"),
    "sprites": ("sprites", (32, 32, 1), "binary_fixed"),
    "squares": ("sprites", (16, 16, 1), "binary_fixed"),
    "imagenet32": ("imagenet32", (32, 32, 3), "rgb8"),
}


SPEECH = ("fsdd",)
"""Sets of waveforms; each is a module of its own name with `load(name, data_dir, max_samples)`."""


MADE_HERE = frozenset({"digits", "digits_grey8", "gaussian", "sprites", "squares"}) | text.MADE_HERE
"""Sets that need no file: made by this project, or inside of its dependencies."""


def names() -> list[str]:
    """Every data set there is."""
    return sorted({*_SETS, *SPEECH, *text.NAMES, *own.DOORS})


def modality(name: str) -> str:
    """`images`, `speech`, `tables` or `text`.

    Raises:
        UserError: there is no data set of that name.
    """
    if own.is_own(name):
        return own.modality(name)
    if one_of("dataset", name, names()) in SPEECH:
        return "speech"
    return "text" if name in text.NAMES else "images"


def form(name: str) -> tuple[tuple[int, int, int], str]:
    """(image shape, kind) of a set of images, without reading a file."""
    return _SETS[one_of("dataset", name, _SETS)][1:]


def load(name: str, data_dir: str | None = None, **options):
    """Reads a set of images into memory.

    Args:
        name: its name.
        data_dir: where its files lie (the folder itself or its parent); of one's own, what `--data` says.
        **options: of one's own, see the door's `load`.

    Returns:
        a `zoo.datasets.data.Data`.

    Raises:
        UserError: unknown name; a file that is missing, truncated or not what it should be.
    """
    if own.is_own(name):
        return checked(own.load(name, data_dir, **options))
    module = _SETS[one_of("dataset", name, _SETS)][0]
    return checked(importlib.import_module(f"zoo.datasets.{module}").load(name, data_dir))
