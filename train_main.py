"""Trains a model of the zoo:  python train_main.py --model=delta_vae [--flagfile=...] [--set=name=value]

Without further flags it trains on data that ships with its dependencies, and leaves a run directory
with report.html, report.json, model.keras and saved_model/. A flag on the command line wins over a
flagfile, wherever it stands.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import pathlib
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from absl import app, flags

from zoo.command import console, launch_flags

FLAGS = flags.FLAGS

_MODELS = (pathlib.Path(__file__).parent / "zoo" / "models").glob("[!_]*.py")
flags.DEFINE_string(
    "model",
    None,
    f"the system: {', '.join(sorted(path.stem for path in _MODELS))}; `tfvae list models` says what each is",
)
flags.DEFINE_string("dataset", None, "the data; each model has a default that needs no download")
flags.DEFINE_string(
    "backbone",
    None,
    "the networks: linear, mlp, gated_mlp, deconvolutional, gated_pixelcnn, masked_pixelcnn, pixel_snail "
    "dilated_cnn, transformer for text; wavenet for speech; linear, mlp for tables; mlp for documents",
)
flags.DEFINE_string("size", None, "of the networks: tiny, small, paper")
flags.DEFINE_multi_string(
    "set", [], "name=value: any setting of the model (see --describe); repeatable"
)
flags.DEFINE_string("workdir", None, "the run directory; default: a new one under runs/")
flags.DEFINE_string("data_dir", None, "where the data's files lie, or shall be put")
flags.DEFINE_string(
    "data",
    None,
    "one's own data, a folder or a file, with --dataset=images, arrays, table, sound, text, documents "
    "or tfds:NAME",
)
flags.DEFINE_integer("seed", None, "of the weights, the data's order and all noise (default 0)")
flags.DEFINE_string(
    "seeds",
    None,
    "several runs, a directory each, and one report: how many, from 0 on, or these with commas between",
)
flags.DEFINE_string("launcher", None, f"with --seeds, {launch_flags.LAUNCHER}")
for _name in ("processes", "cores", "gpus"):
    flags.DEFINE_integer(_name, None, f"with --seeds, {launch_flags.FLAGS[_name]}")
flags.DEFINE_multi_string("sbatch", [], f"with --seeds, {launch_flags.FLAGS['sbatch']}")
flags.DEFINE_integer("train_steps", None, "how many batches")
flags.DEFINE_integer("batch_size", None, "examples a batch, over all devices")
flags.DEFINE_float("learning_rate", None, "of the optimizer, before its schedule")
flags.DEFINE_integer("eval_every", None, "steps between evaluations (default: a tenth of the run)")
flags.DEFINE_integer("checkpoint_every", None, "steps between checkpoints (default: a tenth)")
flags.DEFINE_integer("nll_samples", None, "importance samples of the reported NLL (default 100)")
flags.DEFINE_integer("nll_examples", None, "test examples of the reported NLL (default 200)")
flags.DEFINE_integer(
    "information_batch",
    None,
    "also report mutual information within batches of so many test examples, as He et al. 2019 do "
    "(32 for text, 50 for images)",
)
flags.DEFINE_string("strategy", None, "auto, one_device, mirrored or multi_worker")
flags.DEFINE_integer("cpu_replicas", None, "that many logical CPU devices, to try a mirrored run")
flags.DEFINE_string("precision", None, "float32 or mixed_bfloat16")
flags.DEFINE_boolean("jit_compile", None, "compile forward and backward pass by XLA")
flags.DEFINE_boolean("deterministic", None, "deterministic kernels (default true)")
flags.DEFINE_boolean(
    "keep_examples",
    None,
    "leave at most 1,000 validation examples in the run directory, for a diagnosis (default true)",
)
flags.DEFINE_multi_string(
    "track", None, "show the run there too: mlflow, wandb, tensorboard, module:Tracker; repeatable"
)
flags.DEFINE_boolean(
    "describe", False, "print what would run, check it on a tiny batch, train nothing"
)
flags.DEFINE_boolean("resume", False, "continue the run in --workdir exactly where it stopped")
flags.DEFINE_boolean("debug", False, "print the traceback of whatever ends the command")

_OF_SEEDS = ("seeds", "launcher", *launch_flags.FLAGS)
_OWN = ("model", "set", "describe", "resume", "debug", *_OF_SEEDS)
"""Flags that the command reads itself; the others are the plan's."""


def flagfiles_first(argv: Sequence[str]) -> list[str]:
    """The same words with those of every flagfile in front: what comes later wins, so the command line does.

    A name without a path, like `delta_vae_mnist`, is looked up in zoo/flagfiles.

    Raises:
        flags.Error: a flagfile that is not there, cannot be read, or reads itself.
    """
    read, rest = _split(argv[1:], ())
    return [argv[0], *read, *rest]


def _split(words: Iterable[str], inside: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """(words of the flagfiles among the words, the other words)."""
    read, rest, left = [], [], iter(words)
    for word in left:
        name, equals, value = word.partition("=")
        if name in ("--flagfile", "-flagfile"):
            read += _words(_found(value if equals else next(left, "")), inside)
        else:
            rest.append(word)
    return read, rest


def _words(path: str, inside: tuple[str, ...]) -> list[str]:
    """The words of a flagfile; those of the files that it names come first."""
    if path in inside:
        raise flags.Error(f"flagfile {path} reads itself: {' -> '.join((*inside, path))}")
    try:
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise flags.Error(f"flagfile {path} cannot be read: {error}") from error
    words = [line.strip() for line in lines]
    words = [word for word in words if word and not word.startswith(("#", "//"))]
    wrong = [word for word in words if not word.startswith("-") or "\0" in word]
    if wrong:
        raise flags.Error(f"flagfile {path}: a line is --flag=value, got {wrong[0][:60]!r}")
    read, rest = _split(words, (*inside, path))
    return [*read, *rest]


def _found(name: str) -> str:
    path = pathlib.Path(name)
    folder = pathlib.Path(__file__).parent / "zoo" / "flagfiles"
    stem = path.name.removesuffix(".flags")
    for candidate in (path, folder / f"{stem}.flags"):
        with contextlib.suppress(OSError, ValueError):  # a name that no file can have
            if candidate.is_file():
                return str(candidate)
    known = sorted(p.stem for p in folder.glob("*.flags"))
    near = difflib.get_close_matches(stem, known, 3)
    listed = f"did you mean {', '.join(near)}?" if near else f"shipped: {', '.join(known)}"
    raise flags.Error(f"no flagfile {name[:80]!r}; {listed}")


def parse(argv: Sequence[str]) -> None:
    """Sets the flags.

    Raises:
        flags.Error: a flag that is unknown, or a value that it cannot have.
    """
    app.define_help_flags()
    try:
        left = FLAGS(flagfiles_first(argv))
    except ValueError as error:  # absl's for --noname=value, and of some flags of its own
        raise flags.Error(str(error)) from error
    if len(left) > 1:
        raise flags.Error(f"unexpected {left[1][:80]!r}: every argument is a --flag=value")
    if FLAGS.model is None:
        raise flags.Error("--model is missing: e.g. --model=delta_vae")
    if FLAGS.resume and FLAGS.workdir is None:
        raise flags.Error("--resume needs the --workdir of the run to continue")
    _refuse_odd_seeds()


def _refuse_odd_seeds() -> None:
    """Flags that say nothing without --seeds, or something else than --seeds does."""
    if FLAGS.seeds is None:
        said = [name for name in _OF_SEEDS if FLAGS[name].value not in (None, [])]
        if said:
            raise flags.Error(f"--{said[0]} is of several runs: say --seeds=5 too")
        return
    for name, value in (("seed", FLAGS.seed), ("describe", FLAGS.describe or None)):
        if value is not None:
            raise flags.Error(f"--{name} is of one run: leave --{name} or --seeds out")


def main(argv: Sequence[str] | None = None) -> int:
    """Parses the flags and runs; see `tfvae.guard` for the exit status."""
    words = list(sys.argv if argv is None else argv)
    name = "train" if words[:1] == ["train"] else "train_main"  # as it was typed
    try:
        parse(words)
    except flags.Error as error:
        return console.refuse(name, str(error))
    launch_flags.share_cores({name: FLAGS[name].value for name in _OF_SEEDS})
    stopped = "stopped; --resume with the same --workdir goes on with a run that had begun"
    return console.command(name, _work, FLAGS.debug, stopped)


def resolved(sets: Sequence[str] = (), **fields: Any):
    """The `zoo.command.plan.Plan` of the parsed flags.

    Args:
        sets: more of --set.
        **fields: flags of the plan, instead of those that were parsed.
    """
    from zoo.command import plan

    mine = FLAGS.flags_by_module_id_dict()[id(sys.modules[__name__])]
    given: dict[str, Any] = {flag.name: flag.value for flag in mine if flag.name not in _OWN}
    given["track"] = ",".join(FLAGS.track) if FLAGS.track else None
    return plan.resolve(FLAGS.model, [*FLAGS.set, *sets], **{**given, **fields})


def given_words() -> list[str]:
    """The flags as the user gave them, for each run of several."""
    mine = FLAGS.flags_by_module_id_dict()[id(sys.modules[__name__])]
    own = (*_OF_SEEDS, "workdir", "resume")
    given = [flag for flag in mine if flag.present and flag.name not in own]
    return [word for flag in given for word in flag.serialize().split("\n")]


def _several() -> int:
    from zoo.command.seeds import seeds
    from zoo.comparison import launchers
    from zoo.comparison.seeds import run_seeds

    asked = {name: FLAGS[name].value for name in _OF_SEEDS}
    launcher = launchers.make(FLAGS.launcher or launch_flags.LOCAL, launch_flags.said(asked))
    numbers, first = seeds(FLAGS.seeds), resolved()
    plans = [dataclasses.replace(first, seed=number) for number in numbers]
    return run_seeds(plans, given_words(), launcher, FLAGS.resume)


def _work() -> int | None:
    from zoo.command import describe, run

    if FLAGS.seeds is not None:
        return _several()
    if FLAGS.describe:
        describe.describe(resolved())
    else:
        run.run(resolved(), resume=FLAGS.resume)
    return None


if __name__ == "__main__":
    sys.exit(main())
