"""What the pages of results hold of a model: the rows of their tables, and where it is named."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator
from typing import NamedTuple

RESULTS = pathlib.Path(__file__).parents[1] / "results"
PICTURES = pathlib.Path(__file__).parents[1] / "assets" / "models"
CAPTIONS = {
    "reconstructions": "Test images, what is made of their codes, and draws",
    "curves": "Distortion and rate while it was trained",
}


class Table(NamedTuple):
    """A table of a page.

    Attributes:
        page: the name of its file.
        title: that of the page, and the heading above the table.
        anchor: of that heading; empty where there is none.
        head: its first two lines.
        rows: the others.
    """

    page: str
    title: str
    anchor: str
    head: list[str]
    rows: list[str]


def tables() -> Iterator[Table]:
    """Of all pages."""
    for path in sorted(RESULTS.glob("*.md")):
        yield from _of_page(path.name, path.read_text(encoding="utf-8"))


def _of_page(page: str, text: str) -> Iterator[Table]:
    without = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    whole, title, anchor = "", "", ""
    for block in re.split(r"\n{2,}", without):
        lines = block.strip("\n").splitlines()
        heading = re.match(r"(#+) (.+)", lines[0]) if lines else None
        if heading and heading[1] == "#":
            whole = title = heading[2]
        elif heading:
            title, anchor = f"{whole}: {heading[2]}", _slug(heading[2])
        elif len(lines) > 2 and re.fullmatch(r"[|\- :]+", lines[1]):
            yield Table(page, title, anchor, lines[:2], lines[2:])


def _slug(heading: str) -> str:
    """As `markdown.extensions.toc` makes it."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def rows_of(model: str, table: Table) -> list[str]:
    """Those whose first cell begins with the model's name, and what says "the same" below them."""
    found, mine = [], False
    for row in table.rows:
        first = row.strip("| ").partition(" |")[0]
        mine = re.match(rf"`?{model}\b", first) is not None or mine and first.startswith("the same")
        found += [row] * mine
    return found


def measured(model: str) -> list[str]:
    """A paragraph and a table for each table that has rows of the model; links are those of models/."""
    said = []
    for table in tables():
        rows = rows_of(model, table)
        if rows:
            link = f"../results/{table.page}" + (f"#{table.anchor}" if table.anchor else "")
            said += [f"[{table.title}]({link}):", "\n".join([*table.head, *rows])]
    return said


def named(model: str) -> list[str]:
    """Links to the pages that name the model."""
    found = []
    for path in sorted(RESULTS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if path.stem != "index" and re.search(rf"[`=,]{model}[`:,\s]", text):
            title = re.match(r"# (.+)", text)
            found.append(f"[{title[1] if title else path.stem}](../results/{path.name})")
    return found


def pictured(model: str) -> list[str]:
    """What `bare_names.py` left of the model's run, with its caption; the link is that of models/."""
    said = []
    for path in sorted(PICTURES.glob(f"{model}.*.png")):
        shown = path.name.split(".")[1]
        said += [
            f"![{CAPTIONS[shown]}](../assets/models/{path.name})",
            f"{CAPTIONS[shown]}: `figures/{shown}.png` of that run.",
        ]
    return said
