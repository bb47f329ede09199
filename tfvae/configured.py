"""What a layer or a likelihood says of itself, so that a file can hold it."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from tfvae.checks import UserError

__all__ = ["Configured"]


class Configured:
    """get_config = the constructor's arguments, each read from the attribute of its name.

    In front of the other bases: `class Mine(Configured, keras.layers.Layer)`. A constructor that
    passes `**kwargs` on has those of the next class too. An argument that is a layer (or a list of
    them) is written as Keras writes one, and is a layer again when `from_config` reads it.
    """

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments.

        Raises:
            UserError: one of them is not kept under its name.
        """
        inherited = getattr(super(), "get_config", dict)()
        return {**inherited, **{name: self._kept(name) for name in _arguments(type(self))}}

    def _kept(self, name: str):
        try:
            value = getattr(self, name)
        except AttributeError:
            raise UserError(
                f"{type(self).__name__} must keep its argument {name!r} as an attribute of that name, or "
                "have a get_config of its own: a file could not hold it"
            ) from None
        return keras.saving.serialize_keras_object(value) if _is_part(value) else value

    @classmethod
    def from_config(cls, config: dict[str, Any]):
        """What `get_config` described."""
        made = {name: _made(config[name]) for name in _arguments(cls) if name in config}
        make = getattr(super(), "from_config", lambda config: cls(**config))
        return make({**config, **made})


def _arguments(cls: type) -> list[str]:
    """Names of the constructor's arguments, those first that it passes on."""
    found: list[str] = []
    for base in cls.__mro__[: cls.__mro__.index(Configured)]:
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        if "get_config" not in vars(base):  # else it says by itself what only it has
            own = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
            found = [*(name for name in own if name not in found), *found]
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            break
    return found


def _is_part(value) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(map(_is_part, value))
    return hasattr(value, "get_config") and not isinstance(value, type)


def _made(value):
    if isinstance(value, (list, tuple)):
        return type(value)(map(_made, value))
    if isinstance(value, dict) and "class_name" in value:
        return keras.saving.deserialize_keras_object(value)
    return value
