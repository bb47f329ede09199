"""Which data sets there are: a row each, with what must be known before anything is read.

A set of somebody else is `their_module:SET`, or a name of the entry-point group `tfvae.datasets`; SET is an
`Outside`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tfvae.outside import attribute, entry_points

__all__ = [
    "GROUP",
    "IMAGES",
    "LABELS",
    "SPEECH",
    "TABLES",
    "TFDS",
    "Listed",
    "Outside",
    "has_factors",
    "outside",
]

GROUP = "tfvae.datasets"  # of entry points
TFDS = "tfds:"
"""Before the name of a set of TensorFlow Datasets."""


class Listed(NamedTuple):
    """A set of images of the zoo.

    Attributes:
        module: of `zoo.datasets`, with `load(name, data_dir) -> Data`.
        shape: (H, W, C).
        kind: how its numbers are read, see `zoo.datasets.data.Data`.
        labels: how many kinds of examples a conditional model is told; 0: none.
        made_here: it needs no file.
        factors: whether the factors of variation of each example are known.
    """

    module: str
    shape: tuple[int, int, int]
    kind: str
    labels: int = 0
    made_here: bool = False
    factors: bool = False


class Outside(NamedTuple):
    """A set of images that another package brings; `load(data_dir) -> zoo.datasets.data.Data`."""

    shape: tuple[int, int, int]
    kind: str
    load: Callable[[str | None], Any]
    labels: int = 0
    made_here: bool = False


class Table(NamedTuple):
    """A table of the zoo.

    Attributes:
        module: of `zoo.datasets`, with `load(name, data_dir, label_column, sensitive_column)`.
        labels: how many kinds its usual label has.
        made_here: it needs no file.
    """

    module: str
    labels: int
    made_here: bool = False


IMAGES = {
    "digits": Listed("digits", (8, 8, 1), "binary_dynamic", 10, True),
    "digits_grey8": Listed("digits", (8, 8, 1), "grey8", 10, True),
    "mnist": Listed("mnist", (28, 28, 1), "binary_dynamic", 10),
    "mnist_fixed": Listed("mnist", (28, 28, 1), "binary_fixed"),
    "mnist_grey": Listed("mnist", (28, 28, 1), "grey8", 10),
    "fashion_mnist": Listed("mnist", (28, 28, 1), "grey8", 10),
    "fashion_mnist_binary": Listed("mnist", (28, 28, 1), "binary_dynamic", 10),
    "omniglot": Listed("omniglot", (28, 28, 1), "binary_dynamic"),
    "cifar10": Listed("cifar10", (32, 32, 3), "rgb8", 10),
    "dsprites": Listed("dsprites", (64, 64, 1), "binary_fixed", factors=True),
    "ellipsoids": Listed("ellipsoids", (32, 32, 1), "grey8", made_here=True, factors=True),
    "gaussian": Listed("gaussian", (1, 5, 1), "real", made_here=True),
    "mnist_real": Listed("mnist", (28, 28, 1), "real", 10),
    "sprites": Listed("sprites", (32, 32, 1), "binary_fixed", made_here=True, factors=True),
    "squares": Listed("sprites", (16, 16, 1), "binary_fixed", made_here=True, factors=True),
    "inverted_squares": Listed("sprites", (16, 16, 1), "binary_fixed", 2, True, True),
    "imagenet32": Listed("imagenet32", (32, 32, 3), "rgb8", 1000),
}

SPEECH = {"fsdd": 6}
"""Sets of waveforms, with how many speakers they have; each is a module of its own name with
`load(name, data_dir, max_samples)`."""

TABLES = {
    "adult": Table("uci", 2),
    "diabetes": Table("diabetes", 2, True),
    "german": Table("uci", 2),
}

LABELS = {"mixmarkov": 8, "synthetic": 4, "yelp": 5, "yelp_sentences": 2}
"""Of the text sets that have some."""


def has_factors(name: str) -> bool:
    """Whether a published set of that name has known factors of variation."""
    return name in IMAGES and IMAGES[name].factors


def outside(name: str) -> Outside | None:
    """The set that another package brings under that name; `None` if none does.

    Raises:
        UserError: it cannot be imported, or is something else.
    """
    if not isinstance(name, str) or name.startswith(TFDS):
        return None
    path = name if ":" in name else entry_points(GROUP).get(name)
    return None if path is None else attribute("dataset", path, Outside)
