"""Codes of data and data of codes, in batches.

Legend: N examples; z is [N, *event_shape] of the latent.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfvae import inputs
from tfvae.checks import UserError, count

__all__ = ["codes", "decoded", "needs_code", "told"]


def needs_code(model, what: str) -> None:
    """Refuses a model without a latent.

    Raises:
        UserError: it has none.
    """
    if not model.has_latent:
        raise UserError(f"{what} needs a code, and this model has no latent")


def told(label, rows) -> dict[str, tf.Tensor]:
    """The argument `label` of the rows, where the model asks for one."""
    return {} if label is None else {"label": tf.constant(label[rows])}


def codes(model, x, label=None, batch_size: int = 200) -> np.ndarray:
    """The deterministic code of each example (the posterior mean), [N, *event_shape].

    Args:
        model: a `tfvae.VAE` with a latent.
        x: [N, ...] raw units.
        label: [N] of a conditional model.
        batch_size: examples at a time.

    Raises:
        UserError: a model without a latent, data that are not the model's, missing labels.
    """
    x = inputs.array(model, x)
    needs_code(model, "codes")
    count("batch_size", batch_size)
    if not len(x):
        raise UserError("x holds no example")
    label = inputs.labels(model, label, len(x))
    encode = tf.function(model.encode, reduce_retracing=True, autograph=False)
    parts = []
    for begin in range(0, len(x), batch_size):
        rows = slice(begin, begin + batch_size)
        parts.append(np.asarray(encode(tf.constant(x[rows]), **told(label, rows))))
    return np.concatenate(parts)


def decoded(model, z: np.ndarray, label=None, batch_size: int = 200) -> np.ndarray:
    """`model.decode` of many codes, [M, *event_shape] -> [M, ...] raw units.

    Args:
        model: a `tfvae.VAE`.
        z: codes.
        label: [M] of a conditional model.
        batch_size: codes at a time.
    """
    parts = []
    for begin in range(0, len(z), batch_size):
        rows = slice(begin, begin + batch_size)
        parts.append(np.asarray(model.decode(z[rows], **told(label, rows))))
    return np.concatenate(parts)
