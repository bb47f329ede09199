"""What a finished run directory knows about itself: for those who examine it afterwards."""

from __future__ import annotations

import os
import re

from tfvae.checks import UserError, within
from tfvae.examination import Examined
from tfvae.training.reading import json_object, json_rows
from zoo import modalities, recipe
from zoo.command import plan, run
from zoo.datasets import own

__all__ = ["examined", "last_weight", "plan_of"]

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
_HEAVIEST = 1e30  # weight of the rate
_NOT_OF_THE_RUN = {"model", "settings", "strategy", "workdir", "data_dir", "data", "cpu_replicas"}


def plan_of(workdir: str, data_dir: str | None = None) -> plan.Plan:
    """The plan of a run directory.

    Raises:
        UserError: there is none, or it was made with other settings than this version has.
    """
    path = os.path.join(workdir, "config.json")
    config = json_object(path)
    for name in ("model", "dataset", "settings"):
        if name not in config:
            raise UserError(f"{path} is of no run: it holds no {name!r}")
    if not isinstance(config["settings"], dict):
        raise UserError(f"{path}: 'settings' must be an object, got {str(config['settings'])[:40]}")
    given = {}
    for name, field in plan.Plan.__dataclass_fields__.items():
        if name in config and name not in _NOT_OF_THE_RUN:
            given[name] = config[name]
            if given[name] is None and field.default is not None:
                raise UserError(f"{path}: {name!r} must not be null")
    where = "data" if own.is_own(config["dataset"]) else "data_dir"
    try:
        return plan.resolve(
            config["model"], (), config["settings"], True, **{where: data_dir}, **given
        )
    except UserError as error:
        raise UserError(f"{path} is of no run of this version: {error}") from error


def examined(workdir: str, data_dir: str | None = None, given=None) -> Examined:
    """The kept model of a run, its validation data, and the weight that its objective gave the rate.

    Args:
        workdir: of the run.
        data_dir: where its data's files lie.
        given: (x, label) instead of them.

    Raises:
        UserError: the run is not finished, or its data cannot be read.
    """
    resolved = plan_of(workdir, data_dir)
    model = run.load(workdir)
    kind = modalities.of(resolved.dataset)
    if given is None:
        data = kind.load(resolved.dataset, data_dir, resolved.settings)
        given = kind.arrays(data, data.valid), data.valid.condition
    settings = resolved.settings
    plain = all(getattr(settings, name, off) == off for name, off in _OTHER_OBJECTIVES.items())
    beta = getattr(settings, "beta", 1.0) if plain else None
    weight = last_weight(workdir) if plain else None
    return Examined(
        f"{resolved.model} on {resolved.dataset}",
        model,
        *given,
        beta,
        weight,
        resolved.beside(),
    )


def last_weight(workdir: str) -> float | None:
    """Of the rate, when the main stage ended; `None` if it was 1 all along.

    Raises:
        UserError: metrics.jsonl is missing or damaged.
    """
    path, last, step = os.path.join(workdir, "metrics.jsonl"), None, None
    for number, row in enumerate(json_rows(path), 1):
        place, figures = f"{path}, line {number}", row.get("train")
        if not {"stage", "step"} <= set(row) or not isinstance(figures, dict):
            raise UserError(
                f"{place}: expected a row with 'stage', 'step' and 'train', found {str(row)[:40]}"
            )
        if row["stage"] == recipe.MAIN:
            step = within(f"{place}: 'step'", row["step"], 0, 10**12)
        if row["stage"] == recipe.MAIN and "weight/rate" in figures:
            last = within(f"{place}: 'weight/rate'", figures["weight/rate"], 0.0, _HEAVIEST)
    if step is None:
        raise UserError(f"{path} holds no row of the stage {recipe.MAIN!r}")
    if step < (kept := _last_checkpoint(workdir)):
        raise UserError(
            f"{path} has lost rows: the last of stage {recipe.MAIN!r} is of step {step}, and there is a "
            f"checkpoint of step {kept}"
        )
    return last


def _last_checkpoint(workdir: str) -> int:
    """The step of the newest one of the main stage; 0 if there is none."""
    folder = os.path.join(workdir, "checkpoints", recipe.MAIN)
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = [re.fullmatch(r"step_(\d{1,12})", name) for name in names]
    return max((int(match[1]) for match in found if match), default=0)
