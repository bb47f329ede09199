"""Where a run is shown besides its own directory: `--track=mlflow,wandb,tensorboard` or `module:Tracker`.

A tracker is a file of this folder with a class `Tracker`. What it shows is read from the run directory
(config.json, metrics.jsonl, report.json, figures/), so a run that is resumed first sends what is missing.
"""

from __future__ import annotations

import importlib
import pathlib

from tfvae.checks import UserError, one_of
from tfvae.outside import attribute
from zoo.trackers.tracker import Tracker

__all__ = ["Tracker", "make", "names"]


def names() -> list[str]:
    """Those of this folder."""
    own = ("__init__", "tracker", "tracking")
    return sorted(p.stem for p in pathlib.Path(__file__).parent.glob("*.py") if p.stem not in own)


def make(text: str) -> dict[str, type[Tracker]]:
    """{name: its class} of names with commas between them.

    Raises:
        UserError: one that is unknown, said twice, or whose package is not installed.
    """
    found: dict[str, type[Tracker]] = {}
    for name in text.split(","):
        if name in found:
            raise UserError(f"track names {name[:80]!r} twice")
        if ":" in name:
            cls = attribute("track", name, type)
            if not issubclass(cls, Tracker):
                raise UserError(f"track {name} must be a zoo.trackers.Tracker, got {cls.__name__}")
        else:
            one_of("track", name, names())
            cls = importlib.import_module(f"zoo.trackers.{name}").Tracker
        cls.refuse_missing()
        found[name] = cls
    return found
