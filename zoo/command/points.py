"""From what is said of a model to its parts: defaults, a recipe, and `--set=name=value`.

--set=prior=ar1              takes a part of a place
--set=terms=+mmd-cosine      of a place of several: one more, one less (or all of them: terms=mmd,cosine)
--set=committed_rate=4       a setting, of the one part that has it
--set=prior.committed_rate=4 the same, where more than one has it
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tfvae import values as checked
from tfvae.checks import UserError, one_of
from tfvae.parts import ON, PLACES, Part, Point, choices, lookup, misfit
from zoo.command import migration

__all__ = ["Chooser", "Said", "said", "texts"]

USUAL: Mapping[str, Any] = {
    "code": "vector",
    "posterior": "gaussian",
    "prior": "normal",
    "bound": "elbo",
    "rate_weight": "constant",
    "on_collapse": "say",
    "inference": "amortised",
    "procedure": "joint",
    "optimizer": "adam",
    "learning_rate_schedule": "drop",
    "kept_weights": "last",
}
"""The plain VAE; what else it is its kind of data says."""

_NONE = "none"


class Said(NamedTuple):
    """One thing that a user said: a place or a setting, and a text or a Python value."""

    path: str
    value: Any
    text: bool = False

    def __str__(self) -> str:
        return f"{self.path}={self.value if self.text else checked.shown_text(self.value)}"


def said(sets: Iterable[str] = (), values: Mapping[str, Any] | None = None) -> list[Said]:
    """Of `name=value` texts and of Python values.

    Raises:
        UserError: a text without `=`.
    """
    found = []
    for text in sets:
        path, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--set wants name=value, got {checked.shown(text)}")
        found.append(Said(*migration.renamed(path.strip(), value.strip()), True))
    found += [Said(*migration.renamed(path, value)) for path, value in (values or {}).items()]
    places = {word.path for word in found}
    implied = [migration.IMPLIED[w.path] for w in found if w.path in migration.IMPLIED]
    return [*(Said(*each) for each in implied if each[0] not in places), *found]


@dataclasses.dataclass
class Chooser:
    """Makes a `Point` for a model on a kind of data.

    Attributes:
        model: its name, for errors.
        kind: of data.
        usual: defaults, one over the other: of the plain VAE, of the kind of data ...
        recipe: what makes it this model, over them.
        given: facts of the data and the run.
        standing: what stands now, of a model that is looked at; over them, and as weak as what is usual.
    """

    model: str
    kind: str
    usual: Sequence[Mapping[str, Any]]
    recipe: Sequence[Mapping[str, Any]]
    given: frozenset[str]
    standing: Sequence[Mapping[str, Any]] = ()

    @property
    def layers(self) -> list[Mapping[str, Any]]:
        """All of them."""
        return [*self.usual, *self.recipe, *self.standing]

    def point(self, words: Sequence[Said] = (), fit: bool = True, recorded: bool = False) -> Point:
        """The parts, with what the user said.

        Args:
            words: that.
            fit: whether the parts must fit each other; not where one only looks.
            recorded: the words are of a whole run, with settings that nothing reads.

        Raises:
            UserError: a part or a setting that is not there, a wrong value, parts that do not fit.
        """
        self._refuse_foreign()
        places = [word for word in words if word.path in PLACES]
        taken, whose = self._places(places)
        if not recorded:  # a run of an older version is read as it was
            self._refuse_backbone(taken)
        settings = [word for word in words if word.path not in PLACES]
        point = self._filled(taken, settings, recorded)
        if fit:
            self._refuse_closed(point, taken, whose)
            wrong = misfit(point, self.given, self.kind, self.kind)
            if wrong:
                raise UserError(wrong)
        return point

    # ------------------------------------------------------------------ which parts

    def _places(self, words: Sequence[Said]):
        """({place: what is there}, {place: 0 usual, 1 a part brought it, 2 the recipe, 3 the user})."""
        taken: dict[str, Any] = {p.name: () for p in PLACES.values() if p.many}
        whose: dict[str, int] = {}
        for rank, layers in ((0, self.usual), (2, self.recipe), (0, self.standing)):
            for path, value in (item for layer in layers for item in layer.items()):
                if path in PLACES:
                    self._take(taken, Said(path, value))
                    whose[path] = rank
        for word in words:
            if word.path == "backbone":
                raise UserError("the backbone is chosen by --backbone=..., not by --set")
            self._take(taken, word, True)
            whose[word.path] = 3
        self._bring(taken, whose)
        return taken, whose

    def _take(self, taken: dict[str, Any], word: Said, strict: bool = False) -> None:
        place, value = word.path, word.value
        if PLACES[place].many:
            taken[place] = self._several(place, taken.get(place, ()), value, strict)
        elif value is None or value == _NONE and _NONE not in choices(place, self.kind):
            if not PLACES[place].optional:
                known = ", ".join(sorted(choices(place, self.kind)))
                raise UserError(f"{place} must be one of {known}, got none")
            taken[place] = None
        else:
            taken[place] = self._part(place, value)

    def _several(self, place: str, before: tuple, value, strict: bool) -> tuple:
        if value is None or value == "" or value == _NONE:
            return ()
        if isinstance(value, (Part, type)):
            value = (value,)
        items = _items(value) if isinstance(value, str) else list(value)
        signed = [isinstance(v, str) and v[:1] in ("+", "-") for v in items]
        if any(signed) and not all(signed):
            raise UserError(
                f"{place} is either a list (a,b) or what changes (+a,-b), got {checked.shown(value)}"
            )
        now = list(before) if all(signed) and items else []
        for item in items:
            sign, name = "+", item
            if isinstance(item, str) and all(signed):
                sign, name = item[0], item[1:]
            part = self._part(place, name)
            there = [held for held in now if _name(held) == _name(part)]
            if sign == "-" and not there:
                raise UserError(f"{place}=-{_name(part)}: this model has none to take away")
            if sign == "+" and there and strict:
                raise UserError(f"{place}: {_name(part)} is there already")
            if sign == "-" or there:
                now = [held for held in now if _name(held) != _name(part)]
            if sign == "+":
                now.append(part)
        return tuple(now)

    def _part(self, place: str, value) -> type[Part] | Part:
        if isinstance(value, str):
            return lookup(place, value, self.kind)
        cls = value if isinstance(value, type) else type(value)
        if not issubclass(cls, Part) or cls.place != place:
            raise UserError(f"{place} must be a part of that place, got {checked.shown(value)}")
        return value

    def _bring(self, taken: dict[str, Any], whose: dict[str, int]) -> None:
        """Parts that come with others, where neither recipe nor user chose."""
        done: set[Any] = set()
        while True:
            coming = [p for p in _flat(taken) if _class(p) not in done]
            if not coming:
                return
            for part in coming:
                done.add(_class(part))
                for place, name in _class(part).brings.items():
                    if whose.get(place, 0) < 2 and not (
                        PLACES[place].many
                        and any(_name(p) == name.strip("+") for p in taken[place])
                    ):
                        self._take(taken, Said(place, name))
                        whose[place] = 1

    def _refuse_closed(self, point: Point, taken, whose) -> None:
        for place, closer in point.closed().items():
            held = taken.get(place)
            if held and whose.get(place, 0) >= 2:
                names = ",".join(map(_name, held if isinstance(held, tuple) else (held,)))
                raise UserError(
                    f"{closer} leaves no {place}, and here is {place}={names}: take one of them"
                )

    def _refuse_foreign(self) -> None:
        """A recipe on a kind of data that has not what it stands on."""
        for layer in self.recipe:
            for path, value in layer.items():
                known = _settings_of(self.kind) | set(PLACES)
                there = path.rpartition(".")[2] in known
                if path in PLACES and isinstance(value, str) and path != "backbone":
                    names = [v.strip("+- ") for v in value.split(",")]
                    held = choices(path, self.kind)
                    there = all(n in held or ":" in n or n == _NONE for n in names)
                if not there:
                    raise UserError(
                        f"model {self.model!r} stands on {path}={checked.text(value)}, which {self.kind} "
                        "does not have"
                    )

    def _refuse_backbone(self, taken) -> None:
        """One that has not the setting which makes it this model: else a plain VAE would bear its name."""
        backbones = choices("backbone", self.kind)
        for path, value in (item for layer in self.recipe for item in layer.items()):
            having = [name for name, cls in backbones.items() if _having([cls], path)]
            here = taken.get("backbone")
            if having and here and not _having([here], path):
                raise UserError(
                    f"model {self.model!r} stands on {path}={checked.text(value)}, which "
                    f"backbone={_name(here)} does not have: take {' or '.join(sorted(having))}"
                )

    # ------------------------------------------------------------------ their settings

    def _filled(
        self, taken: Mapping[str, Any], words: Sequence[Said], recorded: bool = False
    ) -> Point:
        closed: set[str] = set()
        for part in _flat(taken):  # in the order of the places: what is closed closes nothing
            if _class(part).place not in closed:
                closed |= set(_class(part).closes)
        parts = [part for part in _flat(taken) if _class(part).place not in closed]
        values: list[dict[str, Any]] = [{} for _ in parts]
        for layer in self.layers:
            for path, value in layer.items():
                if path not in PLACES:
                    for number in _having(parts, path):
                        values[number][path.rpartition(".")[2]] = value
        given: list[tuple[int, str]] = []
        for word in words:
            hits = _having(parts, word.path)
            if len(hits) != 1:
                raise UserError(self._missed(word, parts, hits, closed))
            name = word.path.rpartition(".")[2]
            values[hits[0]][name] = _typed(_class(parts[hits[0]]), name, word)
            given.append((hits[0], name))
        made = [_made(part, own) for part, own in zip(parts, values)]
        for number, name in () if recorded else given:
            _refuse_idle(made[number], name)
        return Point(made)

    def _missed(self, word: Said, parts, hits, closed) -> str:
        name = word.path.rpartition(".")[2]
        if len(hits) > 1:
            of = [_class(parts[number]) for number in hits]
            return (
                f"{name} is a setting of {' and of '.join(f'{c.place}={c.name}' for c in of)}: say "
                f"{' or '.join(f'{c.name}.{name}=...' for c in of)}"
            )
        homes = [
            cls
            for place in PLACES
            for cls in choices(place, self.kind).values()
            if name in _fields(cls)
        ]
        owner = word.path.rpartition(".")[0]
        if owner and not any(owner in (c.place, c.name) for c in homes):
            homes = []
        if homes:
            return self._belongs(name, homes, parts, closed)
        advice = migration.advice(word.path)
        if advice:
            return f"{word}: {advice}"
        known = {f for part in parts for f in _fields(_class(part))} | set(PLACES)
        try:
            one_of("setting", word.path, known)
        except UserError as error:
            return str(error)
        return f"unknown setting {word.path!r}"

    def _belongs(self, name: str, homes, parts, closed) -> str:
        belongs = " or ".join(f"{c.place}={c.name}" for c in homes)
        here = []
        for place in dict.fromkeys(c.place for c in homes):
            held = [_class(p).name for p in parts if _class(p).place == place]
            if place in closed:
                closer = next(_class(p) for p in parts if place in _class(p).closes)
                here.append(f"{closer.place}={closer.name}, which leaves no {place}")
            else:
                here.append(f"{place}={','.join(held) or _NONE}")
        ways = [
            f"--set={c.place}={'+' if PLACES[c.place].many else ''}{c.name}"
            for c in homes
            if c.place not in closed and c.place != "backbone"
        ]
        advice = f" (take it by {' or '.join(ways)})" if ways else ""
        return f"{name} belongs to {belongs}, and this model has {' and '.join(here)}{advice}"


# ------------------------------------------------------------------ helpers


def _items(text: str) -> list[str]:
    """Of `a,b`, of `+a,-b` and of `+a-b`."""
    return [
        item for each in text.split(",") for item in re.split(r"(?=[+-])", each.strip()) if item
    ]


def _flat(taken: Mapping[str, Any]):
    for place in PLACES:
        held = taken.get(place)
        yield from held if isinstance(held, tuple) else () if held is None else (held,)


def _class(part) -> type[Part]:
    return part if isinstance(part, type) else type(part)


def _name(part) -> str:
    return _class(part).name


def _fields(cls: type[Part]) -> dict[str, dataclasses.Field]:
    return {f.name: f for f in dataclasses.fields(cls)}


@functools.cache
def _hints(cls: type[Part]) -> dict[str, Any]:
    return typing.get_type_hints(cls)


@functools.cache
def _settings_of(kind: str) -> frozenset[str]:
    return frozenset(
        name for place in PLACES for cls in choices(place, kind).values() for name in _fields(cls)
    )


def _having(parts: Sequence[Any], path: str) -> list[int]:
    """Which of the parts have that setting."""
    owner, _, name = path.rpartition(".")
    return [
        number
        for number, part in enumerate(parts)
        if name in _fields(_class(part)) and owner in ("", _class(part).place, _name(part))
    ]


def _typed(cls: type[Part], name: str, word: Said) -> Any:
    what, hint = f"setting {name!r}", _hints(cls)[name]
    if word.text:
        value = checked.converted(what, word.value, hint)
    else:
        value = checked.typed(what, word.value, hint)
    checked.in_range(what, value, **_fields(cls)[name].metadata["range"])
    return value


def _made(part, values: Mapping[str, Any]) -> Part:
    """The part with these settings, all checked: a recipe can be wrong too."""
    cls = _class(part)
    for name, value in values.items():
        values = {**values, name: _typed(cls, name, Said(name, value))}
    return cls(**values) if isinstance(part, type) else dataclasses.replace(part, **values)


def _refuse_idle(part: Part, name: str) -> None:
    """A setting that nothing reads, because of another one of the part."""
    for other, wanted in _fields(type(part))[name].metadata["of"].items():
        value = getattr(part, other)
        if value not in wanted if isinstance(wanted, tuple) else not value:
            needed = " or ".join(map(checked.text, wanted)) if wanted != ON else ON
            raise UserError(
                f"{name}={checked.shown_text(getattr(part, name))} has no effect: it belongs to "
                f"{other}={needed}, and here {other} is {checked.text(value)}"
            )


# ------------------------------------------------------------------ what a person reads


def path_of(part: Part, kind: str) -> str:
    """Its name, by which `lookup` finds it."""
    if choices(part.place, kind).get(part.name) is type(part):
        return part.name
    return f"{type(part).__module__}:{type(part).__qualname__}"


def texts(point: Point, base: Point, plain: Point, kind: str) -> list[str]:
    """The `name=value` that make `base` this point.

    Args:
        point: what is to be said.
        base: where nothing is said.
        plain: the parts of the point, with the settings that they have where none is said.
        kind: of data.
    """
    found = []
    closed = point.closed()
    for place in PLACES.values():
        held, usual = point[place.name], base[place.name]
        if place.name in closed or place.name == "backbone":
            continue
        held, usual = (
            ",".join(path_of(p, kind) for p in _all(each)) or _NONE for each in (held, usual)
        )
        if held != usual:
            found.append(f"{place.name}={held}")
    counts: dict[str, int] = {}
    for part in point:
        for name in _fields(type(part)):
            counts[name] = counts.get(name, 0) + 1
    for part, alike in zip(point, plain):
        for name in _fields(type(part)):
            value = getattr(part, name)
            if value != getattr(alike, name):
                path = name if counts[name] == 1 else f"{part.name}.{name}"
                found.append(f"{path}={checked.text(value)}")
    return found


def _all(held) -> tuple:
    return held if isinstance(held, tuple) else () if held is None else (held,)
