"""Typed, documented settings: what `--set=name=value` can reach.

A model's settings are one frozen dataclass, joined from a group of each axis; `field` gives each
setting a help line, a range, and what it belongs to: a setting that somebody gives where nothing would
read it is refused.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from tfvae.checks import UserError, one_of
from zoo import values as checked

__all__ = [
    "ON",
    "describe",
    "field",
    "given",
    "headings",
    "idle",
    "join",
    "parse",
    "refuse_idle",
]

ON = "..."
"""In `of`: any value that is not the off one (none where a setting may be that, else 0, false, empty)."""


def field(
    default,
    help: str,
    low=None,
    high=None,
    choices: Iterable[str] | None = None,
    of: Mapping[str, Any] | tuple[Mapping[str, Any], ...] = (),
    length: tuple[int, int] | None = None,
):
    """A setting.

    Args:
        default: its value where nobody sets it; `dataclasses.MISSING` where somebody must.
        help: one line.
        low, high: the range of a number, ends included (of each number of a tuple).
        choices: what a string may be.
        of: what it belongs to, {setting or fact of the run: ON, or its values}: it is read where one of
            them has such a value and is read itself; several such, where that is so for each.
        length: (least, most) numbers of a tuple.
    """
    return dataclasses.field(
        default=default,
        metadata={
            "help": help,
            "range": {
                "low": low,
                "high": high,
                "choices": tuple(choices or ()),
                "length": length,
            },
            "of": (of,) if isinstance(of, Mapping) else tuple(of),
        },
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
                f"model {name!r} stands on setting {key}={checked.text(value)}, which this kind of "
                "data does not have"
            )
        try:
            _check_range(fields[key][1], value)
        except UserError as error:
            raise UserError(
                f"model {name!r} stands on {key}={checked.text(value)}, which this kind of data does "
                f"not have ({error})"
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


def given(cls: type, said: Iterable[str] | Mapping[str, Any]) -> dict[str, Any]:
    """{setting: value} of `name=value` texts, or of Python values.

    Raises:
        UserError: an unknown name (the near ones are listed), a wrong type, a value out of range.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    found: dict[str, Any] = {}
    if isinstance(said, Mapping):
        for name, value in said.items():
            one_of("setting", name, fields)
            found[name] = checked.typed(f"setting {name!r}", value, hints[name])
    else:
        for text in said:
            name, equals, value = text.partition("=")
            name, value = name.strip(), value.strip()
            if not equals:
                raise UserError(f"--set wants name=value, got {checked.shown(text)}")
            one_of("setting", name, fields)
            found[name] = checked.converted(f"setting {name!r}", value, hints[name])
    for name, value in found.items():
        _check_range(fields[name], value)
    return found


def parse(cls: type, texts: Iterable[str] = (), values: Mapping[str, Any] | None = None):
    """Makes the settings `cls` from `name=value` texts and from Python values; see `given`."""
    return cls(**{**given(cls, texts), **given(cls, values or {})})


# ------------------------------------------------------------------ what a setting belongs to


def idle(settings, name: str, facts: Mapping[str, Any]) -> str:
    """Why nothing reads the setting here; empty where something does.

    Args:
        settings: a model's.
        name: one of them.
        facts: of the run, by the names that `field(of=...)` uses; they go before settings.
    """
    fields = {f.name: f for f in dataclasses.fields(settings)}
    for condition in fields[name].metadata["of"]:
        lacking = [_lacking(settings, fields, *each, facts) for each in condition.items()]
        if all(lacking):
            wanted = " or ".join(f"{key}={_wanted(values)}" for key, values in condition.items())
            return f"it belongs to {wanted}, and here {', '.join(lacking)}"
    return ""


def _lacking(settings, fields, name: str, wanted, facts) -> str:
    """Why this does not make another setting count; empty where it does."""
    if name not in facts and name not in fields:
        return f"there is no {name}"
    value = facts[name] if name in facts else getattr(settings, name)
    if value not in wanted if isinstance(wanted, tuple) else _is_off(fields.get(name), value):
        return f"{name} is {checked.text(value)}"
    why = idle(settings, name, facts) if name in fields else ""
    return f"{name} itself is not read ({why})" if why else ""


def _is_off(f: dataclasses.Field | None, value) -> bool:
    return value is None if f is not None and "None" in str(f.type) else not value


def _wanted(values) -> str:
    return " or ".join(map(checked.text, values)) if isinstance(values, tuple) else ON


def refuse_idle(settings, names: Iterable[str], facts: Mapping[str, Any]) -> None:
    """Refuses those of the settings that nothing would read.

    Raises:
        UserError: the first of them, with what would make it count.
    """
    for name in names:
        why = idle(settings, name, facts)
        if why:
            value = checked.shown_text(getattr(settings, name))
            raise UserError(f"{name}={value} has no effect: {why}")


# ------------------------------------------------------------------ what a person reads


def describe(settings) -> list[tuple[str, str, str]]:
    """(name, value, help) of every setting, in their order."""
    return [
        (f.name, checked.text(getattr(settings, f.name)), f.metadata.get("help", ""))
        for f in dataclasses.fields(settings)
    ]


def headings(settings) -> dict[str, list[tuple[str, str, str]]]:
    """What `describe` says, by the group that each setting came from."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for f, line in zip(dataclasses.fields(settings), describe(settings)):
        found.setdefault(f.metadata.get("heading", ""), []).append(line)
    return found


def _check_range(f: dataclasses.Field, value) -> None:
    checked.in_range(f"setting {f.name!r}", value, **f.metadata["range"])
