"""The kinds of data, each with its settings, networks, batches and pictures.

A kind is a module with

    NAME, DATASET (its default), UNIT, DEFAULT_BACKBONE
    READ_FIRST          whether one's own data must be read before the parts of a model are known
    usual(dataset, space) -> {place or setting: value}  of a model where nobody says others
    usual_data(dataset) -> the same of how data are read
    facts(dataset, space) -> words                      what the data offer (`tfvae.parts.FACTS`)
    load(dataset, data_dir, point) -> data              reads files
    space(dataset, data_dir, point) -> Space            what a model must know; reads as little as it can
    space_of(data) -> Space
    arrays(data, split) -> x                            raw units, for measuring
    batches(x, batch_size) -> what `evaluate` takes
    stream(data, batch_size, seed, start_step, shard) -> the training batches
    pictures(model, x, data, seed, progress) -> `diagnosis.Shown`
    identity(data) -> what config.json must hold of the data, besides its files' checksums
    leave(data, directory)                              what a run directory needs of the data
"""

from __future__ import annotations

import importlib

from tfvae.checks import UserError, one_of
from zoo import datasets

__all__ = ["NAMES", "dataset_of", "named", "of", "of_space"]

NAMES = ("documents", "images", "speech", "tables", "text")


def named(name: str):
    """The kind of that name."""
    return importlib.import_module(f"zoo.modalities.{one_of('kind of data', name, NAMES)}")


def of(dataset: str):
    """The kind of a data set.

    Raises:
        UserError: there is no data set of that name.
    """
    return named(datasets.modality(dataset))


def of_space(space):
    """The kind of data of a `Space`.

    Raises:
        UserError: it is none.
    """
    for name in NAMES:
        if isinstance(space, named(name).Space):
            return named(name)
    raise UserError(
        f"space must be a Space of {', '.join(f'zoo.modalities.{n}' for n in NAMES)}, got "
        f"{type(space).__name__}"
    )


def dataset_of(space, usual: str) -> str:
    """A data set of the space's kind: the usual one where it is, else the kind's default."""
    kind = of_space(space)
    return usual if of(usual) is kind else kind.DATASET
