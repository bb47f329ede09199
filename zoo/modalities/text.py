"""Text: sentences of tokens."""

from __future__ import annotations

import dataclasses
import os
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import diagnosis
from tfvae.checks import UserError, place
from tfvae.training.reading import content, json_object, reading
from zoo.backbones.text import DILATIONS, own_position
from zoo.backbones.text import NAMES as BACKBONES
from zoo.datasets import text as sets
from zoo.datasets import text_pipeline as pipeline
from zoo.datasets.text.vocabulary import Vocabulary
from zoo.settings import ON, field

__all__ = [
    "BACKBONES",
    "DEFAULT_BACKBONE",
    "NAME",
    "SETTINGS",
    "SETTINGS_WITHOUT_LATENT",
    "UNIT",
    "DataSettings",
    "DecoderSettings",
    "EncoderSettings",
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
    "words",
]

NAME = "text"
DATASET = "pydoc"
UNIT = "sentences"
DEFAULT_BACKBONE = "lstm"
_DILATED = {"backbone": ("dilated_cnn",)}


@dataclasses.dataclass(frozen=True)
class EncoderSettings:
    """What makes features of a sentence."""

    encoder: str = field(
        "last",
        "last, max, mean, abs_max: what becomes of an LSTM's states; anti_causal: an LSTM from right "
        "to left, a state for each position; flat, pooled: of a toy vocabulary",
        choices=("last", "max", "mean", "abs_max", "anti_causal", "flat", "pooled"),
    )
    latent_positions: int | None = field(
        None,
        "a sequence of so many latents instead of one vector; none, with prior=ar1: 8",
        low=1,
        high=4096,
    )
    latent_at_token: str | None = field(
        None,
        "what of a sequence of latents a token is told: all of it, or its own position's (own); none: "
        "own with prior=ar1, as published",
        choices=("all", "own"),
        of={"latent_positions": ON, "prior": ("ar1",), "encoder": ("anti_causal",)},
    )
    posterior_bias: bool = field(
        False,
        "of the posterior's mean and scale",
        of=({"num_codes": (0,)}, {"posterior_scale": (None,)}, {"shared_scale": (False,)}),
    )


@dataclasses.dataclass(frozen=True)
class DecoderSettings:
    """Networks of text: sizes, weights at the start, dropout."""

    embedding_width: int | None = field(
        None, "of words, instead of the size's own", low=1, high=65536
    )
    units: int | None = field(
        None, "of encoder and decoder, instead of the size's own", low=1, high=65536
    )
    decoder_layers: int | None = field(
        None,
        "of a transformer, instead of the size's own",
        low=1,
        high=200,
        of={"backbone": ("transformer",)},
    )
    cnn: str = field(
        "lcnn",
        "the dilations of a dilated_cnn, as published",
        choices=tuple(DILATIONS),
        of=(_DILATED, {"dilations": ((),)}),
    )
    dilations: tuple[int, ...] = field(
        (), "instead of those", low=1, high=65536, length=(0, 100), of=_DILATED
    )
    kernel_size: int = field(3, "of a dilated_cnn", low=1, high=64, of=_DILATED)
    initial_state: str = field(
        "tanh",
        "of an LSTM decoder: tanh: c = W z, h = tanh c; linear: h = W z + b; zero",
        choices=("tanh", "linear", "zero"),
        of=({"backbone": ("lstm",)}, {"token_is_told": ("all",)}),
    )
    output_bias: bool = field(False, "of the logits")
    initial_scale: float | None = field(
        None, "s: all weights begin uniform in +-s; none: as usual in Keras", low=1e-6, high=1e3
    )
    embedding_scale: float | None = field(
        None, "the same for the words; none: initial_scale", low=1e-6, high=1e3
    )
    word_keep: float = field(
        1.0, "part of the decoder's input words that training keeps; 0: none", low=0.0, high=1.0
    )
    input_dropout: float = field(0.5, "on the decoder's input words", low=0.0, high=0.99)
    output_dropout: float = field(0.5, "before the softmax", low=0.0, high=0.99)


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """Which words there are, and how long a sentence is."""

    vocabulary_size: int | None = field(
        None, "the most frequent words that are kept; none: as the paper", low=5
    )
    min_count: int | None = field(None, "rarer words become <unk>; none: the set's own", low=1)
    max_length: int | None = field(
        None, "tokens; longer sentences are cut; none: the set's own", low=2
    )


SETTINGS = (EncoderSettings, DecoderSettings, DataSettings)
SETTINGS_WITHOUT_LATENT = (DecoderSettings, DataSettings)


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


def load(dataset: str, data_dir: str | None, settings):
    """Reads it."""
    return sets.load(
        dataset,
        data_dir,
        vocabulary_size=settings.vocabulary_size,
        min_count=settings.min_count,
        max_length=settings.max_length,
    )


def space(dataset: str, data_dir: str | None, settings) -> Space:
    """Without reading a file where the paper says it all."""
    vocabulary_size, length = sets.form(dataset)
    if vocabulary_size is None or _words_given(settings):
        return space_of(load(dataset, data_dir, settings))
    length = min(length, settings.max_length or length)
    return Space(vocabulary_size, length, dataset in sets.FIXED)


def _words_given(settings) -> bool:
    return settings.vocabulary_size is not None or settings.min_count is not None


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
    return {"x": data.apply(tf.data.experimental.assert_cardinality(len(parts)))}


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


def facts(
    settings, dataset: str, made_for: Space | None = None, data_dir: str | None = None
) -> dict[str, str]:
    """What is meant where the settings say none; see `zoo.settings.field`."""
    del dataset, made_for, data_dir
    return {"token_is_told": "own" if own_position(settings) else "all"}


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
