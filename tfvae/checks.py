"""Refusals: errors that the user can mend, each in one line.

Everything that is refused because of what the user asked for is a `UserError`. The command line
prints its text and nothing else; from Python it is an ordinary `ValueError`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

__all__ = ["UserError", "one_of", "positive", "within"]


class UserError(ValueError):
    """A request that cannot be met; its text names the argument, what it wants and what it got."""

    # Raised while TensorFlow traces a function it arrives as it is; AutoGraph would else wrap it into
    # an error of its own, of many lines.
    ag_pass_through = True


_LISTED = 12  # names that are listed although near ones were found


def one_of(what: str, got: str, choices: Iterable[str]) -> str:
    """Returns `got` if it is one of `choices`, else refuses and lists the near names.

    Args:
        what: the argument's name as the user knows it, e.g. `"model"`.
        got: the value received.
        choices: the values allowed.

    Raises:
        UserError: `got` is none of `choices`.
    """
    choices = sorted(choices)
    if got in choices:
        return got
    near = difflib.get_close_matches(got, choices, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else ""
    if not near or len(choices) <= _LISTED:
        hint = f"{hint} known: {', '.join(choices)}".strip()
    raise UserError(f"unknown {what} {got!r}; {hint}")


def positive(what: str, got: float) -> float:
    """Returns `got` if it is a number above zero.

    Raises:
        UserError: otherwise.
    """
    if isinstance(got, bool) or not isinstance(got, (int, float)) or not got > 0:
        raise UserError(f"{what} must be a number above 0, got {got!r}")
    return got


def within(what: str, got: Any, low: float, high: float) -> Any:
    """Returns `got` if `low <= got <= high`.

    Raises:
        UserError: otherwise.
    """
    if isinstance(got, bool) or not isinstance(got, (int, float)) or not low <= got <= high:
        raise UserError(f"{what} must be a number from {low} to {high}, got {got!r}")
    return got
