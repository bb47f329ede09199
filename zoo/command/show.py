"""tfvae show MODEL | PLACE=PART | PART | DATASET | RUN_DIRECTORY: what it is, or what it came to.

A model: formula, paper, what makes it this model, its settings. A part: its place, settings, what it needs
and offers. A run directory: its measures as a table, and the verdict.
"""

from __future__ import annotations

import difflib
import os
import shlex

from zoo.catalogue import listed
from zoo.catalogue.sources import ROOT, Row
from zoo.command import console

__all__ = ["main"]


def _arguments() -> console.Arguments:
    parser = console.Arguments("tfvae show", description=__doc__)
    add = parser.add_argument
    add("what", help="a name of `tfvae list`, PLACE=PART, or a run directory")
    add("--dataset", help="of a model: the data that its settings are shown for")
    add("--backbone", help="of a model: the networks that its settings are shown for")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


def main(words=None) -> int:
    """0, or 2 if there is nothing of that name."""
    asked = _arguments().parse_args(words)
    rows = {name: read() for name, (_, read) in listed.LISTINGS.items()}
    models = [row.name for row in rows["models"]]
    parts = [row for row in rows["parts"] if asked.what in (row.name, f"{row.group}={row.name}")]
    if asked.what in models or ":" in asked.what and not os.path.isdir(asked.what):
        return console.command("show", lambda: _model(asked, parts), asked.debug)
    if asked.dataset is not None or asked.backbone is not None:
        return console.refuse(
            "show", f"--dataset and --backbone are of a model, and {asked.what[:80]!r} is none"
        )
    if parts:
        return console.command("show", lambda: _parts(parts), asked.debug)
    if os.path.isdir(asked.what):
        return console.command("show", lambda: _directory(asked.what), asked.debug)
    known = [row for row in rows["datasets"] if row.name == asked.what]
    if known:
        return _dataset(known[0])
    return console.refuse("show", _unknown(asked.what, rows))


def _unknown(what: str, rows: dict[str, list[Row]]) -> str:
    names = [row.name for each in rows.values() for row in each]
    names += [f"{row.group}={row.name}" for row in rows["parts"]]
    near = difflib.get_close_matches(what[:80], dict.fromkeys(names), 3, 0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return (
        f"{what[:80]!r} is no model, part or data set, and no directory; {hint}"
        "tfvae list names what there is"
    )


def _dataset(row: Row) -> int:
    own, given = row.line.startswith("your own"), "in --data_dir" in row.line
    data = " --data=PATH" if own else " --data_dir=DIR" if given else ""
    print(f"{row.name} ({row.group})\n\n{row.line}\n")
    print(f"tfvae train --model=vae --dataset={row.name}{data}")
    return 0


# ------------------------------------------------------------------ a model


def _model(asked, parts: list[Row]) -> None:
    from zoo import models
    from zoo.command import describe, plan

    recipe = models.load(asked.what)
    resolved = plan.resolve(asked.what, (), dataset=asked.dataset, backbone=asked.backbone)
    print(models.documentation(asked.what))
    print(f"\npaper: {recipe.citation}")
    print(f"data: {resolved.dataset} ({resolved.kind}) where nothing else is said")
    for name in ("backbone", "size", "train_steps", "batch_size", "learning_rate"):
        print(f"  --{name}={getattr(resolved, name)}")
    if recipe.point:
        said = " ".join(f"{name}={value}" for name, value in recipe.point.items())
        print(f"what makes it this model: {said}")
    files = _flagfiles(asked.what)
    if files:
        print(f"flagfiles: {', '.join(files)}")
    for row in parts:
        print(f"there is a part of that name too: tfvae show {row.group}={row.name}")
    describe.print_places(resolved)
    print(f"\n{shlex.join(['tfvae', 'train', f'--model={asked.what}'])}")


def _flagfiles(model: str) -> list[str]:
    """Those that ship, and are of the model."""
    folder = ROOT / "zoo" / "flagfiles"
    wanted = f"--model={model}"
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.flags")}
    return sorted(stem for stem, text in texts.items() if wanted in text.split())


# ------------------------------------------------------------------ a part


def _parts(rows: list[Row]) -> None:
    from tfvae.parts import lookup
    from zoo.command import parts_of_zoo

    parts_of_zoo.known()
    for number, row in enumerate(rows):
        print("\n" if number else "", end="")
        _part(lookup(row.group, row.name, row.kinds[0] if row.kinds else ""))


def _part(part) -> None:
    """A class of `tfvae.parts.Part`."""
    import dataclasses
    import inspect

    from tfvae import values
    from tfvae.parts import FACTS, PLACES

    place = PLACES[part.place]
    print(f"{part.place}={part.name}   --set={part.place}={'+' if place.many else ''}{part.name}")
    print(f"{place.axis}: {place.help}\n\n{inspect.cleandoc(part.__doc__ or '')}\n")
    for field in dataclasses.fields(part):
        print(f"  {field.name}={values.text(field.default)}  {field.metadata['help']}")
    said = {
        "for": part.kinds,
        "needs": [FACTS.get(fact, fact) for fact in sorted(part.needs)],
        "offers": [FACTS.get(fact, fact) for fact in sorted(part.offers)],
        "brings": [f"{where}={name}" for where, name in part.brings.items()],
        "leaves no": part.closes,
    }
    for word, held in said.items():
        if held:
            print(f"{word}: {'; '.join(held)}")


# ------------------------------------------------------------------ a run


def _directory(path: str) -> None:
    """Of a run, of a comparison, or of a curve."""
    from tfvae.checks import UserError
    from tfvae.training import RunDirectory

    report = RunDirectory.finished(path)
    texts = (os.path.join(path, f"{name}.md") for name in ("comparison", "seeds", "sweep", "curve"))
    table = next(filter(os.path.isfile, texts), None)
    if report is not None:
        _run(path, report)
    elif table is not None:
        from tfvae.training import reading

        print(reading.content(table).decode("utf-8", "replace"))
    else:
        begun = os.path.isfile(os.path.join(path, "config.json"))
        how = "it was cut short, and goes on by --resume" if begun else "it holds no config.json"
        raise UserError(f"no finished run in {path!r}: {how}")


_NEEDED = (
    "rate",
    "nll",
    "nll_is_exact",
    "mutual_information",
    "mutual_information_ceiling",
    "active_units",
    "latent_units",
    "shuffle_gap",
)
"""What the sentence of a verdict speaks of."""


def _run(path: str, report) -> None:
    import rich
    from rich.table import Table

    from tfvae import diagnosis
    from tfvae.checks import UserError
    from tfvae.diagnosis.report import MEASURES

    missing = [name for name in _NEEDED if name not in report]
    if missing:
        raise UserError(
            f"{os.path.join(path, 'report.json')} is of no run: it holds no {missing[0]!r}"
        )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("measure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("what it says", overflow="fold")
    for key, title, unit, says in MEASURES:
        if isinstance(value := report.get(key), (int, float)):
            table.add_row(title, _number(value), unit, says)
    print(f"{report.get('model')} on {report.get('dataset')}: {diagnosis.sentence(report)}\n")
    rich.print(table)
    for name in ("report.html", "diagnosis.html"):
        if os.path.isfile(os.path.join(path, name)):
            print(os.path.join(path, name))


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
