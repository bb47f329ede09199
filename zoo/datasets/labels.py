"""How many kinds of examples a conditional model of a data set is told; known without reading it."""

from __future__ import annotations

from tfvae.checks import UserError
from zoo.datasets.registry import IMAGES, LABELS, SPEECH, TABLES, outside

__all__ = ["are_known", "count", "count_of", "known"]

_COUNTS = {
    **{name: row.labels for name, row in IMAGES.items() if row.labels},
    **SPEECH,
    **LABELS,
    **{name: row.labels for name, row in TABLES.items()},
}


def count_of(data, asking: str) -> int:
    """Of a set that was read, one's own.

    Args:
        data: the set.
        asking: the part that reads labels, for the refusal.

    Raises:
        UserError: it has none.
    """
    parts = (data.train, data.valid, data.test)
    if not are_known(data):
        raise UserError(f"{asking} needs labels, and the data of {data.name!r} has none")
    return 1 + int(max(part.condition.max() for part in parts))


def are_known(data) -> bool:
    """Whether a set that was read has labels."""
    return all(part.condition is not None for part in (data.train, data.valid, data.test))


def known(dataset: str) -> int | None:
    """How many there are; `None` of a set that has none, or any number."""
    if dataset in _COUNTS:
        return _COUNTS[dataset]
    brought = outside(dataset)
    return brought.labels or None if brought is not None else None


def count(dataset: str, asking: str) -> int:
    """Labels are 0 .. count - 1.

    Args:
        dataset: its name.
        asking: the part that reads labels, for the refusal.

    Raises:
        UserError: it has none.
    """
    found = known(dataset)
    if found is None:
        have = ", ".join(sorted(_COUNTS))
        raise UserError(f"{asking} needs labels, and dataset {dataset!r} has none: {have} have")
    return found
