"""Values of settings and flags: of the right type, in their range, finite."""

from __future__ import annotations

import math
import types
import typing
from typing import Any

from tfvae.checks import UserError, one_of

__all__ = ["converted", "in_range", "number", "shown", "text", "typed"]

# what float32 and memory can hold; a narrower range is the field's own
_LARGEST = {int: 10**9, float: 1e30}
_LONGEST = 4096  # numbers of a tuple
_SHOWN = 80  # characters


def shown(value) -> str:
    """As it was given, if that is short."""
    said = repr(value)
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."


def text(value) -> str:
    """As it is written on the command line."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def converted(what: str, given: str, hint) -> Any:
    """The text as one of the types that the hint allows.

    Args:
        what: names it in a refusal.
        given: what stands behind the `=`.
        hint: int, float, bool, str, a tuple of one of them, or one of these `| None`.

    Raises:
        UserError: it is none of them.
    """
    kinds = [kind for kind in _options(hint) if kind is not type(None)]
    if len(kinds) < len(_options(hint)) and given.lower() in ("none", ""):
        return None
    for kind in kinds:
        try:
            if kind is bool:
                return {"true": True, "1": True, "false": False, "0": False}[given.lower()]
            elif typing.get_origin(kind) is tuple and given.lower() in ("none", ""):
                return ()
            elif typing.get_origin(kind) is tuple:
                return tuple(typing.get_args(kind)[0](part) for part in given.split(","))
            else:
                return kind(given)
        except (ValueError, KeyError):
            continue
    raise UserError(f"{what} must be {_expected(hint)}, got {shown(given)}")


def typed(what: str, value, hint) -> Any:
    """The Python value, if it has one of the types that the hint allows (NumPy's numbers are numbers).

    Raises:
        UserError: it has none of them.
    """
    given = value
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, list):
        value = tuple(value)
    for kind in _options(hint):
        if typing.get_origin(kind) is tuple:
            if isinstance(value, tuple):
                return tuple(typed(what, each, typing.get_args(kind)[0]) for each in value)
        elif isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        elif kind is float and isinstance(value, int) and not isinstance(value, bool):
            return _as_float(what, value)
    raise UserError(f"{what} must be {_expected(hint)}, got {shown(given)}")


def _as_float(what: str, value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise UserError(f"{what} must be at most {_LARGEST[float]:g}, got {shown(value)}") from None


def in_range(what: str, value, low=None, high=None, choices=(), length=None) -> None:
    """Refuses a number (each of a tuple) out of its range, infinities and NaN, and unknown words.

    Args:
        what: names it in the refusal.
        value: of the right type.
        low, high: ends included; of what `_LARGEST` says where they are not given.
        choices: what a string may be.
        length: (least, most) numbers of a tuple.

    Raises:
        UserError: what is expected, and what was given.
    """
    if choices and value is not None:
        one_of(f"value of {what}:", value, choices)
    if isinstance(value, tuple):
        least, most = length or (0, _LONGEST)
        if not least <= len(value) <= most:
            raise UserError(f"{what} must be {least} to {most} numbers, got {len(value)}")
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            continue
        largest = _LARGEST[type(number)]
        first, last = -largest if low is None else low, largest if high is None else high
        if not first <= number <= last:  # NaN is out of every range
            wanted = f"from {_number(first)} to {_number(last)}"
            raise UserError(f"{what} must be {wanted}, got {shown_text(value)}")


def shown_text(value) -> str:
    """As on the command line, if that is short."""
    said = text(value)
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."


def _number(value) -> str:
    return str(value) if isinstance(value, int) or math.isinf(value) else f"{value:.8g}"


def _options(hint) -> tuple[type, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _expected(hint) -> str:
    names = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a word",
        type(None): "none",
    }
    return " or ".join(
        names.get(h) or f"{names[typing.get_args(h)[0]]} or several, with commas between"
        for h in _options(hint)
    )


def number(value: float, digits: int = 2) -> str:
    """As a person reads it: with commas, and without a sign before nothing."""
    said = f"{value:,.{digits}f}"
    return said.removeprefix("-") if not said.strip("-0.,") else said
