"""The zoo: one file a system, made of the parts of `tfvae`.

import zoo
model = zoo.build("delta_vae", dataset="mnist")     # untrained, compiled, ready for fit
run = zoo.train("delta_vae")                        # trains it, and leaves a run directory
model = zoo.load("runs/delta_vae_digits")           # what a run left
"""

from __future__ import annotations

from zoo.finished import Run, train

__all__ = ["Run", "build", "columns", "load", "names", "pull", "push", "train", "words"]


def names() -> list[str]:
    """The models there are."""
    from zoo import models

    return models.names()


def build(
    model: str,
    dataset: str | None = None,
    space=None,
    data_dir: str | None = None,
    data: str | None = None,
    **given,
):
    """An untrained model with its objective and optimizer, ready for `fit`.

    `fit` is the main stage: pretraining and a prior fitted afterwards are those of `train_main.py`.

    Args:
        model: a name of the zoo.
        dataset: gives the shape and kind of the data, as far as possible without reading a file; the
            model's default if nothing is given.
        space: instead of the dataset's: `zoo.modalities.images.Space(shape, bits)`,
            `zoo.modalities.speech.Space(samples)`, `zoo.modalities.tables.Space(groups)`,
            `zoo.modalities.text.Space(vocabulary_size, max_length)` or
            `zoo.modalities.documents.Space(vocabulary_size, length)`.
        data_dir: where the dataset's files lie, for one whose words are in its files.
        data: one's own, where `dataset` is a door (`images`, `arrays` ...): a folder or a file.
        **given: settings of the model and fields of a plan (`backbone`, `size`, `learning_rate` ...).

    Raises:
        UserError: an unknown name, a wrong value, parts that do not fit.
    """
    from zoo.command import run

    return run.build(model, dataset, space, data_dir, data, given)


def load(workdir: str):
    """The trained model of a run directory (with the auxiliary prior, where one was fitted)."""
    from zoo.command import run

    return run.load(workdir)


def columns(workdir: str):
    """The columns of a run on a table: `encode(rows)` of {name: cell}, and `decode(x)`.

    Raises:
        UserError: they are missing, or do not fit the run.
    """
    from zoo.modalities import tables

    return tables.columns(workdir)


def words(workdir: str):
    """The vocabulary of a run on text or documents: `encode(sentences)` and `decode(tokens)`.

    Raises:
        UserError: it is missing, or does not fit the run.
    """
    from zoo.modalities import text

    return text.words(workdir)


def push(workdir: str, repo: str, private: bool = False, examples: bool = False) -> str:
    """Sends a finished run to the Hugging Face Hub, with a model card; its address. See `zoo.hub.push`."""
    from zoo import hub

    return hub.push(workdir, repo, private, examples)


def pull(repo: str, workdir: str, revision: str | None = None) -> Run:
    """Brings a run from the Hugging Face Hub into a new directory. See `zoo.hub.pull`."""
    from zoo import hub

    return hub.pull(repo, workdir, revision)
