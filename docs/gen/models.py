"""A page of each model, made when the documentation is built: from its file, its parts and its flagfiles."""

import dataclasses
import pathlib
import re

import mkdocs_gen_files

import zoo
from tfvae import values
from tfvae.parts import PLACES
from zoo import models
from zoo.command import describe, plan

FLAGFILES = pathlib.Path(zoo.__file__).parent / "flagfiles"


def page(name: str) -> str:
    """Formula, paper, commands, settings, flagfiles."""
    described, resolved = models.load(name), plan.resolve(name)
    first, _, rest = models.documentation(name).partition("\n")
    said = first.partition(": ")[2]
    text, limits = _text(rest)
    parts = [f"# {name}", said[:1].upper() + said[1:], *text, f"**Paper.** {described.citation}."]
    parts += [f"```sh\npython train_main.py --model={name}\n```"]
    parts += [
        f"By default on `{resolved.dataset}`, networks `{resolved.backbone}` of size `{resolved.size}`, "
        f"{resolved.train_steps:,} steps of {resolved.batch_size}, learning rate {resolved.learning_rate:g}."
    ]
    parts += ["## What it is not good for", f"It is not for {limits}"]
    files = sorted(p.stem for p in FLAGFILES.glob(f"{name}_*.flags"))
    if files:
        parts += ["## Recommended settings", *map(_flagfile, files)]
    parts += ["## Places, parts and settings", *_places(resolved)]
    parts += [
        "What else fits in each place is said by `--describe`; how parts combine, by [Places and parts]"
        "(../guide/combining.md)."
    ]
    return "\n\n".join(parts) + "\n"


def _text(docstring: str) -> tuple[list[str], str]:
    """(the formula as code and paragraphs as they are, what the model is not for)."""
    *blocks, last = re.split(r"\n{2,}", docstring.strip("\n"))
    if not last.startswith("Not for "):
        raise ValueError(f"a model's docstring ends with what it is not for, got {last!r}")
    return [
        f"```text\n{_dedented(block)}\n```" if number == 0 or block.startswith("    ") else block
        for number, block in enumerate(blocks)
    ], last.removeprefix("Not for ")


def _dedented(block: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in block.splitlines())


def _flagfile(name: str) -> str:
    lines = (FLAGFILES / f"{name}.flags").read_text(encoding="utf-8").splitlines()
    about = " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))
    words = " ".join(line for line in lines if line.startswith("--"))
    made_here = re.search(r"--dataset=(digits|pydoc|sprites|squares)", words)
    where = "" if made_here else " --data_dir=DIR"
    command = f"```sh\npython train_main.py --flagfile={name}{where}\n```"
    return f"{about}\n\n{command}\n\nIt is `{words}`."


def _places(resolved) -> list[str]:
    closed, rows = resolved.point.closed(), []
    for place in PLACES.values():
        held = resolved.point[place.name]
        for part in held if isinstance(held, tuple) else () if held is None else (held,):
            if place.name in closed:
                continue
            rows.append(f"| `{place.name}={part.name}` | | {_cell(describe.first_line(part))} |")
            for f in dataclasses.fields(part):
                value = values.text(getattr(part, f.name))
                rows.append(f"| | `{f.name}={value}` | {_cell(f.metadata['help'])} |")
    return ["\n".join(["| place and part | setting | |", "|---|---|---|", *rows])]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def table() -> str:
    """All of them."""
    rows = []
    for name in models.names():
        first = models.documentation(name).partition("\n")[0].partition(": ")[2]
        rows.append(f"| [`{name}`]({name}.md) | {_cell(first)} | {models.load(name).citation} |")
    return "\n".join(["# Models", "", "| model | | paper |", "|---|---|---|", *rows, ""])


with mkdocs_gen_files.open("models/index.md", "w") as file:
    file.write(table())
for model in models.names():
    with mkdocs_gen_files.open(f"models/{model}.md", "w") as file:
        file.write(page(model))
with mkdocs_gen_files.open("models/SUMMARY.md", "w") as file:
    file.write("\n".join(["* [Models](index.md)", *(f"* [{m}]({m}.md)" for m in models.names())]))
