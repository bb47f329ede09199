"""Text: sentences of tokens."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import diagnosis
from tfvae.batches import untuned
from tfvae.checks import UserError, place
from tfvae.parts import Part, part, setting
from tfvae.training.reading import content, json_object, reading
from zoo.datasets import text as sets
from zoo.datasets import text_pipeline as pipeline
from zoo.datasets.text.vocabulary import Vocabulary

__all__ = [
    "DEFAULT_BACKBONE",
    "NAME",
    "READ_FIRST",
    "UNIT",
    "Sentences",
    "Space",
    "arrays",
    "batches",
    "facts",
    "identity",
    "leave",
    "load",
    "pictures",
    "space",
    "space_of",
    "stream",
    "usual",
    "usual_data",
    "words",
]

NAME = "text"
DATASET = "pydoc"
UNIT = "sentences"
DEFAULT_BACKBONE = "lstm"
READ_FIRST = False


@part
class Sentences(Part):
    """Which words there are, and how long a sentence is."""

    place, name, kinds = "data", "sentences", ("text",)
    vocabulary_size: int | None = setting(
        None, "the most frequent words that are kept; none: as the paper", low=5
    )
    min_count: int | None = setting(None, "rarer words become <unk>; none: the set's own", low=1)
    max_length: int | None = setting(
        None, "tokens; longer sentences are cut; none: the set's own", low=2
    )
    text_column: str | None = setting(
        None, "of one's own .csv; none: `text`, or the only column; `label` is the label"
    )


class Space(NamedTuple):
    """max_length: tokens of the longest sentence, with `</s>`; fixed: all are as long."""

    vocabulary_size: int
    max_length: int
    fixed: bool = False

    @property
    def numbers(self) -> int:
        """Of one sentence, at most."""
        return self.max_length

    def example(self) -> tf.Tensor:
        """Two sentences."""
        length = self.max_length if self.fixed else min(self.max_length, 5)
        return tf.fill([2, length], self.vocabulary_size - 1)

    def __str__(self) -> str:
        length = "exactly" if self.fixed else "up to"
        return f"sentences of {length} {self.max_length} tokens, {self.vocabulary_size:,} words"


def load(dataset: str, data_dir: str | None, point):
    """Reads it."""
    asked = point["data"]
    return sets.load(
        dataset,
        data_dir,
        vocabulary_size=asked.vocabulary_size,
        min_count=asked.min_count,
        max_length=asked.max_length,
        text_column=asked.text_column,
    )


def space(dataset: str, data_dir: str | None, point) -> Space:
    """Without reading a file where the paper says it all."""
    vocabulary_size, length = sets.form(dataset)
    asked = point["data"]
    another = (asked.vocabulary_size, asked.min_count) != (None, None)
    if vocabulary_size is None or length is None or another:
        return space_of(load(dataset, data_dir, point))
    length = min(length, asked.max_length or length)
    return Space(vocabulary_size, length, dataset in sets.FIXED)


def space_of(data) -> Space:
    """Of a set that was read."""
    return Space(len(data.vocabulary), data.max_length, data.name in sets.FIXED)


def arrays(data, split) -> np.ndarray:
    """Tokens [N, T]."""
    del data
    return split.x


def batches(x: np.ndarray, batch_size: int, label=None) -> dict:
    """Arguments of `evaluate`: sentences of about one length together."""
    found, spec = pipeline.evaluation_batches(x, batch_size), tf.TensorSpec([None, None], tf.int32)
    parts = [tokens for _, tokens in found]
    if label is not None:
        label, spec = np.asarray(label, np.int32), (spec, tf.TensorSpec([None], tf.int32))
        parts = [(tokens, label[rows]) for rows, tokens in found]
    data = tf.data.Dataset.from_generator(lambda: iter(parts), output_signature=spec)
    # Keras warns of an end that it did not know of
    return {"x": untuned(data).apply(tf.data.experimental.assert_cardinality(len(parts)))}


def stream(
    data,
    batch_size: int,
    seed: int,
    start_step: int,
    shard: tuple[int, int],
    beside: str | None = None,
):
    """See `zoo.datasets.text_pipeline`."""
    return pipeline.training_stream(data.train, batch_size, seed, start_step, shard, beside)


def usual_data(dataset: str) -> dict[str, Any]:
    """The part that says how they are read, where nobody says another."""
    del dataset
    return {"data": "sentences"}


def usual(dataset: str, space: Space | None = None) -> dict[str, Any]:
    """The parts of a model of text, and their settings, where nobody says others."""
    del space
    return {
        **usual_data(dataset),
        "likelihood": "tokens",
        "encoder": "last",
        "posterior_bias": False,
        # as released for text
        "stopping": "previous",
        "plateau_reference": "fall",
    }


def facts(dataset: str, space: Space | None = None) -> str:
    """What sentences offer."""
    fixed = dataset in sets.FIXED if space is None else space.fixed
    return "vocabulary fixed_length" if fixed else "vocabulary"


def pictures(model, x: np.ndarray, data, seed: int, progress) -> diagnosis.Shown:
    """Sentences that show what the model does."""
    label = data.test.condition if model.asks_label else None
    words = data.vocabulary.decode
    return diagnosis.Shown(texts=diagnosis.sentences(model, x, words, seed, progress, label=label))


_WORDS = "vocabulary.txt"


def identity(data) -> dict[str, str]:
    """For config.json: a run goes on with the same words alone."""
    return {"vocabulary": data.vocabulary.digest()}


def leave(data, directory) -> None:
    """The words, without which the model's numbers mean nothing.

    Raises:
        UserError: the words that lie there are not this run's.
    """
    if os.path.exists(directory.join(_WORDS)):
        words(directory.path)
    directory.write_bytes(_WORDS, data.vocabulary.to_text().encode())


def words(workdir: str) -> Vocabulary:
    """The vocabulary of a run.

    Raises:
        UserError: it is missing, damaged, or not the one that the run was made with.
    """
    path = os.path.join(place("workdir", workdir), _WORDS)
    wanted = json_object(os.path.join(workdir, "config.json")).get("vocabulary")
    try:
        with reading(path):
            text = content(path).decode("utf-8")
        found = Vocabulary.from_text(text)
    except UserError as error:
        raise UserError(f"no vocabulary of a text model in {workdir!r}: {error}") from error
    if found.digest() != wanted:
        raise UserError(
            f"{path} does not fit the checkpoints beside it: its {len(found):,} words are not those "
            "that the run was made with"
        )
    return found
