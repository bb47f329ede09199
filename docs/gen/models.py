"""A page of each model, made when the documentation is built: from its file, its parts and its flagfiles."""

import dataclasses
import importlib.metadata
import pathlib
import re
import sys

import mkdocs_gen_files
from absl import flags

import train_main
import zoo
from tfvae import values
from tfvae.parts import PLACES
from zoo import datasets, models
from zoo.command import describe, plan

sys.path.insert(0, str(pathlib.Path(__file__).parent))  # MkDocs runs this file by its path
import measured

PACKAGES = ("tfvae", "tensorflow", "keras", "tensorflow-probability")
FLAGFILES = pathlib.Path(zoo.__file__).parent / "flagfiles"


def page(name: str) -> str:
    """Formula, paper, what it is not for, how to make it again and what came out, settings."""
    described, resolved = models.load(name), plan.resolve(name)
    first, _, rest = models.documentation(name).partition("\n")
    said = first.partition(": ")[2]
    text, limits = _text(rest)
    parts = [f"# {name}", said[:1].upper() + said[1:], *text, f"**Paper.** {described.citation}."]
    parts += [f"```sh\ntfvae train --model={name}\n```", *measured.pictured(name)]
    parts += ["## What it is not for", limits[:1].upper() + limits[1:]]
    parts += ["## Making it again", *_card(name)]
    found, names = measured.measured(name), measured.named(name)
    parts += ["## What was measured", *found] if found else []
    parts += [f"Results that name it: {', '.join(names)}."] if names else []
    for number, file in enumerate(_flagfiles(name)):
        parts += [*([] if number else ["## Recommended settings"]), *_flagfile(file)]
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


def _flagfiles(name: str) -> list[str]:
    """Their names; `vae_mnist` is of `vae`, and `vae_gan_mnist` would be of `vae_gan`."""
    longer = tuple(f"{other}_" for other in models.names() if other.startswith(f"{name}_"))
    stems = sorted(path.stem for path in FLAGFILES.glob(f"{name}_*.flags"))
    return [stem for stem in stems if not stem.startswith(longer)]


def _card(name: str) -> list[str]:
    """What the bare name and each flagfile train, and with what this page was built."""
    rows = ["| command | data | networks | steps | learning rate |", "|---|---|---|---|---|"]
    rows += [_row("by its bare name", f"--model={name}")]
    rows += [_row(f"[{file}](#{file})", f"--flagfile={file}") for file in _flagfiles(name)]
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES)
    how = (
        "The seed is 0 unless `--seed` says another. The same command with the same versions gives the same "
        f"numbers ([Reproducibility](../guide/reproducibility.md)); this page was built with {versions}."
    )
    return ["\n".join(rows), how]


def _row(title: str, word: str) -> str:
    held = _resolved(word)
    cells = [
        title,
        f"`{held.dataset}`",
        f"`{held.backbone}`, {held.size}",
        f"{held.train_steps:,} of {held.batch_size}",
        f"{held.learning_rate:g}",
    ]
    return f"| {' | '.join(cells)} |"


def _resolved(word: str):
    """The plan of a command of one word."""
    for flag in flags.FLAGS:
        flags.FLAGS[flag].unparse()
    train_main.parse(["train", word])
    return train_main.resolved()


def _flagfile(name: str) -> list[str]:
    lines = (FLAGFILES / f"{name}.flags").read_text(encoding="utf-8").splitlines()
    about = " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))
    words = [line for line in lines if line.startswith("--")]
    dataset = _resolved(f"--flagfile={name}").dataset
    where = " --data=PATH" if datasets.own.is_own(dataset) else " --data_dir=DIR"
    command = f"tfvae train --flagfile={name}{'' if datasets.made_here(dataset) else where}"
    return [f"### {name}", about, f"```sh\n{command}\n```", "\n".join(["```text", *words, "```"])]


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
    return ["\n".join(["| place and part | setting | what it is |", "|---|---|---|", *rows])]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def table() -> str:
    """All of them."""
    rows = []
    for name in models.names():
        first = models.documentation(name).partition("\n")[0].partition(": ")[2]
        rows.append(f"| [`{name}`]({name}.md) | {_cell(first)} | {models.load(name).citation} |")
    return "\n".join(["# Models", "", "| model | what it is | paper |", "|---|---|---|", *rows, ""])


with mkdocs_gen_files.open("models/index.md", "w") as file:
    file.write(table())
for model in models.names():
    with mkdocs_gen_files.open(f"models/{model}.md", "w") as file:
        file.write(page(model))
with mkdocs_gen_files.open("models/SUMMARY.md", "w") as file:
    file.write("\n".join(["* [Models](index.md)", *(f"* [{m}]({m}.md)" for m in models.names())]))
