"""Trains a model of the zoo:  python train_main.py --model=delta_vae [--flagfile=...] [--set=name=value]

Without further flags it trains on data that ships with its dependencies, and leaves a run directory
with report.html, report.json, model.keras and saved_model/. A flag on the command line wins over a
flagfile, wherever it stands.
"""

from __future__ import annotations

import difflib
import pathlib
import sys

from absl import app, flags

FLAGS = flags.FLAGS

flags.DEFINE_string("model", None, "the system: a file of zoo/ (vae, delta_vae, sentence_vae, ...)")
flags.DEFINE_string("dataset", None, "the data; each model has a default that needs no download")
flags.DEFINE_string(
    "backbone",
    None,
    "the networks: linear, mlp, deconvolutional, gated_pixelcnn, pixel_snail for images; lstm, "
    "dilated_cnn, transformer for text; wavenet for speech",
)
flags.DEFINE_string("size", None, "of the networks: tiny, small, paper")
flags.DEFINE_multi_string(
    "set", [], "name=value: any setting of the model (see --describe); repeatable"
)
flags.DEFINE_string("workdir", None, "the run directory; default: a new one under runs/")
flags.DEFINE_string("data_dir", None, "where the data's files lie, or shall be put")
flags.DEFINE_integer("seed", None, "of the weights, the data's order and all noise (default 0)")
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
    "describe", False, "print what would run, check it on a tiny batch, train nothing"
)
flags.DEFINE_boolean("resume", False, "continue the run in --workdir exactly where it stopped")

_PLAN_FLAGS = (
    "dataset",
    "backbone",
    "size",
    "workdir",
    "data_dir",
    "seed",
    "train_steps",
    "batch_size",
    "learning_rate",
    "eval_every",
    "checkpoint_every",
    "nll_samples",
    "nll_examples",
    "information_batch",
    "strategy",
    "cpu_replicas",
    "precision",
    "jit_compile",
    "deterministic",
)


def flagfiles_first(argv: list[str]) -> list[str]:
    """The same words with every flagfile in front: what comes later wins, so the command line does.

    A name without a path, like `delta_vae_mnist`, is looked up in zoo/flagfiles.
    """
    files, rest, words = [], [], iter(argv[1:])
    for word in words:
        name, equals, value = word.partition("=")
        if name in ("--flagfile", "-flagfile"):
            files.append(f"--flagfile={_found(value if equals else next(words, ''))}")
        else:
            rest.append(word)
    return [argv[0], *files, *rest]


def _found(name: str) -> str:
    path = pathlib.Path(name)
    shipped = (
        pathlib.Path(__file__).parent
        / "zoo"
        / "flagfiles"
        / f"{path.name.removesuffix('.flags')}.flags"
    )
    for candidate in (path, shipped):
        if candidate.is_file():
            return str(candidate)
    known = sorted(p.stem for p in shipped.parent.glob("*.flags"))
    near = difflib.get_close_matches(path.name.removesuffix(".flags"), known, 3)
    listed = f"did you mean {', '.join(near)}?" if near else f"shipped: {', '.join(known)}"
    raise flags.Error(f"no flagfile {name!r}; {listed}")


def main(argv: list[str] | None = None) -> int:
    """Parses the flags and runs; the exit status is 0, or 2 for what the user can mend."""
    app.define_help_flags()
    try:
        left = FLAGS(flagfiles_first(list(sys.argv if argv is None else argv)))
        if len(left) > 1:
            raise flags.Error(f"unexpected {left[1]!r}: every argument is a --flag=value")
        if FLAGS.model is None:
            raise flags.Error("--model is missing: e.g. --model=delta_vae")
        if FLAGS.resume and FLAGS.workdir is None:
            raise flags.Error("--resume needs the --workdir of the run to continue")
    except flags.Error as error:
        print(f"train_main: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    from zoo import console

    console.import_tensorflow()
    from tfvae.checks import UserError

    try:
        from zoo import plan, run

        resolved = plan.resolve(
            FLAGS.model, FLAGS.set, **{name: getattr(FLAGS, name) for name in _PLAN_FLAGS}
        )
        if FLAGS.describe:
            run.describe(resolved)
        else:
            run.run(resolved, resume=FLAGS.resume)
    except UserError as error:
        print(f"train_main: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train_main: stopped; --resume with the same --workdir continues", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
