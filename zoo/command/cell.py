"""What a run says in a notebook: below its cell, in one line that is rewritten, and not as an error."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator

__all__ = ["in_notebook", "speaking"]

_TO_THE_END = "\033[K"  # of the line, which a terminal erases and a notebook does not
_BLANK = " " * 30


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    return shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None


@contextlib.contextmanager
def speaking() -> Iterator[None]:
    """A notebook paints stderr red, where nothing is wrong: there what is said goes to the cell's output."""
    if not in_notebook():
        yield
        return
    with contextlib.redirect_stderr(_Cell(sys.stdout)):
        yield


class _Cell(io.TextIOBase):
    """The output of a cell, as a terminal: a line that begins with a return replaces the one before."""

    def __init__(self, below):
        self._below = below

    def isatty(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._below.write(text.replace(_TO_THE_END, _BLANK))
        return len(text)

    def flush(self) -> None:
        self._below.flush()
