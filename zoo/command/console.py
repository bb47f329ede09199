"""What a person who started a command sees. No TensorFlow is imported here before it is asked for."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator

from absl import flags, logging

__all__ = [
    "COMMANDS",
    "MOST_PROCESSES",
    "Arguments",
    "command",
    "import_tensorflow",
    "main",
    "progress",
    "refuse",
    "say",
    "share_cores",
]

_LONGEST = 1000  # characters of a refusal
MOST_PROCESSES = 256  # at once, of a comparison or a benchmark


_ELSEWHERE = {"workdir": "out"}
"""A flag of other commands, and what says the same where there is none of that name."""


class Arguments(argparse.ArgumentParser):
    """Refuses in one line, where argparse would print its usage too; takes no flag by its beginning.

    A beginning would be another flag: `--seed=3`, which is one seed, the beginning of `--seeds=3`.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})

    def error(self, message):
        self.exit(refuse(re.split("[ .]", self.prog)[-1], f"{message}{self._hint(message)}"))

    def _hint(self, message: str) -> str:
        """Which flag may have been meant."""
        wrong = re.match(r"unrecognized arguments: --(\w+)", message)
        if wrong is None:
            return ""
        known = [word.removeprefix("--") for word in self._option_string_actions]
        near = difflib.get_close_matches(wrong[1], known, 1)
        same = _ELSEWHERE.get(wrong[1])
        meant = [same] if same in known else near
        return f"; did you mean --{meant[0]}?" if meant else ""


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
    """With the log levels of a command; see `tfvae.quiet`."""
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)  # an absl app says INFO, where TFDS tells its life
    import tfvae  # noqa: F401, first of all: it imports TensorFlow without a greeting

    import tensorflow as tf  # isort: skip

    tf.get_logger().setLevel("ERROR")  # that a function is traced anew for longer sentences


def share_cores(processes: int) -> None:
    """So many processes at once do not take the cores from each other; before TensorFlow is imported."""
    if processes > 1:
        each = max(1, (os.cpu_count() or 1) // processes)
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(each)


# ------------------------------------------------------------------ tfvae

COMMANDS = {
    "train": ("trains a model of the zoo and leaves a run directory", "train_main"),
    "diagnose": ("says of a trained VAE whether, why and where it collapses", "tfvae.examination"),
    "compare": (
        "trains several models at one budget: one table, one page",
        "zoo.comparison.command",
    ),
    "sweep": ("searches settings of a model: learning rate, remedy, parts", "zoo.sweep.command"),
    "explore": ("pictures of what a trained model's codes hold", "zoo.command.explore"),
    "curve": (
        "a model at several weights of its rate: its rate-distortion curve",
        "zoo.sweep.curve",
    ),
    "list": ("what there is: models, data sets, parts, a line each", "zoo.command.listing"),
    "show": ("a model, a part, or what a run came to", "zoo.command.show"),
    "export": ("a trained model as ONNX, LiteRT or SavedModel", "zoo.command.export"),
    "push": ("a finished run to the Hugging Face Hub, with a model card", "zoo.hub.pushing"),
    "pull": ("a run from the Hugging Face Hub", "zoo.hub.pulling"),
    "completion": ("what bash, zsh or fish needs to complete words", "zoo.command.completion"),
}


def main(words=None) -> int:
    """`tfvae COMMAND ...`: hands the rest of the words to that command."""
    words = list(sys.argv[1:] if words is None else words)
    if not words or words[0] in ("-h", "--help"):
        print("\n".join(_help()))
        return 0 if words else 2
    name, *rest = words
    if name not in COMMANDS:
        return refuse("tfvae", f"unknown command {name!r}; known: {', '.join(COMMANDS)}")
    module = importlib.import_module(COMMANDS[name][1])
    return module.main([name, *rest] if name == "train" else rest)


def _help() -> Iterator[str]:
    from zoo.command.listing import headlines

    yield "tfvae COMMAND [--help] ...\n"
    for name, (what, _) in COMMANDS.items():
        yield f"  {name:12s}{what}"
    yield "\nmodels, by the kind of data that each runs on by default (tfvae list says what each is)\n"
    yield from headlines()
