"""What is searched: --vary=NAME=LOW..HIGH, --vary=NAME=LOW..HIGH:log, --vary=NAME=ONE,OTHER.

Values that hold commas themselves stand between bars: --vary='latent_grid=2,2|4,4'.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from matplotlib.ticker import NullFormatter

from tfvae.checks import UserError
from tfvae.parts import PLACES

__all__ = ["FIELDS", "FORM", "Choice", "Range", "of", "whole"]

FIELDS = ("learning_rate", "batch_size", "size", "backbone")
"""Flags of a run that can be searched; all else is a setting or a place of `--set`."""
_DIGITS = 4  # of a number that is tried
_RANGE = re.compile(r"(?P<low>[^.].*?)\.\.(?P<high>.+?)(?P<log>:log)?")
FORM = "NAME=LOW..HIGH, NAME=LOW..HIGH:log or NAME=ONE,OTHER"


class Choice(NamedTuple):
    """One of several values."""

    name: str
    values: Sequence[str]

    def suggest(self, trial) -> str:
        """What an Optuna trial takes of it, as --set reads it."""
        return trial.suggest_categorical(self.name, list(self.values))

    def ends(self) -> list[str]:
        """Values that must be possible, if all are."""
        return list(self.values)

    def position(self, value: str) -> float:
        """Where a picture has it."""
        return float(self.values.index(value))

    def mark(self, axis) -> None:
        """Says on an axis of a picture what stands where."""
        axis.set_xticks(range(len(self.values)), self.values)


class Range(NamedTuple):
    """A number between two, both among them.

    Attributes:
        whole: whole numbers alone.
        log: as many in each octave.
    """

    name: str
    low: float
    high: float
    log: bool
    whole: bool = False

    def suggest(self, trial) -> str:
        """What an Optuna trial takes of it, as --set reads it."""
        if self.whole:
            return str(trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log))
        return self._text(trial.suggest_float(self.name, self.low, self.high, log=self.log))

    def ends(self) -> list[str]:
        """Values that must be possible, if all are."""
        return [self._text(self.low), self._text(self.high)]

    def position(self, value: str) -> float:
        """Where a picture has it."""
        return float(value)

    def mark(self, axis) -> None:
        """Says on an axis of a picture what stands where."""
        axis.set_xscale("log" if self.log else "linear")
        axis.set_xlim(self.low, self.high)
        axis.xaxis.set_minor_formatter(NullFormatter())

    def _text(self, value: float) -> str:
        """To so many digits that a command stays readable, and inside of the range."""
        if self.whole:
            return str(int(value))
        return repr(min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high))


def of(text: str) -> Choice | Range:
    """What one --vary says.

    Raises:
        UserError: it is none; a range that is empty or has no logarithm; a value twice, or one alone.
    """
    name, equals, rest = (part.strip() for part in text.partition("="))
    if not (name and equals and rest):
        raise UserError(f"--vary wants {FORM}, got {text[:80]!r}")
    found = _RANGE.fullmatch(rest)
    if found is not None and name not in PLACES:
        return _range(name, text, found)
    values = [value.strip() for value in rest.split("|" if "|" in rest else ",")]
    if len(values) < 2 or len(set(values)) < len(values) or not all(values):
        raise UserError(f"--vary={name} wants two values or more, each once, got {rest[:80]!r}")
    return Choice(name, values)


def _range(name: str, text: str, found: re.Match) -> Range:
    try:
        low, high = float(found["low"]), float(found["high"])
    except ValueError as error:
        raise UserError(f"--vary wants {FORM}, got {text[:80]!r}") from error
    log = found["log"] is not None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(f"--vary={name} wants a lower and a higher number, got {text[:80]!r}")
    if log and low <= 0.0:
        raise UserError(
            f"--vary={name} has no logarithm at {low:g}: begin above 0, or leave :log out"
        )
    return Range(name, low, high, log)


def whole(one: Choice | Range, takes: Callable[[str], Any]) -> Choice | Range:
    """The same, of whole numbers if its ends are some and no other number is taken there.

    Args:
        one: what is searched.
        takes: tries a value, and raises a `UserError` where it cannot be.
    """
    if not isinstance(one, Range) or one.low % 1 or one.high % 1:
        return one
    try:
        takes(repr(one.low + 0.5))
    except UserError:
        return one._replace(whole=True)
    return one
