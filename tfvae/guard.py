"""How every command ends: what went wrong is one line on stderr, and the exit status says whose it is.

0 done    1 a fault of this project    2 a request that the user can mend    130 stopped by a key or SIGTERM
"""

from __future__ import annotations

import contextlib
import pathlib
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator

import tensorflow as tf

from tfvae.checks import UserError, one_line

__all__ = ["guarded"]

_NODE = re.compile(r"\{\{.*?\}\} ?| ?\[Op:.*?\]")  # of TensorFlow's messages
_HERE = pathlib.Path(__file__).parent.parent
_LONGEST = 1000  # characters of a message
_FOREIGN = 300  # of somebody else's
# what the machine refuses, and not this project
_MACHINE = (
    tf.errors.PermissionDeniedError,
    tf.errors.NotFoundError,
    tf.errors.UnavailableError,
)


def guarded(
    name: str,
    work: Callable[[], int | None],
    debug: bool = False,
    stopped: str = "stopped",
) -> int:
    """Does the work of a command; returns its exit status.

    Args:
        name: of the command, in front of its messages.
        work: what it does; its own status, or `None` for 0.
        debug: also print the traceback of whatever ends it.
        stopped: what is said when the user stops it.
    """
    try:
        with _ended_as_by_a_key():
            return work() or 0
    except KeyboardInterrupt:
        return _end(name, stopped, 130, debug)
    except BrokenPipeError:  # `... | head` has seen enough
        sys.stdout = None  # Python would flush it once more when it ends
        return 141
    except UserError as error:
        return _end(name, str(error), 2, debug)
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        text = "the memory is not enough; take a smaller --batch_size, --size or settings"
        said = one_line(_NODE.sub("", str(error)), _FOREIGN)
        return _end(name, f"{text} ({said})" if said else text, 2, debug)
    except OSError as error:
        return _end(name, _of_files(error), 2, debug)
    except _MACHINE as error:
        return _end(name, one_line(_NODE.sub("", error.message), _FOREIGN), 2, debug)
    except Exception as error:  # a fault of ours: said in a line, and never passed over
        return _end(name, _fault(error), 1, debug)


@contextlib.contextmanager
def _ended_as_by_a_key() -> Iterator[None]:
    """SIGTERM, by which schedulers end a process, ends it as a key does: what is held is let go."""

    def end(*_):
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # nobody else gets signals
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _of_files(error: OSError) -> str:
    """A file or a place that the machine does not give."""
    where = "" if error.filename is None else f"{str(error.filename)!r}: "
    return f"{where}{error.strerror or error}"


def _fault(error: Exception) -> str:
    """What, where, and what to do about it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = ([f for f in frames if _ours(f.filename)] or frames)[-1]
    file = _ours(place.filename) or place.filename
    return (
        f"a fault of this program at {file}:{place.lineno}: {type(error).__name__}: "
        f"{one_line(str(error), _FOREIGN)}; please report it with the command and what --debug adds"
    )


def _ours(file: str) -> str:
    """The path inside of this project, empty for a file of another one."""
    path = pathlib.Path(file)
    if _HERE not in path.parents:
        return ""
    inside = path.relative_to(_HERE)
    return str(inside) if inside.parts[0] in ("tfvae", "zoo", "train_main.py") else ""


def _end(name: str, text: str, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"{name}: {one_line(text, _LONGEST)}", file=sys.stderr, flush=True)
    return status
