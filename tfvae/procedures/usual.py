"""What a plain `compile("adam")` means."""

from __future__ import annotations

from typing import Any

from tfvae.objectives import (
    LabelLikelihood,
    Objective,
    codebook_distance,
    commitment,
    distortion,
    rate,
)
from tfvae.procedures.joint import Joint
from tfvae.procedures.moving_codebook import MovingCodebook
from tfvae.procedures.restarted_codebook import RestartedCodebook
from tfvae.procedures.update import Update
from tfvae.procedures.write_codes import WriteCodes

__all__ = ["usual"]

_COMMITMENT = 0.25  # van den Oord, Vinyals and Kavukcuoglu 2017


def usual(model, optimizer="adam", objective=None, jit_compile: bool = False) -> Joint:
    """All weights together on the ELBO, with what this model's latent cannot be trained without.

    A codebook is moved (and has its commitment in the objective), a memory of codes is written, a classifier
    learns the labels beside x (or instead of it, without a decoder).

    Args:
        model: a `tfvae.VAE`.
        optimizer: a Keras optimizer or its name.
        objective: instead of the ELBO, complete as it is.
        jit_compile: see `Update`.
    """
    objective = objective or Objective(_terms(model))
    update = Update(objective, optimizer, jit_compile=jit_compile, after=_after(model))
    return Joint(update)


def _terms(model) -> dict[str, Any]:
    terms: dict[str, Any] = {"distortion": distortion, "rate": rate}
    if model.classifier is not None:
        terms["label"] = LabelLikelihood()
        if not model.decodes:  # the deep variational information bottleneck at beta = 1
            del terms["distortion"]
    codebooks = model.latent.codebooks()
    if codebooks:
        terms["commitment"] = (_COMMITMENT, commitment)
        if not codebooks[0].averaged:
            terms["codebook"] = codebook_distance
    return terms


def _after(model):
    codebooks = model.latent.codebooks()
    if codebooks:
        return MovingCodebook() if codebooks[0].averaged else RestartedCodebook()
    return None if model.latent.memory() is None else WriteCodes()
