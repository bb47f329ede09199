"""Refusals: errors that the user can mend, each in one line.

Everything that is refused because of what the user asked for is a `UserError`. The command line
prints its text and nothing else; from Python it is an ordinary `ValueError`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

__all__ = ["UserError", "array", "one_of", "positive", "within"]


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


_KINDS = {  # what is said, and the NumPy kinds that may be it
    "uint8": ("uint8", "u"),
    "whole": ("whole numbers", "biuf"),
    "real": ("finite numbers", "biuf"),
}


def array(
    what: str,
    got: Any,
    kind: str,
    shape: Sequence[int | None],
    low: float | None = None,
    high: float | None = None,
) -> np.ndarray:
    """Returns `got` as an array if it is what is wanted; whole numbers as int64.

    Args:
        what: the array's name as the user knows it, with its file.
        got: an array or what makes one.
        kind: `uint8`, `whole` (of any type that holds them, 3.0 is one) or `real`.
        shape: the size of each axis; `None`: any from 1 on.
        low, high: the range, ends included.

    Raises:
        UserError: otherwise; says what is wanted and what there is.
    """
    got = np.asarray(got)
    said, kinds = _KINDS[kind]
    fits = got.dtype.kind in kinds and (kind != "uint8" or got.dtype == np.uint8)
    fits = fits and got.ndim == len(shape) and 0 not in got.shape
    fits = fits and all(want in (None, have) for want, have in zip(shape, got.shape))
    seen = f"{got.dtype} {list(got.shape)}"
    if fits:
        least, most = got.min(), got.max()
        seen += f" from {least} to {most}"
        fits = bool(np.isfinite(least) and np.isfinite(most))
        top = np.iinfo(np.int64).max if high is None and kind == "whole" else high
        fits = fits and (low is None or least >= low) and (top is None or most <= top)
        if kind == "whole" and fits and got.dtype.kind == "f":
            fits = bool(np.all(got == np.round(got)))
            seen += "" if fits else ", with fractions"
    if not fits:
        axes = ", ".join("N" if size is None else str(size) for size in shape)
        ends = {
            (False, False): "",
            (True, False): f" from {low} on",
            (False, True): f" up to {high}",
            (True, True): f" from {low} to {high}",
        }[low is not None, high is not None]
        least = " with N > 0" if 0 in got.shape else ""
        raise UserError(f"{what} must be {said} [{axes}]{least}{ends}, got {seen}")
    return got.astype(np.int64) if kind == "whole" else got
