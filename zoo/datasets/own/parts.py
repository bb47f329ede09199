"""Which examples train, and which are held out: by folders of these names, or drawn by a seed."""

from __future__ import annotations

import numpy as np

from tfvae.checks import UserError

__all__ = ["PARTS", "drawn", "lacking", "sizes"]

PARTS = ("train", "valid", "test")

_FEWEST = 10  # examples that can be split 80/10/10
_FEWEST_HELD_OUT = 2  # without which nothing can be measured
_MOST_HELD_OUT = 10_000  # more would make a figure no better, and are missing in training


def drawn(what: str, number: int, seed: int = 0) -> dict[str, np.ndarray]:
    """{part: rows}: a tenth (2 at least, 10,000 at most) is valid, as many are test, in a random order.

    Args:
        what: names the data in a refusal.
        number: of the examples.
        seed: the same one gives the same rows.

    Raises:
        UserError: there are too few of them.
    """
    if number < _FEWEST:
        raise UserError(
            f"{what}: {_FEWEST} examples or more are needed to split them, got {number}"
        )
    rows = np.random.default_rng(seed).permutation(number)
    held = min(max(_FEWEST_HELD_OUT, number // 10), _MOST_HELD_OUT)
    return dict(zip(PARTS, (rows[: -2 * held], rows[-2 * held : -held], rows[-held:])))


def lacking(what: str, there: set[str]) -> None:
    """Refuses some of the three parts.

    Raises:
        UserError: names those that are missing.
    """
    missing = [part for part in PARTS if part not in there]
    if missing and len(missing) < len(PARTS):
        found = ", ".join(sorted(there))
        raise UserError(
            f"{what} must hold all of {', '.join(PARTS)} or none of them (then they are drawn): found "
            f"{found}, no {' and no '.join(missing)}"
        )


def sizes(splits, seed: int | None) -> str:
    """How many examples each part has, and who said so: `None` is the user."""
    counts = " / ".join(f"{len(split.x):,}" for split in splits)
    rule = "as given" if seed is None else f"drawn with seed {seed}"
    return f"{counts} to train, validate and test, {rule}"
