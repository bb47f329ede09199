"""How many kinds of examples a conditional model of a data set is told; known without reading it."""

from __future__ import annotations

from tfvae.checks import UserError

__all__ = ["are_known", "count", "count_of", "known"]

_COUNTS = {
    "digits": 10,
    "digits_grey8": 10,
    "mnist": 10,
    "mnist_grey": 10,
    "mnist_real": 10,
    "fashion_mnist": 10,
    "fashion_mnist_binary": 10,
    "cifar10": 10,
    "imagenet32": 1000,
    "mixmarkov": 8,
    "synthetic": 4,
    "fsdd": 6,  # speakers
    "yelp": 5,
    "yelp_sentences": 2,
}


def count_of(data) -> int:
    """Of a set that was read, one's own.

    Raises:
        UserError: it has none.
    """
    parts = (data.train, data.valid, data.test)
    if not are_known(data):
        raise UserError(f"conditional=true needs labels, and the data of {data.name!r} has none")
    return 1 + int(max(part.condition.max() for part in parts))


def are_known(data) -> bool:
    """Whether a set that was read has labels."""
    return all(part.condition is not None for part in (data.train, data.valid, data.test))


def known(dataset: str) -> int | None:
    """How many there are; `None` of a set that has none, or any number."""
    return _COUNTS.get(dataset)


def count(dataset: str) -> int:
    """Labels are 0 .. count - 1.

    Raises:
        UserError: it has none.
    """
    if dataset not in _COUNTS:
        known = ", ".join(sorted(_COUNTS))
        raise UserError(
            f"condition=labels needs labels, and dataset {dataset!r} has none: {known} have"
        )
    return _COUNTS[dataset]
