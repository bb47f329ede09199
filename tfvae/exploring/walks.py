"""Ways through the space of codes: along one number, and from one example to another.

Legend: N examples, D numbers of z, U of them walked along, K steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfvae import inputs
from tfvae.checks import UserError, count, positive
from tfvae.exploring.codes import codes, decoded, needs_code

__all__ = ["Traversal", "each_category", "interpolate", "most_varied", "traverse"]

_MOST = 10  # numbers of z that are walked along, if nobody says which


class Traversal(NamedTuple):
    """units: [U] which numbers of z; values: [K] in units of the prior's spread; x: [N, U, K, ...] raw."""

    units: np.ndarray
    values: np.ndarray
    x: np.ndarray


def traverse(
    model,
    x,
    units: Sequence[int] | None = None,
    steps: int = 7,
    span: float = 2.0,
    label=None,
) -> Traversal:
    """What the decoder makes of a code of which one number is set to each of several values.

        z_d := s v,   v from -span to span,   s the prior's spread of z_d;   the others stay

    Args:
        model: a `tfvae.VAE` whose z, or some of it, may be any numbers.
        x: [N, ...] raw units; each example is walked from.
        units: which numbers of the flat z; the (at most 10) whose codes vary most over x, the first if x
            is one example.
        steps: K.
        span: how far to both sides, in units of the prior's spread.
        label: [N] of a conditional model.

    Raises:
        UserError: codes of a codebook, no latent, no number that may be any; one that z has not.
    """
    needs_code(model, "a traversal")
    free = model.latent.free_numbers
    if model.latent.codebooks() or not free.any():
        raise UserError(
            "a traversal moves one number of z, and here z is "
            + (model.latent.confined_to or "a code of a codebook")
        )
    count("steps", steps, 2)
    z = codes(model, x, label)
    label = inputs.labels(model, label, len(z))
    flat = z.reshape(len(z), -1)
    chosen = _units(units, flat, free)
    values = np.linspace(-1.0, 1.0, steps) * positive("span", span)
    spread = np.broadcast_to(np.asarray(model.latent.unit_scale, np.float32), z.shape[1:]).ravel()
    many = np.repeat(flat[:, None, None], len(chosen), 1).repeat(steps, 2)
    for place, unit in enumerate(chosen):
        many[:, place, :, unit] = values * spread[unit]
    each = len(chosen) * steps
    labels = None if label is None else np.repeat(label, each)
    found = decoded(model, many.reshape(-1, *z.shape[1:]), labels)
    return Traversal(chosen, values, found.reshape(len(z), len(chosen), steps, *found.shape[1:]))


def _units(units, flat: np.ndarray, free: np.ndarray) -> np.ndarray:
    width = flat.shape[1]
    if units is None:
        return most_varied(flat, free)[:_MOST]
    given = np.asarray(units)
    if given.ndim != 1 or not given.size or given.dtype.kind not in "iu":
        raise UserError("units must be a list of whole numbers")
    if given.min() < 0 or given.max() >= width:
        raise UserError(f"units must be from 0 to {width - 1}, got {given.min()} to {given.max()}")
    if not free[given].all():
        bound = ", ".join(map(str, given[~free[given]]))
        raise UserError(f"units must be numbers of z that may be any, which {bound} may not")
    return given


def most_varied(flat: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The numbers of codes [N, D] that may be any, those that vary most over them first."""
    order = np.argsort(-flat.var(0), kind="stable")
    return order[free[order]]


def each_category(model, x, category: int = 0, label=None) -> np.ndarray:
    """What the decoder makes of a code whose category is set to each of its kinds, [N, K, ...] raw units.

    Args:
        model: a `tfvae.VAE` with categories in its z.
        x: [N, ...] raw units; the rest of the code is that of each example.
        category: which of them, from 0.
        label: [N] of a conditional model.

    Raises:
        UserError: no such category.
    """
    needs_code(model, "a walk through a category")
    known = model.latent.categories
    if not 0 <= category < len(known):
        raise UserError(f"category must be one of the {len(known)} that z has, got {category}")
    start, kinds = known[category]
    z = codes(model, x, label)
    label = inputs.labels(model, label, len(z))
    many = np.repeat(z, kinds, 0)
    many[:, start : start + kinds] = np.tile(np.eye(kinds, dtype=z.dtype), (len(z), 1))
    found = decoded(model, many, None if label is None else np.repeat(label, kinds))
    return found.reshape(len(z), kinds, *found.shape[1:])


def interpolate(model, first, last, steps: int = 8, label=None) -> np.ndarray:
    """What the decoder makes of the codes between those of two examples, [N, K, ...] raw units.

    The way is the latent's own: straight where z may be any numbers, the great circle where z is a point
    on a sphere. The first and the last are the reconstructions of the two.

    Args:
        model: a `tfvae.VAE` with a latent.
        first: [N, ...] raw units.
        last: [N, ...], as many.
        steps: K, both ends among them.
        label: [N] of a conditional model; it stays on the way.

    Raises:
        UserError: no latent; not as many of the one as of the other.
    """
    needs_code(model, "an interpolation")
    count("steps", steps, 2)
    ends = codes(model, first, label), codes(model, last, label)
    if len(ends[0]) != len(ends[1]):
        raise UserError(
            f"first and last must be as many examples, got {len(ends[0])} and {len(ends[1])}"
        )
    label = inputs.labels(model, label, len(ends[0]))
    shape = ends[0].shape
    share = np.linspace(0, 1, steps, dtype=np.float32).reshape(-1, *[1] * (len(shape) - 1))
    ways = [np.asarray(model.latent.between(a[None], b[None], share)) for a, b in zip(*ends)]
    labels = None if label is None else np.repeat(label, steps)
    found = decoded(model, np.concatenate(ways), labels)
    return found.reshape(shape[0], steps, *found.shape[1:])
