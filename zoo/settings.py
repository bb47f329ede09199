"""Typed, documented settings: what `--set=name=value` can reach.

A model's settings are one frozen dataclass; `field` gives each a help line and a range. No
TensorFlow is imported here, so that a wrong flag is refused in a moment.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from tfvae.checks import UserError, one_of

__all__ = ["ImageSettings", "describe", "field", "parse"]


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
        given[one_of("setting", name, fields)] = _typed(name, value, hints[name])
    for name, value in given.items():
        _check_range(fields[name], value)
    return cls(**given)


def describe(settings) -> list[tuple[str, str, str]]:
    """(name, value, help) of every setting, in their order."""
    return [
        (f.name, _text(getattr(settings, f.name)), f.metadata.get("help", ""))
        for f in dataclasses.fields(settings)
    ]


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
    for kind in _options(hint):
        try:
            if kind is type(None):
                if text.lower() in ("none", ""):
                    return None
                continue
            elif kind is bool:
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


@dataclasses.dataclass(frozen=True)
class ImageSettings:
    """What every image model can be told."""

    likelihood: str = field(
        "auto",
        "of the pixels; auto: bernoulli for binary images, else logistic_mixture",
        choices=("auto", "bernoulli", "categorical", "logistic_mixture"),
    )
    mixture_components: int = field(10, "logistics of a logistic_mixture", low=1, high=100)
    decoder_layers: int | None = field(
        None, "blocks of the decoder instead of the backbone's own number", low=1, high=200
    )
    decoder_filters: int | None = field(
        None, "width of the decoder instead of the backbone's own", low=1, high=4096
    )
    clip_norm: float | None = field(5.0, "largest global norm of the gradient, or none", low=0.0)
    learning_rate_schedule: str = field(
        "drop",
        "drop: a fifth for the last 30 % of the steps; exponential: times 0.999995 a step",
        choices=("constant", "drop", "cosine", "exponential"),
    )
    ema_decay: float = field(
        0.0,
        "Polyak averaging of the weights that are kept, 0 for none (published: 0.9995)",
        low=0.0,
        high=1.0,
    )
