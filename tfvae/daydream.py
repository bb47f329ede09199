"""Daydream sampling: from one example to a similar one, again and again."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfvae import inputs
from tfvae.checks import UserError, count
from tfvae.randomness import fold, seed_of

__all__ = ["daydream"]


def daydream(model, x, num_steps: int = 8, seed: int = 0) -> np.ndarray:
    """c_t = code of x_t,  z ~ p(z|c_t),  x_{t+1} ~ p(x|z):  [num_steps + 1, B, ...], x first.

    Graves, Menick and van den Oord 2018.

    Args:
        model: a `tfvae.VAE` with a `NeighbourPrior`, or one whose fitted prior began there.
        x: [B, ...] raw units, where the dream begins.
        num_steps: its length.
        seed: equal seeds give equal dreams.

    Raises:
        UserError: the model has no such prior.
    """
    count("num_steps", num_steps)
    prior = model.latent.neighbours()
    if prior is None:
        raise UserError("only a model with a NeighbourPrior can daydream (in the zoo: acn)")

    @tf.function(autograph=False)
    def step(x, seed):
        near = prior.near(tf.reshape(model.encode(x), [-1, prior.memory.size]))
        return model.sample(seed=fold(seed, 1), z=near.sample(seed=fold(seed, 0)))

    x = tf.cast(inputs.tensor(model, x), model.likelihood.dtype)
    dream = [np.asarray(x)]
    for t in range(num_steps):
        x = step(x, fold(seed_of(seed), t))
        dream.append(np.asarray(x))
    return np.stack(dream)
