"""Refusals: errors that the user can mend, each in one line.

Everything that is refused because of what the user asked for is a `UserError`. The command line
prints its text and nothing else; from Python it is an ordinary `ValueError`.
"""

from __future__ import annotations

import difflib
import math
import numbers
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

__all__ = [
    "NotFinite",
    "UserError",
    "affordable",
    "affordable_layers",
    "array",
    "built",
    "count",
    "finite",
    "one_line",
    "one_of",
    "place",
    "positive",
    "within",
]


def one_line(text: str, longest: int) -> str:
    """What somebody else said, without its line breaks and colours, and not too long."""
    text = " ".join(_COLOUR.sub("", text).split())
    return text if len(text) <= longest else f"{text[:longest]} ..."


class UserError(ValueError):
    """A request that cannot be met; its text names the argument, what it wants and what it got."""

    # Raised while TensorFlow traces a function it arrives as it is; AutoGraph would else wrap it into
    # an error of its own, of many lines.
    ag_pass_through = True
    # The same of a Keras layer, which adds pages about its arguments to an error that has not this.
    _keras_call_info_injected = True


class NotFinite(UserError):
    """Training that went wrong: a loss or a weight that is NaN or infinite.

    Args:
        step: after which it was seen.
        what: in words, as in "rate is nan".
        advice: what may be done about it.
    """

    def __init__(
        self, step: int, what: str, advice: str = "a smaller learning rate or clip_norm may help"
    ):
        super().__init__(f"training stopped at step {step}: {what}; {advice}")
        self.step, self.what = step, what


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LISTED = 12  # names that are listed although near ones were found
_LONGEST = 80  # characters of what was given
_LARGEST = sys.float_info.max


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
    near = difflib.get_close_matches(str(got)[:_LONGEST], choices, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else ""
    if not near or len(choices) <= _LISTED:
        hint = f"{hint} known: {', '.join(choices)}".strip()
    said = repr(got) if len(repr(got)) <= _LONGEST else f"{repr(got)[:_LONGEST]}..."
    raise UserError(f"unknown {what} {said}; {hint}")


def positive(what: str, got: float) -> float:
    """Returns `got` if it is a number above zero, and finite.

    Raises:
        UserError: otherwise.
    """
    if not _finite(got) or not got > 0:
        raise UserError(f"{what} must be a number above 0, got {got!r}")
    return got


def finite(what: str, got: float) -> float:
    """Returns `got` if it is a number, and neither infinite nor NaN.

    Raises:
        UserError: otherwise.
    """
    if not _finite(got):
        raise UserError(f"{what} must be a finite number, got {got!r}")
    return got


def _finite(got: Any) -> bool:
    real = issubclass(type(got), numbers.Real) and not isinstance(got, bool)
    # a whole number may be larger than any float
    return real and bool(-_LARGEST <= got <= _LARGEST)


def count(what: str, got: Any, low: int = 1) -> int:
    """Returns `got` if it is a whole number from `low` on.

    Raises:
        UserError: otherwise.
    """
    integer = isinstance(got, numbers.Integral) and not isinstance(got, bool)
    if not integer or got < low:
        raise UserError(f"{what} must be a whole number from {low} on, got {got!r}")
    return int(got)


def within(what: str, got: Any, low: float, high: float) -> Any:
    """Returns `got` if `low <= got <= high`.

    Raises:
        UserError: otherwise.
    """
    if not _finite(got) or not low <= got <= high:
        raise UserError(f"{what} must be a number from {low} to {high}, got {got!r}")
    return got


def built(owner: Any, state: Any) -> Any:
    """Returns the state that `owner` makes when it is built.

    Raises:
        UserError: there is none yet.
    """
    if state is None:
        raise UserError(
            f"{type(owner).__name__} must be built before it is used: call build of what it is in"
        )
    return state


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
    # every byte is a number; to look at gigabytes of them for that takes seconds
    if fits and (kind != "uint8" or (low, high) != (None, None)):
        least, most = got.min(), got.max()
        seen += f" from {least} to {most}"
        fits = bool(np.isfinite(least) and np.isfinite(most))
        top = 2**62 if high is None and kind == "whole" else high
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


_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LONGEST_NAME = 255  # bytes of one name, on every file system that is usual
_LONGEST_PATH = 4095


def place(what: str, path: str) -> str:
    """Returns `path` if a file or directory of this machine can have that name.

    Raises:
        UserError: an address like gs://..., an empty or too long name, characters that no name has.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise UserError(f"{what} must be a path, got {path!r}")
    path = os.fspath(path)
    short = path if len(path) <= _LONGEST else f"{path[:_LONGEST]}..."
    if _ADDRESS.match(path):
        raise UserError(f"{what} must be a path on this machine, got {short!r}")
    if not path or "\0" in path or any("\ud800" <= c <= "\udfff" for c in path):
        raise UserError(f"{what} must be a path of UTF-8 characters, got {short!r}")
    longest = max(len(os.fsencode(name)) for name in path.split("/"))
    if longest > _LONGEST_NAME or len(os.fsencode(path)) > _LONGEST_PATH:
        raise UserError(
            f"{what} must have names of at most {_LONGEST_NAME} bytes and {_LONGEST_PATH} in all, got "
            f"{short!r}"
        )
    return path


def affordable_layers(what: str, widths: Sequence[int], copies: int = 1) -> None:
    """`affordable`, of the kernels of dense layers between these widths, so many times."""
    affordable(what, copies * sum(a * b for a, b in zip(widths, widths[1:])))


def affordable(what: str, numbers: int) -> None:
    """Refuses so many float32 numbers where this machine's memory does not hold them.

    Raises:
        UserError: both sizes.
    """
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if 4 * numbers > there:
        needed, has = (math.ceil(n / 2**30) for n in (4 * numbers, there))
        raise UserError(f"{what} needs {needed:,} GiB, and this machine has {has:,}")
