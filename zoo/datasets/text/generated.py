"""What the made sets share: a vocabulary that is given and not counted."""

from __future__ import annotations

from collections.abc import Sequence

from tfvae.checks import UserError
from zoo.datasets.text.vocabulary import SPECIAL, Vocabulary

__all__ = ["fixed_vocabulary", "refuse_settings"]


def fixed_vocabulary(words: Sequence[str]) -> Vocabulary:
    """Word i has the number i + 4."""
    return Vocabulary((*SPECIAL, *words))


def refuse_settings(name: str, **settings: int | None) -> None:
    """Refuses settings that only a read text has.

    Raises:
        UserError: one of them is given (a min_count of 1 asks for nothing and passes).
    """
    for setting, value in settings.items():
        if value is not None and (setting, value) != ("min_count", 1):
            raise UserError(
                f"dataset {name!r} is generated: {setting} must be left out, got {value}"
            )
