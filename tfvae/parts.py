"""Places and parts: what a model answers, and the answers there are.

A *place* is a question that a model answers once (`prior`, `rate_weight`, ...) or several times (`terms`,
`stages`). A *part* is one answer: a frozen dataclass in the file of the thing that it makes. Its fields are
the settings that only it has, and

    needs     facts that something else must offer (another part, the data, the run)
    offers    facts
    withholds facts that are none where it is taken, whoever offers them
    owns      what only one part of a model may decide
    closes    places that are no question where it is taken
    brings    {place: name} of parts that come with it, where nobody chose others
    make(context)     the thing itself

What fits what follows from these alone: `misfit` compares them, and there is no list of exclusions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from tfvae.checks import UserError, one_of
from tfvae.outside import attribute, entry_points

__all__ = [
    "FACTS",
    "GROUP",
    "ON",
    "PLACES",
    "Context",
    "Part",
    "Place",
    "Point",
    "choices",
    "facts",
    "lookup",
    "misfit",
    "part",
    "setting",
]

GROUP = "tfvae.parts"  # of entry points
ON = "..."  # in `of`: any value but none, 0, false and an empty one


class Place(NamedTuple):
    """A question. `many`: answered several times, or not at all. `optional`: may be answered by none."""

    name: str
    axis: str
    help: str
    many: bool = False
    optional: bool = False


_PLACES = (
    Place("data", "data", "how the data are cut to a form", optional=True),
    Place("batches", "data", "what a batch is made of, if not the next examples", optional=True),
    Place("backbone", "networks", "the networks (--backbone)"),
    Place("likelihood", "networks", "of the data, given what the decoder makes"),
    Place("encoder", "networks", "what makes features of x"),
    Place("code", "latent", "how large z is, and whether it has positions"),
    Place("target", "networks", "what z is to explain, if not x", optional=True),
    Place("classifier", "networks", "what the code says of the label", optional=True),
    Place("condition", "networks", "what the model is told besides x", optional=True),
    Place("posterior", "latent", "q(z|x), or what else makes z of features"),
    Place("prior", "latent", "p(z)"),
    Place("upkeep", "latent", "what moves codes or a memory besides the optimizer", optional=True),
    Place("bound", "objective", "what is minimised first"),
    Place("rate_weight", "objective", "of the rate, over the steps"),
    Place("rate_budget", "objective", "what the rate may be before it is paid", optional=True),
    Place("terms", "objective", "beside distortion and rate", many=True),
    Place("on_collapse", "objective", "when two indicators agree that the code is lost"),
    Place("inference", "inference", "how z is found for an x"),
    Place("stages", "procedure", "before and after the main one", many=True),
    Place("procedure", "procedure", "which weights move when"),
    Place("optimizer", "procedure", "by which rule"),
    Place("learning_rate_schedule", "procedure", "how fast, over the steps"),
    Place("kept_weights", "procedure", "which weights the training ends with"),
)
PLACES: dict[str, Place] = {place.name: place for place in _PLACES}

FACTS = {
    # of the latent
    "z": "a latent variable",
    "density": "a posterior with a density",
    "density_of_every_z": "a posterior whose density is known of every z, not at its draws alone",
    "mean_field": "a posterior of independent numbers",
    "independent_units": "a posterior of independent numbers or categories",
    "categories": "a code of categories",
    "category_prior": "a prior of categories",
    "mean_and_scale": "a posterior whose mean and scale differ from x to x",
    "paid_rate": "a rate that training can change",
    "codes": "a discrete code",
    "codes_moved": "somebody who keeps the codes",
    "memory": "a memory of codes",
    "memory_written": "somebody who writes the memory",
    "code_prior": "a prior of codes",
    "positions": "a latent with positions",
    "one_vector": "a latent of one vector",
    "continuous_prior": "a prior of real numbers",
    "on_sphere": "a posterior on the unit sphere",
    "sphere_prior": "a prior on the unit sphere",
    "in_shell": "a posterior of directions and lengths",
    "shell_prior": "a prior of directions and lengths",
    "multiplied": "a posterior of multiplicative noise",
    "log_normal": "a log-normal prior",
    "log_uniform": "the log-uniform cost",
    "rejection_sampled": "a posterior whose draws are proposals that were accepted",
    "exact_gradient": "draws in training whose gradient is exact",
    "draws_like_the_prior": "draws in training like those of the prior (concrete_draws=straight_through)",
    "rate_of_the_code": "a rate that is of the code alone",
    "one_prior": "one prior for all examples",
    "renewable_prior": "a prior that can be fitted anew afterwards",
    "prior_without_rows": "a prior that does not look examples up by their rows",
    "gradient_moves_all": "weights that the optimizer alone moves",
    # of the objective, the inference and the procedure
    "rate_weight": "a weight of the rate that a schedule gives",
    "floor": "a floor under the rate (free bits)",
    "encoder_posterior": "the posterior that the encoder proposes",
    "unrefined": "codes that nobody refines",
    "labels_told": "a model that is told labels",
    "asked_code": "a term that asks something of the code",
    # of the networks
    "decodes": "a decoder",
    "hidden_layers": "an encoder of one chain of layers, some of them hidden",
    "classifier": "a classifier of labels",
    "taught_classifier": "a term that teaches the classifier",
    "labels_kept_back": "labels that the encoder is not told",
    "labels_always_known": "a model that is told no guessed labels",
    "decodes_alone": "a decoder that makes x without z",
    # of the data and the run
    "own_images": "one's own images (--dataset=images)",
    "labels": "data with labels",
    "sensitive": "a sensitive column of a table",
    "guessed_labels": "labels that are guessed where they are unknown",
    "enumerated_labels": "an inference that goes through labels",
    "each_label": "the label of each example",
    "usual_batches": "batches of the next examples",
    "factors": "data with known factors of variation",
    "one_factor_batches": "batches in which one factor varies",
    "vocabulary": "data of words",
    "fixed_length": "sentences of one length",
    "smooth_inputs": "an encoder of numbers, which may be moved a little",
    "binary": "binary data",
    "bytes": "data of 256 levels",
    "reals": "data of real numbers",
    "pairs": "a batch of more than one example",
    "no_xla": "a run without --jit_compile",
}
"""What is needed and offered, in words; of what is not here the name is the word."""


def facts(words: str = "") -> frozenset[str]:
    """The facts of a text, with blanks between."""
    return frozenset(words.split())


def setting(
    default,
    help: str,
    low=None,
    high=None,
    choices: Iterable[str] | None = None,
    of: Mapping[str, Any] | None = None,
    length: tuple[int, int] | None = None,
) -> Any:
    """A field of a part.

    Args:
        default: its value where nobody sets it.
        help: one line.
        low, high: the range of a number, ends included (of each number of a tuple).
        choices: what a string may be.
        of: {another field of the part: `ON`, or the values}, with which alone it is read.
        length: (least, most) numbers of a tuple.
    """
    within = {"low": low, "high": high, "choices": tuple(choices or ()), "length": length}
    return dataclasses.field(
        default=default, metadata={"help": help, "range": within, "of": dict(of or {})}
    )


@dataclasses.dataclass(frozen=True)
class Part:
    """One answer to the question of a place; see the module.

    The first line of its docstring is what `--describe` says of it. `kinds`: of data, that it is for; empty:
    all.
    """

    place: ClassVar[str] = ""
    name: ClassVar[str] = ""
    kinds: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[frozenset[str]] = frozenset()
    offers: ClassVar[frozenset[str]] = frozenset()
    withholds: ClassVar[frozenset[str]] = frozenset()
    owns: ClassVar[frozenset[str]] = frozenset()
    closes: ClassVar[tuple[str, ...]] = ()
    brings: ClassVar[Mapping[str, str]] = {}

    def needed(self) -> frozenset[str]:
        """`needs`, with what its settings need."""
        return self.needs

    def withheld(self) -> frozenset[str]:
        """`withholds`, with what its settings withhold."""
        return self.withholds

    def make(self, context: Context) -> Any:
        """The thing itself."""
        raise NotImplementedError(f"{type(self).__name__}.make")

    def __str__(self) -> str:
        return f"{self.place}={self.name}"


_KNOWN: dict[tuple[str, str], list[type[Part]]] = {}


def part(cls: type) -> Any:
    """Makes a class a frozen dataclass, known by its place and name (and the kinds of data it is for)."""
    made = dataclasses.dataclass(frozen=True)(cls)
    one_of(f"place of part {made.__name__}", made.place, PLACES)
    held = _KNOWN.setdefault((made.place, made.name), [])
    held[:] = [other for other in held if set(other.kinds) != set(made.kinds)] + [made]
    return made


def choices(place: str, kind: str = "") -> dict[str, type[Part]]:
    """{name: part} of a place, for a kind of data, with those of installed packages."""
    for name, path in entry_points(GROUP).items():
        _outside(name, path)
    found = {}
    for (where, name), classes in _KNOWN.items():
        fitting = [c for c in classes if not c.kinds or not kind or kind in c.kinds]
        if where == place and fitting:
            found[name] = max(fitting, key=lambda c: bool(c.kinds))
    return found


def lookup(place: str, name: str, kind: str = "") -> type[Part]:
    """The part of that name, or `module:Class`.

    Raises:
        UserError: there is none; the near names are listed.
    """
    one_of("place", place, PLACES)
    if ":" in name:
        return _outside(place, name, place)
    known = choices(place, kind)
    return known[one_of(place, name, known)]


def _outside(name: str, path: str, place: str = "") -> type[Part]:
    found = attribute(f"part {name}", path, type)
    if not issubclass(found, Part) or not found.place:
        raise UserError(f"{path} must be a part (tfvae.parts.part), got {found.__name__}")
    if place and found.place != place:
        raise UserError(f"{path} is a part of {found.place!r}, not of {place!r}")
    return found


# ------------------------------------------------------------------ a model's parts


class Point:
    """A model's answers: a part at each place that is a question for it.

    `point["prior"]` is a part, or `None` where the place is closed or answered by none; of a place of several
    it is a tuple.
    """

    def __init__(self, parts: Iterable[Part] = ()):
        self._at: dict[str, Any] = {p.name: () for p in PLACES.values() if p.many}
        for each in parts:
            if PLACES[each.place].many:
                self._at[each.place] = (*self._at[each.place], each)
            else:
                self._at[each.place] = each

    def __getitem__(self, place: str) -> Any:
        return self._at.get(PLACES[place].name)

    def __iter__(self) -> Iterator[Part]:
        for place in PLACES:
            held = self._at.get(place)
            yield from held if isinstance(held, tuple) else () if held is None else (held,)

    def __eq__(self, other) -> bool:
        return isinstance(other, Point) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Point({', '.join(map(repr, self))})"

    def has(self, place: str, name: str) -> bool:
        """Whether that part is there."""
        return any(each.place == place and each.name == name for each in self)

    def closed(self) -> dict[str, Part]:
        """{place: the part that closes it}."""
        return {place: each for each in self for place in each.closes}

    def offered(self) -> frozenset[str]:
        """Facts of all parts."""
        offered = frozenset().union(*(each.offers for each in self))
        return offered.difference(*(each.withheld() for each in self))


def misfit(point: Point, given: frozenset[str], where: str, kind: str = "") -> str:
    """Why the parts cannot be together, in one line; empty where they can.

    Args:
        point: the parts.
        given: facts of the data and the run.
        where: what these are called, for the sentence.
        kind: of data, whose parts are named instead.
    """
    deciding: dict[str, Part] = {}
    for each in point:
        for owned in sorted(each.owns):
            if owned in deciding:
                return f"{deciding[owned]} and {each} both decide {owned}: take one of them"
            deciding[owned] = each
    offered = (given | point.offered()).difference(*(each.withheld() for each in point))
    for each in point:
        for need in sorted(each.needed() - offered):
            return _refusal(each, need, point, where, kind)
    return ""


def _refusal(each: Part, need: str, point: Point, where: str, kind: str) -> str:
    said = f"{each} needs {FACTS.get(need, need)}"
    withholding = [str(other) for other in point if need in other.withheld()]
    if withholding:
        return f"{said}, which {withholding[0]} does not leave"
    able = [
        (place, [name for name, cls in choices(place, kind).items() if need in cls.offers])
        for place in PLACES
    ]
    able = [(place, names) for place, names in able if names]
    if not able:
        return f"{said}, and {where} has none"
    closed = point.closed()
    here = []
    for place, _ in able:
        held = point[place]
        if place in closed:
            here.append(f"{closed[place]}, which leaves no {place}")
        elif isinstance(held, tuple) or held is None:
            here.append(f"no {place}={' or '.join(dict(able)[place])}")
        else:
            here.append(str(held))
    ways = " or ".join(
        f"{place}={name}" for place, names in able if place not in closed for name in names
    )
    advice = f": take {ways}" if ways else ""
    return f"{said}, and this model has {' and '.join(here)}{advice}"


# ------------------------------------------------------------------ what a part is made for


@dataclasses.dataclass(frozen=True)
class Context:
    """What a part is made for.

    Attributes:
        model: its name.
        kind: of data: `images`, `speech`, `text`, ...
        space: of the data, the `Space` of its kind.
        size: of the networks.
        point: all parts of the model.
        train_steps, batch_size, learning_rate, seed, jit_compile: the run.
        num_examples: of the training split; 0 where that is not known.
        num_labels: of the labels that a part needs (what the model is told, a term); 0 where none does.
        examples: n -> the first n of the training split, raw units; `None` where no data are read.
        valid, valid_label: validation data, raw units; `None` where nothing will be trained.
        shape: of one z, once the networks are made.
        heads: further arguments of a posterior's last layer, from the networks.
        condition: the layer of what the model is told, or `None`.
    """

    model: str
    kind: str
    space: Any
    size: str
    point: Point
    train_steps: int
    batch_size: int
    learning_rate: float
    seed: int = 0
    jit_compile: bool = False
    num_examples: int = 0
    num_labels: int = 0
    valid: Any = None
    valid_label: Any = None
    shape: tuple[int, ...] = ()
    heads: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    condition: Any = None
    examples: Callable[[int], Any] | None = None
