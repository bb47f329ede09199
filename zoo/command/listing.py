"""tfvae list [models | datasets | parts] [--kind=text]: what there is, a line each, without TensorFlow."""

from __future__ import annotations

import itertools
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator

from zoo.catalogue.listed import KINDS, LISTINGS
from zoo.catalogue.sources import Row
from zoo.command import console

__all__ = ["headlines", "lines", "main", "of_kind"]

_NARROWEST = 60  # columns


def _arguments() -> console.Arguments:
    parser = console.Arguments("tfvae list", description=__doc__)
    add = parser.add_argument
    add("what", nargs="?", help=f"{', '.join(LISTINGS)}; default: all of them")
    add("--kind", help=f"of data, which it is for: {', '.join(KINDS)}")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


def main(words=None) -> int:
    """0, or 2 for a wrong command."""
    asked = _arguments().parse_args(words)
    for what, got, known in (("listing", asked.what, LISTINGS), ("--kind", asked.kind, KINDS)):
        if got is not None and got not in known:
            return console.refuse("list", f"unknown {what} {got[:80]!r}; known: {', '.join(known)}")
    try:
        for name in [asked.what] if asked.what else LISTINGS:
            what, read = LISTINGS[name]
            print(f"{name}: {what}")
            print("\n".join(lines(of_kind(read(), asked.kind))), flush=True)
            print()
    except BrokenPipeError:  # `... | head` has seen enough
        sys.stdout = None
        return 141
    return 0


def of_kind(rows: Iterable[Row], kind: str | None) -> list[Row]:
    """Those for a kind of data.

    A model or a data set has one kind; a part has some, and one that names none is for all.
    """
    if kind is None:
        return list(rows)
    return [r for r in rows if r.group == kind or kind in r.kinds or _for_all(r)]


def _for_all(row: Row) -> bool:
    return row.group not in KINDS and not row.kinds


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """The listing; on a terminal as wide as that is, in a pipe a row a line."""
    rows = list(rows)
    width = max((len(row.name) for row in rows), default=0) + 2
    for group, members in itertools.groupby(rows, key=lambda row: row.group):
        yield f"\n  {group}"
        for row in members:
            only = f" ({', '.join(row.kinds)})" if row.kinds else ""
            yield _fitted(f"    {row.name:{width}s}{row.line}{only}", width + 4)


def _fitted(line: str, indent: int) -> str:
    if not sys.stdout.isatty():
        return line
    columns = max(_NARROWEST, shutil.get_terminal_size().columns)
    return textwrap.fill(
        line,
        columns,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def headlines() -> Iterator[str]:
    """The names of all models, by the kind of data that each runs on by default."""
    for group, members in itertools.groupby(LISTINGS["models"][1](), key=lambda row: row.group):
        names = ", ".join(row.name for row in members)
        yield textwrap.fill(f"  {group:12s}{names}", 100, subsequent_indent=" " * 14)
