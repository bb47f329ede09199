"""What a run directory says of itself to whom examines it: card.json, and examples.npz."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from tfvae.inference import refines
from tfvae.inputs import some_rows
from tfvae.objectives import LearnedWeight, Switch
from tfvae.procedures import MAIN

__all__ = ["is_plain", "leave"]

_KEPT = 1000  # validation examples


def leave(resolved, kind, data, model, last, directory) -> None:
    """Writes both.

    Args:
        resolved: `zoo.command.plan.Plan`.
        kind: a module of `zoo.modalities`.
        data: what `kind.load` gave.
        model: as the main stage left it.
        last: the last stage.
        directory: `tfvae.training.RunDirectory`.
    """
    plain, inference = is_plain(resolved.point, model, last), model.procedure.inference
    refinement = getattr(inference, "refinement", None)
    directory.write_json(
        "card.json",
        {
            "title": f"{resolved.model} on {resolved.dataset}",
            "command": resolved.beside(),
            "again": resolved.command(),
            "refinement": refinement,
            # one of somebody else's, whose settings nobody knows
            "refined_by": str(resolved.point["inference"])
            if refinement is None and refines(inference)
            else None,
            "terms": sorted(model.procedure.objective.terms),
            # where the encoder stands where one weight of the rate would hold it
            "beta": getattr(resolved.point["rate_weight"], "beta", 1.0) if plain else None,
            "rate_weight": _last_weight(directory) if plain else None,
        },
    )
    if resolved.keep_examples:
        x = kind.arrays(data, data.valid)
        some = some_rows(len(x), _KEPT)
        told = {"label": data.valid.condition[some]} if model.asks_label else {}
        label = getattr(data.valid, "label", None)
        known = {} if label is None else {"known": label[some]}  # of no model, for colours
        stream = io.BytesIO()
        np.savez_compressed(stream, x=x[some], **told, **known)
        directory.write_bytes("examples.npz", stream.getvalue())


def is_plain(point, model, last) -> bool:
    """Distortion and rate alone, by a schedule, with a posterior that is free and the encoder's."""
    terms = model.procedure.objective.terms
    weights = [weight for weight, _ in terms.values()]
    return (
        set(terms) == {"distortion", "rate"}
        and not any(isinstance(weight, (LearnedWeight, Switch)) for weight in weights)
        and {"mean_and_scale", "encoder_posterior"} <= point.offered()
        and last.model is model
    )


def _last_weight(directory) -> Any:
    """Of the rate, when the main stage ended; `None` if it was 1 all along."""
    rows = [row["train"] for row in directory.metrics() if row["stage"] == MAIN]
    return rows[-1].get("weight/rate") if rows else None
