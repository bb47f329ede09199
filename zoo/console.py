"""What a person who started a command sees. No TensorFlow is imported here before it is asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from absl import flags, logging

__all__ = [
    "MOST_PROCESSES",
    "Arguments",
    "command",
    "import_tensorflow",
    "progress",
    "refuse",
    "say",
    "share_cores",
]

_LONGEST = 1000  # characters of a refusal
MOST_PROCESSES = 256  # at once, of a comparison or a benchmark


class Arguments(argparse.ArgumentParser):
    """Refuses in one line; argparse would print its usage too."""

    def error(self, message):
        self.exit(refuse(self.prog.rpartition(".")[2], message))


def refuse(name: str, text: str) -> int:
    """Says in one line what the user can mend; the exit status."""
    say(f"{name}: {' '.join(text.split())[:_LONGEST]}")
    return 2


def command(
    name: str, work: Callable[[], int | None], debug: bool, stopped: str = "stopped"
) -> int:
    """Imports TensorFlow and does the work; see `tfvae.guard.guarded`."""
    try:
        import_tensorflow()
        from tfvae.guard import guarded
    except KeyboardInterrupt:
        refuse(name, stopped)
        return 130
    except ImportError as error:
        return refuse(name, f"{error}; pip install what setup.py lists")
    return guarded(name, work, debug, stopped)


def say(text: str) -> None:
    """One line."""
    print(text, file=sys.stderr, flush=True)


def progress(done: int, total: int) -> None:
    """A line that is rewritten, on a terminal alone."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r  row {done}/{total}", end=end, file=sys.stderr, flush=True)


def import_tensorflow() -> None:
    """TensorFlow greets from C++ on stderr, past every Python setting; a user need not read that."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what goes wrong also comes as an exception
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)  # an absl app says INFO, where TFDS tells its life
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # that a function is traced anew for longer sentences
        tf.config.list_physical_devices()
        import tensorflow_probability  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def share_cores(processes: int) -> None:
    """So many processes at once do not take the cores from each other; before TensorFlow is imported."""
    if processes > 1:
        each = max(1, (os.cpu_count() or 1) // processes)
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(each)
