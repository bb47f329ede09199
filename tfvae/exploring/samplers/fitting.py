"""How a network learns a density of codes: Adam, and the weights that are best on codes held out."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfvae.batches import untuned
from tfvae.checks import UserError, count

__all__ = ["fit"]

_BATCH = 128
_HELD_OUT = 0.1
_FEWEST = 20  # codes
_EVERY = 5  # passes over the codes between looks at what is held out
_STEPS = (10, 100)  # of such passes, at least and at most
_PATIENCE = 8  # looks


def fit(network: keras.Model, codes: np.ndarray, steps: int, seed: int) -> None:
    """Fits a compiled model, whose loss is nats of a batch, to codes [N, D].

    Every tenth code is held out, and looked at after every five passes over the others (10 to 100 steps); the
    weights are those of the best look, and it ends when eight looks found none better.

    Raises:
        UserError: fewer than 20 codes.
    """
    if len(codes) < _FEWEST:
        raise UserError(f"a network of codes needs {_FEWEST} examples at least, got {len(codes)}")
    order = np.random.default_rng(seed).permutation(len(codes))
    held, known = np.split(codes[order], [int(_HELD_OUT * len(codes))])
    steps, passes = count("steps", steps), -(-_EVERY * len(known) // _BATCH)
    every = min(steps, max(_STEPS[0], min(_STEPS[1], passes)))
    batches = tf.data.Dataset.from_tensor_slices(known).shuffle(len(known), seed).repeat()
    stop = keras.callbacks.EarlyStopping(
        "val_loss", 0, _PATIENCE, restore_best_weights=True, mode="min"
    )
    network.fit(
        untuned(batches.batch(min(_BATCH, len(known)))),
        epochs=-(-steps // every),
        steps_per_epoch=every,
        validation_data=untuned(tf.data.Dataset.from_tensor_slices(held).batch(_BATCH)),
        callbacks=[stop],
        shuffle=False,  # the stream does
        verbose=0,
    )
