"""Weights of another run."""

from __future__ import annotations

import itertools
import os

from tfvae.checks import UserError, one_of, place
from tfvae.training import reading

__all__ = ["take_weights"]

_PARTS = ("encoder", "latent", "decoder", "likelihood", "condition")
_KNOWN = (*_PARTS, "latent.posterior", "latent.prior")


def take_weights(model, start) -> None:
    """Puts the weights of a saved model into the same parts of this one; the optimizers know nothing of it.

    Args:
        model: a built `tfvae.VAE`.
        start: a `tfvae.procedures.Start`.

    Raises:
        UserError: nothing is there, or a part that is not made alike; names the first weight that differs.
    """
    path = place("start", start.path)
    if not os.path.exists(path):
        raise UserError(f"start={start.path} is not there")
    if os.path.isdir(path):
        path = os.path.join(path, "model.keras")
        if not os.path.exists(path):
            raise UserError(f"start={start.path} holds no model.keras: its run is not finished")
    other = reading.model(path)
    pairs = []  # nothing is taken before all of it fits
    for name in start.parts or _PARTS:
        one_of("part of a start", name, _KNOWN)
        theirs, mine = _part(other, name, path), _part(model, name, "this model")
        pairs += _pairs(f"the {name} of {path}", theirs, mine)
        if start.parts and not getattr(mine, "variables", ()):
            raise UserError(f"start: the {name} has no weights that could be taken")
    for variable, value in pairs:
        variable.assign(value.numpy())


def _part(model, name: str, whose: str):
    part = model
    for word in name.split("."):
        if not hasattr(part, word):
            raise UserError(f"start: {whose} has no {name}")
        part = getattr(part, word)
    return part


def _pairs(what: str, theirs, mine) -> list[tuple]:
    """(weight here, weight there) of two parts that are made alike."""
    if type(theirs) is not type(mine):
        raise UserError(f"start: {what} is a {_kind(theirs)}, and here it is a {_kind(mine)}")
    pairs = [list(getattr(part, "variables", ())) for part in (mine, theirs)]
    here, there = ([f"{v.name} {list(v.shape)}" for v in held] for held in pairs)
    for number, (a, b) in enumerate(itertools.zip_longest(there, here, fillvalue="absent")):
        if a != b:
            raise UserError(
                f"start: {what} is another one: weight {number} is {a} there and {b} here"
            )
    return list(zip(*pairs))


def _kind(part) -> str:
    return type(part).__name__
