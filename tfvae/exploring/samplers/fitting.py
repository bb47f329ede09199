"""How a network learns a density of codes: Adam, and the weights that are best on codes held out."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfvae.checks import UserError, count

__all__ = ["fit"]

_BATCH = 128
_HELD_OUT = 0.1
_FEWEST = 20  # codes
_EVERY = 100  # steps between looks at what is held out
_PATIENCE = 5  # looks


def fit(network: keras.Model, codes: np.ndarray, steps: int, seed: int) -> None:
    """Fits a compiled model, whose loss is nats of a batch, to codes [N, D].

    Every tenth code is held out; the weights are those of the look at it that was best, and it ends when five
    looks, each of a hundred steps, found none better.

    Raises:
        UserError: fewer than 20 codes.
    """
    if len(codes) < _FEWEST:
        raise UserError(f"a network of codes needs {_FEWEST} examples at least, got {len(codes)}")
    order = np.random.default_rng(seed).permutation(len(codes))
    held, known = np.split(codes[order], [int(_HELD_OUT * len(codes))])
    steps = count("steps", steps)
    batches = tf.data.Dataset.from_tensor_slices(known).shuffle(len(known), seed).repeat()
    stop = keras.callbacks.EarlyStopping(
        "val_loss", 0, _PATIENCE, restore_best_weights=True, mode="min"
    )
    network.fit(
        batches.batch(min(_BATCH, len(known))),
        epochs=-(-steps // _EVERY),
        steps_per_epoch=min(steps, _EVERY),
        validation_data=tf.data.Dataset.from_tensor_slices(held).batch(_BATCH),
        callbacks=[stop],
        shuffle=False,  # the stream does
        verbose=0,
    )
