"""What `fit` makes of data before Keras sees them: parts, epochs and streams, and the batches' weights.

Legend: N examples, B batch; x [N, ...] raw units.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError
from tfvae.inputs import some_rows

__all__ = [
    "endless",
    "epoch",
    "examples",
    "iterator_of",
    "sample_weights",
    "split",
    "untuned",
]


def sample_weights(batch) -> tf.Tensor | None:
    """How much each example of a batch (x, y, weight) counts, [B] float32; `None` without.

    Raises:
        UserError: not one number for each example.
    """
    if not isinstance(batch, (tuple, list)) or len(batch) < 3 or batch[2] is None:
        return None
    weights = tf.cast(batch[2], tf.float32)
    if weights.shape.rank == 2 and weights.shape[1] == 1:
        weights = weights[:, 0]
    if weights.shape.rank != 1:
        raise UserError(
            f"sample_weight must be one number for each example, [N], got shape {tuple(weights.shape)}"
        )
    return weights


def iterator_of(iterator, procedure=None):
    """TensorFlow's iterators as they are; of `train_on_batch`'s one batch such an iterator.

    A function that is traced with a Python generator would be traced anew for each batch, with the batch
    as a constant in it.
    """
    if not isinstance(iterator, Iterator) or isinstance(iterator, tf.data.Iterator):
        return iterator
    if hasattr(iterator, "_iterators") or isinstance(iterator, tf.distribute.DistributedIterator):
        return iterator
    if procedure is not None and procedure.several_batches:
        raise UserError(
            "this model's procedure takes several batches a step: use fit, not train_on_batch"
        )
    batch = next(iterator)
    parts = [np.asarray(part) for part in batch if part is not None]
    return iter(untuned(tf.data.Dataset.from_tensors(tuple(parts) if len(parts) > 1 else parts[0])))


def untuned(stream: tf.data.Dataset, sharding: str | None = None) -> tf.data.Dataset:
    """The same batches without TensorFlow's tuning: buffers of ours have the sizes that they were given.

    What tunes sleeps for up to a minute, and who drops the iterator waits for it, now and then until it
    wakes by itself (13 to 68 s were seen with TensorFlow 2.21 on two busy cores).

    Args:
        sharding: a `tf.data.experimental.AutoShardPolicy` by name; `None`: the stream's own.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    if sharding is not None:
        policy = tf.data.experimental.AutoShardPolicy[sharding]
        options.experimental_distribute.auto_shard_policy = policy
    return stream.with_options(options)


def split(x, y, sample_weight, share: float):
    """The first part of arrays to train on, the last to validate."""
    if isinstance(x, (tf.data.Dataset, keras.utils.PyDataset)) or not hasattr(x, "__len__"):
        raise UserError(
            "validation_split splits arrays, and x is a stream: give validation_data=..."
        )
    number = len(x)
    if not 0.0 < share < 1.0 or not 0 < (kept := math.floor(number * (1.0 - share))) < number:
        raise UserError(
            f"validation_split must leave examples on both sides, got {share} of {number} examples"
        )
    parts = (x, y, sample_weight)
    begin, end = (
        tuple(None if part is None else part[rows] for part in parts)
        for rows in (slice(None, kept), slice(kept, None))
    )
    return begin, end


def examples(validation_data, number: int = 1000):
    """(x, label) as arrays, of some rows of arrays or of the first batches of a stream."""
    if isinstance(validation_data, tf.data.Dataset):
        batches, held = [], 0
        for batch in validation_data:
            batches.append(batch if isinstance(batch, (tuple, list)) else (batch,))
            held += len(batches[-1][0])
            if held >= number:
                break
        parts = [np.concatenate([np.asarray(p) for p in part])[:number] for part in zip(*batches)]
        return parts[0], parts[1] if len(parts) > 1 else None
    if not isinstance(validation_data, (tuple, list)):
        validation_data = (validation_data,)
    x = validation_data[0]
    if isinstance(x, (keras.utils.PyDataset,)) or not hasattr(x, "__len__"):
        raise UserError(
            "this model's procedure looks at validation examples: give validation_data as arrays or as a "
            "tf.data.Dataset"
        )
    label = validation_data[1] if len(validation_data) > 1 else None
    some = some_rows(len(x), number)
    return np.asarray(x)[some], None if label is None else np.asarray(label)[some]


def epoch(x, y, batch_size: int):
    """The batches of an epoch once more, in the data's own order."""
    if isinstance(x, keras.utils.PyDataset):
        return (x[index] for index in range(len(x)))
    if hasattr(x, "shape") and hasattr(x, "__len__"):
        parts = x if y is None else (x, y)
        x = untuned(tf.data.Dataset.from_tensor_slices(parts).batch(batch_size))
    return x


def endless(x, y, sample_weight, batch_size, shuffle, steps_per_epoch, procedure):
    """A stream that does not end within a step, and how many steps make an epoch.

    A step takes one batch of its own and further ones for its inner steps or its critics; an epoch has
    as many steps as the data has batches, whatever the further ones were.
    """
    if isinstance(x, tf.data.Dataset):
        number = int(x.cardinality())
        if number >= 0:
            return x.repeat(), None, None, steps_per_epoch or number
        stream = x
    elif hasattr(x, "shape") and hasattr(x, "__len__"):
        parts = [np.asarray(part) for part in (x, y, sample_weight) if part is not None]
        number = math.ceil(len(x) / batch_size)
        stream = tf.data.Dataset.from_tensor_slices(tuple(parts) if len(parts) > 1 else parts[0])
        if shuffle:
            seed = int(procedure.seed[0].numpy())
            stream = stream.shuffle(len(x), seed=seed, reshuffle_each_iteration=True)
        return untuned(stream.batch(batch_size).repeat()), None, None, steps_per_epoch or number
    else:
        stream = x
    if steps_per_epoch is None:
        raise UserError(
            "this model's procedure takes several batches a step: give fit arrays, a tf.data.Dataset of a "
            "known length, or a stream without end and steps_per_epoch"
        )
    return stream, y, sample_weight, steps_per_epoch
