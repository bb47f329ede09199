"""What a finished run directory knows about itself: for those who examine it afterwards."""

from __future__ import annotations

import json
import os
from typing import Any

from tfvae.checks import UserError
from tfvae.examination import Examined
from zoo import modalities, plan, recipe, run

__all__ = ["examined", "plan_of"]

# with one of these the encoder does not stand where one weight of the rate would hold it
_OTHER_OBJECTIVES = {
    "free_bits": 0.0,
    "capacity": None,
    "target_rate": None,
    "target_distortion": None,
    "mmd_weight": 0.0,
    "tc_weight": 0.0,
    "ratio_weight": 0.0,
    "adversary_weight": 0.0,
    "cosine_weight": 0.0,
    "bow_weight": 0.0,
    "auxiliary": False,
    "inference": "amortised",
    "posterior_scale": None,
}
_SAME = ("backbone", "size", "train_steps", "batch_size", "learning_rate", "seed")


def plan_of(workdir: str, data_dir: str | None = None) -> plan.Plan:
    """The plan of a run directory.

    Raises:
        UserError: there is none, or it was made with other settings than this version has.
    """
    path = os.path.join(workdir, "config.json")
    try:
        with open(path, encoding="utf-8") as stream:
            config = json.load(stream)
        fields = {f for f in plan.Plan.__dataclass_fields__ if f in config}
        given = {name: config[name] for name in fields - {"model", "settings", "strategy"}}
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in config["settings"].items()}
        return plan.resolve(config["model"], (), values, True, data_dir=data_dir, **given)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"no readable run in {workdir!r}: {error}") from error


def examined(workdir: str, data_dir: str | None = None) -> Examined:
    """The kept model of a run, its validation data, and the weight that its objective gave the rate.

    Raises:
        UserError: the run is not finished, or its data cannot be read.
    """
    resolved = plan_of(workdir, data_dir)
    model = run.load(workdir)
    kind = modalities.of(resolved.dataset)
    data = kind.load(resolved.dataset, data_dir, resolved.settings)
    settings = resolved.settings
    plain = all(getattr(settings, name, off) == off for name, off in _OTHER_OBJECTIVES.items())
    beta = getattr(settings, "beta", 1.0) if plain else None
    weight = _last_weight(workdir) if plain else None
    return Examined(
        f"{resolved.model} on {resolved.dataset}",
        model,
        kind.arrays(data, data.valid),
        data.valid.condition,
        beta,
        weight,
        _command(resolved, data_dir),
    )


def _last_weight(workdir: str) -> float | None:
    """Of the rate, when the main stage ended; `None` if it was 1 all along."""
    rows: list[dict[str, Any]] = []
    with open(os.path.join(workdir, "metrics.jsonl"), encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    known = [row["train"] for row in rows if row["stage"] == recipe.MAIN]
    weights = [figures["weight/rate"] for figures in known if "weight/rate" in figures]
    return weights[-1] if weights else None


def _command(resolved, data_dir) -> str:
    """The same data, networks and budget; what differs is added behind."""
    words = [f"python train_main.py --dataset={resolved.dataset}"]
    words += [f"--{name}={getattr(resolved, name)}" for name in _SAME]
    words.append(f"--set=optimizer={resolved.settings.optimizer}")  # whose rate that is
    if data_dir:
        words.append(f"--data_dir={data_dir}")
    return " ".join(words)
