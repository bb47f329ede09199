"""tfvae explore RUN_DIRECTORY: what a trained model is good for, as pictures in RUN_DIRECTORY/explore.html.

A map of the codes, traversals of one number of z, interpolations, nearest neighbours, samples of densities
that are fitted to the codes, and the strangest examples; all of validation data that the run left, or of
--data.
"""

from __future__ import annotations

import os

from zoo.command import console

__all__ = ["main"]

_MAPS = ("pca", "tsne", "umap")
_MOST = 100_000


def _arguments() -> console.Arguments:
    parser = console.Arguments("tfvae explore", description=__doc__)
    add = parser.add_argument
    add("run", help="a run directory")
    add("--data", help="an .npz of x (and label), or an .npy of x, instead of what the run left")
    add("--examples", type=int, default=1000, help="how many are looked at, at most")
    add("--map", choices=_MAPS, default="pca", help="of the codes; umap is the extra 'tfvae[umap]'")
    add("--seed", type=int, default=0, help="of every draw")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


def main(words=None) -> int:
    """0, or 2 where there is no such run or no code to explore."""
    asked = _arguments().parse_args(words)
    return console.command("explore", lambda: _work(asked), asked.debug)


def _work(asked) -> None:
    from tfvae import diagnosis
    from tfvae.checks import within
    from tfvae.diagnosis.page import render
    from tfvae.exploring.codes import needs_code
    from tfvae.training import RunDirectory, RunLock
    from zoo.command import run
    from zoo.command.explore_sections import sections

    within("--seed", asked.seed, 0, 2**31 - 1)
    within("--examples", asked.examples, 20, _MOST)
    report = run.finished(asked.run)
    model = run.load(asked.run)
    needs_code(model, "exploring")
    examples = _examples(asked, model)
    with RunLock(asked.run) as lock:
        directory = RunDirectory(asked.run, RunDirectory.config_of(asked.run), lock)
        found = []
        for section in sections(model, examples, asked.map, asked.seed):
            if section.title:
                console.say(section.title)
            found.append(section)
            if section.picture is not None:
                directory.write_bytes(f"explore/{section.name}.png", section.picture)
        page = render(
            "explore",
            "zoo",
            title=f"{report['model']}: what the codes hold",
            subtitle=f"{len(examples.x):,} examples of {report['dataset']}, seed {asked.seed}",
            verdict=diagnosis.sentence(report),  # an empty code has nothing to be explored
            sections=found,
        )
        directory.write_bytes("explore.html", page.encode())
    console.say(os.path.join(asked.run, "explore.html"))


def _examples(asked, model):
    """Held-out ones.

    Raises:
        UserError: the run left none, or they are not the model's.
    """
    import zoo
    from tfvae import inputs
    from tfvae.checks import UserError
    from tfvae.training import reading
    from zoo.command.explore_sections import Examples

    path = asked.data or os.path.join(asked.run, "examples.npz")
    if not os.path.exists(path):
        raise UserError(f"no examples: {path} is not there; give --data=x.npz")
    x, label = reading.data(path)
    known = label
    if asked.data is None:
        known = reading.arrays(path, optional=("known",))[0]
    x, rows = x[: asked.examples], slice(asked.examples)
    x = inputs.array(model, x)
    label = inputs.labels(
        model, None if label is None or not model.asks_label else label[rows], len(x)
    )
    known = None if known is None or len(known) < len(x) else known[rows]
    levels, words = None, None
    if len(model.data_shape) == 3:
        bits = model.likelihood.bits
        levels = 1.0 if bits is None else float(2**bits - 1)
    elif os.path.exists(os.path.join(asked.run, "vocabulary.txt")) and len(model.data_shape) == 1:
        words = zoo.words(asked.run).decode
    return Examples(x, label, known, levels, words)
