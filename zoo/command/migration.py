"""Settings of runs that were made before there were parts: one flat object, {"prior": "ar1", ...}."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from tfvae.checks import UserError
from tfvae.parts import Point

__all__ = ["IMPLIED", "VERSION", "advice", "places", "renamed", "second", "settings"]

VERSION = 3
"""Of config.json; 1 had no version."""

_FULLY_CONNECTED = ("mlp", "gated_mlp")  # before version 3 they saw binary pixels as -1 and 1

_RENAMED = {
    "conditional": "condition=labels",
    "shared_scale": "posterior=shared_scale",
    "keep_best": "kept_weights=best",
    "latent_frames": "code=sequence",
    "auxiliary": "stages=+auxiliary_prior (of codes +auxiliary_codes)",
    "codebook": "upkeep=averaged_codes or upkeep=pulled_codes",
}
_TERMS = {
    "bow_weight": "bag_of_words",
    "cosine_weight": "cosine",
    "mmd_weight": "mmd",
    "tc_weight": "total_correlation",
    "ratio_weight": "density_ratio",
    "adversary_weight": "adversary",
    "num_codes": "commitment",
}
_BUDGETS = ("free_bits", "capacity", "target_rate", "target_distortion")


_TRUE, _FALSE = ("true", "1"), ("false", "0")
_STILL_SAID = {
    "conditional": ("condition", "labels", "none"),
    "keep_best": ("kept_weights", "best", "last"),
    "latent_frames": ("code", "sequence", "vector"),
}


IMPLIED = {"ema_decay": ("kept_weights", "average")}
"""Settings that said by themselves what they belong to, and still do."""


def renamed(name: str, value: Any) -> tuple[str, Any]:
    """What some words of before say now; (name, value) of all others."""
    said = str(value).lower()
    if name == "annealing":
        return "rate_weight", "constant" if said == "none" else value
    if name in _STILL_SAID and said in _TRUE + _FALSE:
        place, yes, no = _STILL_SAID[name]
        return place, yes if said in _TRUE else no
    return name, value


def advice(name: str) -> str:
    """How an old setting is said now; empty of a name that never was one."""
    if name not in _RENAMED:
        return ""
    return f"this is now --set={_RENAMED[name]}"


def places(old: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """{place: part} of an old config.json's settings, for a model of this kind of data.

    Raises:
        UserError: what is no such settings.
    """
    try:
        taken = _places(old, kind)
    except (KeyError, TypeError) as error:
        raise UserError(f"settings of an older run lack {error}") from error
    return {place: ",".join(v) if isinstance(v, tuple) else v for place, v in taken.items()}


def settings(old: Mapping[str, Any], point: Point) -> dict[str, Any]:
    """{setting: value} of the same, for the parts that they are of."""
    found: dict[str, Any] = {}
    if point["likelihood"].name == "bernoulli" and point["backbone"].name in _FULLY_CONNECTED:
        found["bernoulli.binary_inputs"] = "symmetric"
    for part in point:
        hints = typing.get_type_hints(type(part))
        for field in dataclasses.fields(part):
            # where it cannot be none any more, none meant a default that has a value of its own now
            nullable = type(None) in typing.get_args(hints[field.name])
            if field.name in old and (nullable or old[field.name] is not None):
                found[f"{part.name}.{field.name}"] = old[field.name]
    if point["code"] is not None and "latent_positions" in old and "positions" in point.offered():
        own = "own" if old["prior"] == "ar1" else "all"
        found["sequence.latent_at_token"] = old.get("latent_at_token") or own
    return found


def second(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """A config.json of version 2 as one of version 3."""
    config, parts = {**config, "version": VERSION}, config.get("parts")
    chosen = {} if not isinstance(parts, Mapping) else parts
    likelihood, backbone = chosen.get("likelihood"), chosen.get("backbone")
    if isinstance(likelihood, Mapping) and likelihood.get("part") == "bernoulli":
        fully = isinstance(backbone, Mapping) and backbone.get("part") in _FULLY_CONNECTED
        inputs = {"binary_inputs": "symmetric" if fully else None}
        config["parts"] = {**chosen, "likelihood": {**likelihood, **inputs}}
    return config


def _places(old: Mapping[str, Any], kind: str) -> dict[str, Any]:
    taken: dict[str, Any] = {
        "optimizer": old["optimizer"],
        "learning_rate_schedule": old["learning_rate_schedule"],
    }
    if old["learning_rate_schedule"] != "plateau":
        taken["kept_weights"] = _kept(old)
    if old.get("likelihood", "auto") != "auto":
        taken["likelihood"] = old["likelihood"]
    if "latent_width" not in old:
        return {**taken, "posterior": "none"}
    codes, memory = bool(old["num_codes"]), bool(old["neighbours"])
    taken |= {
        "posterior": _posterior(old),
        "prior": "uniform" if codes else "neighbour" if memory else old["prior"],
        "code": "sequence" if _positions(old, kind) else "vector",
        "encoder": old["encoder"],
        "inference": old["inference"],
        "terms": tuple(term for weight, term in _TERMS.items() if old.get(weight)),
        "stages": _stages(old),
    }
    if codes:
        taken["upkeep"] = {"average": "averaged_codes", "gradient": "pulled_codes"}[old["codebook"]]
    if memory:
        taken["upkeep"] = "written_memory"
    elif old["conditional"]:
        taken["condition"] = "labels"
    if not codes:
        taken["on_collapse"] = old["on_collapse"]
        budget = [name for name in _BUDGETS if old[name] not in (None, 0.0)]
        if budget:
            taken["rate_budget"] = budget[0]
        if not budget or budget[0] == "free_bits":
            annealing = old["annealing"]
            taken["rate_weight"] = "constant" if annealing == "none" else annealing
    if old["on_collapse"] != "aggressive":
        taken["procedure"] = old["procedure"]
    return taken


def _kept(old) -> str:
    return "average" if old["ema_decay"] else "best" if old["keep_best"] else "last"


def _posterior(old) -> str:
    if old["num_codes"]:
        return "vq"
    if old["shared_scale"]:
        return "shared_scale"
    return "gaussian" if old["posterior_scale"] is None else "fixed_scale"


def _positions(old, kind: str) -> bool:
    ordered = old["prior"] == "ar1"
    if kind == "images":
        return ordered or bool(old["latent_grid"] or old["num_codes"])
    anti_causal = old["encoder"] == "anti_causal"
    if kind == "speech":
        return ordered or anti_causal or bool(old["latent_frames"] or old["num_codes"])
    return ordered or anti_causal or old["latent_positions"] is not None


def _stages(old) -> tuple[str, ...]:
    found = []
    if old["pretrain_steps"]:
        found.append("pretrain")
    if old["moment_steps"]:
        found.append("moments")
    if old["auxiliary"]:
        found.append("auxiliary_codes" if old["num_codes"] else "auxiliary_prior")
    return tuple(found)
