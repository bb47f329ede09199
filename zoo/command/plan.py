"""A run, fully resolved: what the flags, the flagfile and the model's defaults add up to."""

from __future__ import annotations

import dataclasses
import shlex
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from tfvae import values as checked
from tfvae.checks import UserError, one_of
from tfvae.checks import place as path_like
from tfvae.parts import PLACES, Point, choices, facts, setting
from zoo import backbones, datasets, modalities, models
from zoo.command import migration, parts_of_zoo
from zoo.command.points import USUAL, Chooser, Said, path_of, said, texts
from zoo.datasets import labels

__all__ = ["UNLESS_WITHHELD", "Plan", "chooser", "could_be", "current", "reached", "resolve"]

parts_of_zoo.known()
STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker")
PRECISIONS = ("float32", "mixed_bfloat16")
_NEEDED = dataclasses.MISSING


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that decides what a run computes, and where it lies."""

    model: str
    dataset: str
    backbone: str
    size: str
    point: Point
    train_steps: int = setting(_NEEDED, "batches", low=1)
    batch_size: int = setting(_NEEDED, "examples a batch, over all devices", low=1, high=1_000_000)
    learning_rate: float = setting(_NEEDED, "before its schedule", low=1e-12, high=1e6)
    seed: int = setting(_NEEDED, "of everything random", low=0, high=2**32 - 1)
    eval_every: int = setting(_NEEDED, "steps between evaluations", low=1)
    checkpoint_every: int = setting(_NEEDED, "steps between checkpoints", low=1)
    nll_samples: int = setting(_NEEDED, "importance samples", low=1, high=1_000_000)
    nll_examples: int = setting(_NEEDED, "test examples of the NLL", low=1)
    information_batch: int | None = setting(None, "test examples", low=2, high=1_000_000)
    data_dir: str | None = setting(None, "where the data's files lie")
    data: str | None = setting(None, "one's own data, a folder or a file")
    workdir: str | None = setting(None, "the run directory")
    strategy: str = setting("auto", "where it computes", choices=STRATEGIES)
    cpu_replicas: int = setting(1, "logical CPU devices", low=1, high=256)
    precision: str = setting("float32", "of the weights and sums", choices=PRECISIONS)
    jit_compile: bool = setting(False, "XLA")
    deterministic: bool = setting(True, "kernels")
    keep_examples: bool = setting(True, "leave validation data for a diagnosis")
    track: str | None = setting(None, "trackers, with commas between them")

    @property
    def kind(self) -> str:
        """Of the data."""
        return modalities.of(self.dataset).NAME

    @property
    def files(self) -> str | None:
        """Where the data lies: a published set's files, or one's own."""
        return _files(self.dataset, self.data, self.data_dir)

    def places(self) -> list[str]:
        """The words of a command that say so."""
        named = {"data_dir": self.data_dir, "data": self.data}
        return [f"--{name}={value}" for name, value in named.items() if value is not None]

    def config(self) -> dict[str, Any]:
        """What config.json holds of it: what must be equal when a run is resumed."""
        names = [f.name for f in dataclasses.fields(self) if f.name not in _OF_THE_MACHINE]
        values = {name: getattr(self, name) for name in names if name != "point"}
        return {"version": migration.VERSION, **values, "parts": self.parts()}

    def parts(self) -> dict[str, Any]:
        """{place: {"part": its name, setting: value}}, of a place of several {name: {setting: value}}."""
        found: dict[str, Any] = {p.name: {} for p in PLACES.values() if p.many}
        for part in self.point:
            name, settings = path_of(part, self.kind), dataclasses.asdict(part)
            if PLACES[part.place].many:
                found[part.place][name] = settings
            else:
                found[part.place] = {"part": name, **settings}
        return found

    def command(self) -> str:
        """The command that repeats this run."""
        words = ["python", "train_main.py", f"--model={self.model}"]
        words += [*self._flags(), *(f"--set={text}" for text in self._texts())]
        return shlex.join(words + self.places())

    def _flags(self) -> list[str]:
        """What decides the figures: some always, the others where they are not the usual."""
        usual = {f.name: f.default for f in dataclasses.fields(self)} | _usual(self.train_steps)
        others = [
            name for name in usual if name not in {"model", "point", *_SHOWN, *_OF_THE_MACHINE}
        ]
        moved = [name for name in others if getattr(self, name) != usual[name]]
        return [f"--{name}={checked.text(getattr(self, name))}" for name in (*_SHOWN, *moved)]

    def _texts(self) -> list[str]:
        words = _data_words(self)
        made = chooser(self.model, self.dataset, self.backbone, files=self.files, words=words)
        base = made.point(fit=False)
        names = said((), _names(self))
        return texts(self.point, base, made.point(names, fit=False), self.kind)

    def beside(self) -> str:
        """What the command of another model on the same data, networks and budget begins with."""
        words = ["python", "train_main.py", *self._flags()]
        # whose learning rate that is
        words.append(f"--set=optimizer={path_of(self.point['optimizer'], self.kind)}")
        return shlex.join(words + self.places())


_OF_THE_MACHINE = (
    "workdir",
    "data_dir",
    "data",
    "strategy",
    "cpu_replicas",
    "keep_examples",
    "track",
)
# always said in a command
_SHOWN = ("dataset", "backbone", "size", "train_steps", "batch_size", "learning_rate", "seed")


UNLESS_WITHHELD = facts(
    "decodes usual_batches each_label labels_kept_back labels_always_known exact_gradient "
    "draws_like_the_prior rate_of_the_code unrefined"
)
"""What a part finds, where no other part withholds it."""


def chooser(
    model: str,
    dataset: str,
    backbone: str,
    space=None,
    files: str | None = None,
    words: Sequence[Said] = (),
    batch_size: int = 2,
    jit_compile: bool = False,
) -> Chooser:
    """What makes the parts of that model on that data.

    Args:
        model, dataset, backbone: names.
        space: of the data, where it is not the data set that says it.
        files: where one's own data lies, which must be read to know what it is.
        words: what the user said; of them, how data are read.
        batch_size, jit_compile: of the run.
    """
    recipe, kind = models.load(model), modalities.of(dataset)
    labelled = bool(labels.known(dataset))
    unread = datasets.own.is_own(dataset) and space is None
    if unread:
        labelled = True  # or it is found out when they are read
    if unread and kind.READ_FIRST:
        found = kind.load(dataset, files, _data_point(kind, dataset, words))
        space, labelled = kind.space_of(found), labels.are_known(found)
    given = set(kind.facts(dataset, space).split())
    given |= UNLESS_WITHHELD
    given |= {"labels"} if labelled else set()
    given |= {"factors"} if unread or datasets.has_factors(dataset) else set()
    given |= {"pairs"} if batch_size > 1 else set()
    given |= set() if jit_compile else {"no_xla"}
    own = [recipe.point, recipe.point_on.get(kind.NAME, {}), recipe.point_on.get(backbone, {})]
    usual = [USUAL, kind.usual(dataset, space), {"backbone": backbone}]
    return Chooser(model, kind.NAME, usual, own, frozenset(given))


def _data_point(kind, dataset: str, words: Sequence[Said]) -> Point:
    """The part alone that says how data are read."""
    known = {f.name for cls in choices("data", kind.NAME).values() for f in dataclasses.fields(cls)}
    mine = [w for w in words if w.path == "data" or w.path.rpartition(".")[2] in known]
    made = Chooser("", kind.NAME, [kind.usual_data(dataset)], [], frozenset())
    return made.point(mine, fit=False)


def _names(plan: Plan) -> dict[str, Any]:
    """{place: part, or parts} of a plan, by their names."""
    found: dict[str, Any] = {}
    for place in PLACES.values():
        held = plan.point[place.name]
        if place.name == "backbone" or place.name in plan.point.closed():
            continue
        if place.many:
            found[place.name] = [path_of(each, plan.kind) for each in held]
        elif held is not None or place.optional:
            found[place.name] = held and path_of(held, plan.kind)
    return found


def _usual_rate(defaults, stands_on: str, optimizer: str) -> float:
    own = optimizer == stands_on == "sgd"
    return defaults.sgd_learning_rate if own else defaults.learning_rate


def _backbone(model: str, kind, asked: str | None) -> str:
    known = choices("backbone", kind.NAME)
    wanted = models.load(model).defaults.backbone.split()
    usual = next((name for name in wanted if name in known), kind.DEFAULT_BACKBONE)
    return one_of(f"backbone of {kind.NAME}", usual if asked is None else asked, known)


@typing.overload
def reached(
    model: str,
    dataset: str,
    backbone: str,
    shared: Mapping[str, Any],
    own: Sequence[str] | Mapping[str, Any] = (),
    files: str | None = None,
) -> Mapping[str, Any]: ...


@typing.overload
def reached(
    model: str,
    dataset: str,
    backbone: str,
    shared: Sequence[str],
    own: Sequence[str] | Mapping[str, Any] = (),
    files: str | None = None,
) -> Sequence[str]: ...


def reached(
    model: str,
    dataset: str,
    backbone: str,
    shared: Sequence[str] | Mapping[str, Any],
    own: Sequence[str] | Mapping[str, Any] = (),
    files: str | None = None,
) -> Sequence[str] | Mapping[str, Any]:
    """Those of the words for several models that this one has a use for.

    Args:
        model, dataset, backbone: of the plan.
        shared: `name=value` texts, or {name: value}.
        own: the words of this model alone, which win.
        files: where one's own data lies.

    Raises:
        UserError: a wrong value.
    """
    mine = said((), own) if isinstance(own, Mapping) else said(own)
    every = said((), shared) if isinstance(shared, Mapping) else said(shared)
    made = chooser(model, dataset, backbone, files=files, words=[*every, *mine])
    kept: list[Any] = []
    # parts first: settings are those of the parts that are taken
    for each, word in sorted(_apart(shared), key=lambda pair: pair[1][0].path not in PLACES):
        taken = [w for _, w in kept]
        if _has_use(made, [*taken, word[0]], mine):
            kept.append((each, word[0]))
    wanted = [each for each in shared if any(each is k for k, _ in kept)]
    return {each: shared[each] for each in wanted} if isinstance(shared, Mapping) else wanted


def _apart(shared: Sequence[str] | Mapping[str, Any]) -> list[tuple[str, list[Said]]]:
    """Each of the words, and what it says."""
    if isinstance(shared, Mapping):
        return [(each, said((), {each: value})) for each, value in shared.items()]
    return [(each, said([each])) for each in shared]


def _has_use(made: Chooser, words: Sequence[Said], own: Sequence[Said]) -> bool:
    word = words[-1]
    if word.path in PLACES:
        known = choices(word.path, made.kind)
        names = str(word.value).replace("+", "").replace("-", "").split(",")
        if not all(name in known or name in ("none", "") for name in names):
            return False
        return word.path not in made.point([*words[:-1], *own], fit=False).closed()
    try:
        made.point([*words, *own], fit=False)
    except UserError:
        alone = [w for w in (*words[:-1], *own) if w.path != word.path]
        held = made.point(alone, fit=False)
        name = word.path.rpartition(".")[2]
        if any(name in {f.name for f in dataclasses.fields(part)} for part in held):
            raise  # it has one, and the value is wrong
        return False
    return True


def resolve(
    model: str,
    sets: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    recorded: bool = False,
    space=None,
    **given: Any,
) -> Plan:
    """Fills in the model's defaults and refuses what cannot run, before anything is made.

    Args:
        model: a name of the zoo, or `module:RECIPE`.
        sets: `name=value` texts.
        values: parts and settings as Python values.
        recorded: they are those of a whole run, with those that nothing reads.
        space: of the data, where it is not the data set that says it.
        **given: fields of `Plan`; `None` means the default.

    Raises:
        UserError: an unknown name, a wrong value, a setting that no part of the model has, parts that do not
            fit.
    """
    defaults = models.load(model).defaults
    given = {name: value for name, value in given.items() if value is not None}
    dataset = given.pop("dataset", defaults.dataset)
    kind = modalities.of(dataset)
    _refuse_other_places(dataset, given.get("data"), given.get("data_dir"))
    backbone = _backbone(model, kind, given.pop("backbone", None))
    batch_size = given.pop("batch_size", defaults.batch_size)
    several = batch_size if isinstance(batch_size, int) else 2
    xla = given.get("jit_compile") is True
    words = said(sets, values)
    files = _files(dataset, given.get("data"), given.get("data_dir"))
    made = chooser(model, dataset, backbone, space, files, words, several, xla)
    point = made.point(words, recorded=recorded)
    stands_on = made.point(fit=False)["optimizer"].name
    steps = given.pop("train_steps", defaults.train_steps)
    usual = _usual_rate(defaults, stands_on, point["optimizer"].name)
    plan = Plan(
        model=model,
        dataset=dataset,
        backbone=backbone,
        size=one_of("size", given.pop("size", defaults.size), backbones.SIZES),
        point=point,
        train_steps=steps,
        batch_size=batch_size,
        learning_rate=given.pop("learning_rate", usual),
        seed=given.pop("seed", 0),
        **{**_usual(steps), **given},
    )
    return _checked(plan)


def current(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a config.json of an older run, what this version would have written.

    Raises:
        UserError: it is none that can be read; says how to go on.
    """
    if config.get("version") == 2:
        return migration.second(config)
    if "version" in config:
        if config["version"] != migration.VERSION:
            raise UserError(
                f"of version {str(config['version'])[:20]}, and this reads "
                f"{migration.VERSION} and those before: name another --workdir"
            )
        return config
    for name in ("model", "dataset", "backbone", "settings"):
        if name not in config:
            raise UserError(f"of no run: it holds no {name!r}")
    if not isinstance(config["settings"], Mapping):
        raise UserError(f"'settings' must be an object, got {str(config['settings'])[:40]}")
    fields = {f.name for f in dataclasses.fields(Plan)} - {"model", "point", *_OF_THE_MACHINE}
    given = {name: config[name] for name in fields if name in config}
    try:
        old, kind = config["settings"], modalities.of(config["dataset"]).NAME
        taken = migration.places(old, kind)
        made = chooser(config["model"], config["dataset"], config["backbone"])
        held = migration.settings(old, made.point(said((), taken), fit=False))
        plan = resolve(config["model"], (), {**taken, **held}, recorded=True, **given)
    except UserError as error:
        raise UserError(
            f"of an older version, and cannot be read any more ({error}): the run's model.keras "
            "can be loaded and diagnosed; to train, name another --workdir"
        ) from error
    rest = {k: v for k, v in config.items() if k not in fields | {"settings", "model"}}
    return {**rest, **plan.config()}


def _usual(steps) -> dict[str, int]:
    """What nobody needs to say, of so many steps."""
    tenth = _tenth(steps)
    return {"eval_every": tenth, "checkpoint_every": tenth, "nll_samples": 100, "nll_examples": 200}


def _tenth(steps) -> int:
    return max(1, steps // 10) if isinstance(steps, int) else 1


def _checked(plan: Plan) -> Plan:
    """The same with every number of the right type, or a refusal."""
    hints = typing.get_type_hints(Plan)
    values = {}
    for f in dataclasses.fields(Plan):
        if f.metadata:
            what, value = f"--{f.name}", getattr(plan, f.name)
            values[f.name] = checked.typed(what, value, hints[f.name])
            checked.in_range(what, values[f.name], **f.metadata["range"])
    for name in ("workdir", "data_dir", "data"):
        if values[name] is not None:
            path_like(f"--{name}", values[name])
    if values["batch_size"] % values["cpu_replicas"]:
        raise UserError(
            f"--batch_size must be a multiple of --cpu_replicas={values['cpu_replicas']}, got "
            f"{values['batch_size']}"
        )
    return dataclasses.replace(plan, **values)


def _files(dataset: str, data: str | None, data_dir: str | None) -> str | None:
    """Where the data lies: a published set's files, or one's own (of text, by `--data_dir` too)."""
    own = datasets.own.is_own(dataset)
    return data if own and (data is not None or dataset != "text") else data_dir


def _refuse_other_places(dataset: str, data, data_dir) -> None:
    if not datasets.own.is_own(dataset):
        if data is not None:
            doors = ", ".join(datasets.own.DOORS)
            raise UserError(
                f"--data is of one's own data (--dataset={doors}), and {dataset!r} is none: its files are "
                "found by --data_dir"
            )
    elif data_dir is not None and (dataset != "text" or data is not None):
        raise UserError(
            f"--data_dir is of published data sets, and {dataset!r} is one's own: say --data="
        )


def _data_words(plan: Plan) -> list[Said]:
    """What was said of how the data are read."""
    held = plan.point["data"]
    return said((), {} if held is None else dataclasses.asdict(held))


def could_be(plan: Plan, place: str, taken: str) -> bool:
    """Whether that part fits at the place, all else as it is in the plan (but what comes with it)."""
    run = plan.batch_size, plan.jit_compile
    made = chooser(
        plan.model, plan.dataset, plan.backbone, None, plan.files, _data_words(plan), *run
    )
    made.standing = [_names(plan)]
    try:
        made.point([Said(place, taken)])
    except UserError:
        return False
    return True
