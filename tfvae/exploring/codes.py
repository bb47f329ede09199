"""Codes of data and data of codes, in batches.

Legend: N examples; z is [N, *event_shape] of the latent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfvae import inputs
from tfvae.checks import UserError, count
from tfvae.exploring.graphs import graph
from tfvae.randomness import fold, seed_of

__all__ = ["Draws", "codes", "decoded", "draws", "needs_code", "told"]


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
    encode = graph(model, _code)
    parts = [encode(x, **told) for _, x, told in _batches(model, x, label, batch_size)]
    return np.concatenate([part.numpy() for part in parts])


class Draws(NamedTuple):
    """z: [N, *event_shape]; log_posterior: log q(z|x) at it, [N] nats."""

    z: np.ndarray
    log_posterior: np.ndarray


def draws(model, x, seed: int = 0, label=None, batch_size: int = 200) -> Draws:
    """One draw z ~ q(z|x) of each example: together they are draws of the aggregate q(z).

    Args:
        model, x, label, batch_size: as of `codes`.
        seed: equal seeds give equal draws.

    Raises:
        UserError: as of `codes`.
    """
    draw, base = graph(model, _draw), seed_of(seed)
    found = [
        draw(x, fold(base, begin), **told)
        for begin, x, told in _batches(model, x, label, batch_size)
    ]
    return Draws(*(np.concatenate([np.asarray(part) for part in parts]) for parts in zip(*found)))


def _code(model, x, label=None):
    return model.encode(x, label)


def _draw(model, x, seed, label=None):
    pass_ = model.passed(seed, label=label)
    inferred = model.latent.infer(model.features(x, label, pass_), pass_)
    return inferred.z, inferred.at_draw.log_posterior()


def _batches(
    model, x, label, batch_size: int
) -> Iterator[tuple[int, tf.Tensor, dict[str, tf.Tensor]]]:
    """(first row, x, what `label` is) of each batch; looked at."""
    x = inputs.array(model, x)
    needs_code(model, "codes")
    count("batch_size", batch_size)
    if not len(x):
        raise UserError("x holds no example")
    label = inputs.labels(model, label, len(x))
    for begin in range(0, len(x), batch_size):
        rows = slice(begin, begin + batch_size)
        yield begin, tf.constant(x[rows]), told(label, rows)


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
