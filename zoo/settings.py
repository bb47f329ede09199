"""Typed, documented settings: what `--set=name=value` can reach.

A model's settings are one frozen dataclass, joined from a group of each axis; `field` gives each
setting a help line and a range.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from tfvae.checks import UserError, one_of

__all__ = ["describe", "field", "headings", "join", "parse"]


def field(default, help: str, low=None, high=None, choices: Iterable[str] | None = None):
    """A setting.

    Args:
        default: its value where nobody sets it.
        help: one line.
        low, high: the range of a number, ends included (of each number of a tuple).
        choices: what a string may be.
    """
    return dataclasses.field(
        default=default,
        metadata={"help": help, "low": low, "high": high, "choices": tuple(choices or ())},
    )


def join(name: str, groups: Iterable[type], defaults: Mapping[str, Any] | None = None) -> type:
    """One settings class of the fields of several, in their order, with some defaults replaced.

    Args:
        name: of the model, for errors.
        groups: frozen dataclasses; a field of a later one replaces one of the same name.
        defaults: {setting: value}.

    Raises:
        UserError: a default for a setting that is not there, or one that the setting cannot have: the
            model does not fit this kind of data.
    """
    fields: dict[str, tuple[Any, dataclasses.Field]] = {}
    heading: dict[str, str] = {}
    for group in groups:
        hints = typing.get_type_hints(group)
        fields.update({f.name: (hints[f.name], f) for f in dataclasses.fields(group)})
        heading.update({f.name: (group.__doc__ or "").strip() for f in dataclasses.fields(group)})
    usual = {key: f.default for key, (_, f) in fields.items()}
    for key, value in (defaults or {}).items():
        if key not in fields:
            raise UserError(
                f"model {name!r} stands on setting {key}={_text(value)}, which this kind of data does "
                "not have"
            )
        try:
            _check_range(fields[key][1], value)
        except UserError as error:
            raise UserError(
                f"model {name!r} stands on {key}={_text(value)}, which this kind of data does not "
                f"have ({error})"
            ) from None
        usual[key] = value
    made = [
        (
            key,
            hint,
            dataclasses.field(default=usual[key], metadata={**f.metadata, "heading": heading[key]}),
        )
        for key, (hint, f) in fields.items()
    ]
    return dataclasses.make_dataclass("Settings", made, frozen=True)


def parse(cls: type, texts: Iterable[str] = (), values: Mapping[str, Any] | None = None):
    """Makes the settings `cls` from `name=value` texts and from Python values.

    Raises:
        UserError: an unknown name (the near ones are listed), a wrong type, a value out of range.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    given: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--set wants name=value, got {text!r}")
        one_of("setting", name.strip(), fields)
        given[name.strip()] = _convert(name.strip(), value.strip(), hints[name.strip()])
    for name, value in (values or {}).items():
        one_of("setting", name, fields)
        given[name] = _typed(name, value, hints[name])
    for name, value in given.items():
        _check_range(fields[name], value)
    return cls(**given)


def describe(settings) -> list[tuple[str, str, str]]:
    """(name, value, help) of every setting, in their order."""
    return [
        (f.name, _text(getattr(settings, f.name)), f.metadata.get("help", ""))
        for f in dataclasses.fields(settings)
    ]


def headings(settings) -> dict[str, list[tuple[str, str, str]]]:
    """What `describe` says, by the group that each setting came from."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for f, line in zip(dataclasses.fields(settings), describe(settings)):
        found.setdefault(f.metadata.get("heading", ""), []).append(line)
    return found


def _text(value) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


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


def _convert(name: str, text: str, hint):
    """The text as one of the types that the hint allows."""
    kinds = [kind for kind in _options(hint) if kind is not type(None)]
    if len(kinds) < len(_options(hint)) and text.lower() in ("none", ""):
        return None
    for kind in kinds:
        try:
            if kind is bool:
                return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
            elif typing.get_origin(kind) is tuple and text.lower() in ("none", ""):
                return ()
            elif typing.get_origin(kind) is tuple:
                return tuple(typing.get_args(kind)[0](part) for part in text.split(","))
            else:
                return kind(text)
        except (ValueError, KeyError):
            continue
    raise UserError(f"setting {name!r} must be {_expected(hint)}, got {text!r}")


def _typed(name: str, value, hint):
    """The Python value, if it has one of the types that the hint allows."""
    if isinstance(value, list):
        value = tuple(value)
    for kind in _options(hint):
        origin = typing.get_origin(kind) or kind
        if isinstance(value, origin) and not (isinstance(value, bool) and origin is not bool):
            return value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
    raise UserError(f"setting {name!r} must be {_expected(hint)}, got {value!r}")


def _check_range(f: dataclasses.Field, value) -> None:
    low, high, choices = (f.metadata.get(k) for k in ("low", "high", "choices"))
    if choices and value is not None:
        one_of(f"value of setting {f.name!r}:", value, choices)
    low = float("-inf") if low is None else low
    high = float("inf") if high is None else high
    for number in value if isinstance(value, tuple) else (value,):
        counts = isinstance(number, (int, float)) and not isinstance(number, bool)
        if counts and not low <= number <= high:  # NaN is out of every range
            wanted = f"at least {low}" if high == float("inf") else f"from {low} to {high}"
            raise UserError(f"setting {f.name!r} must be {wanted}, got {_text(value)}")
