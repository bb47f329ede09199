"""Sends what a run directory holds and its trackers lack; a failure is said once and ends no training."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Callable, Mapping
from typing import Any

from tfvae.checks import UserError, one_line
from tfvae.training import RunDirectory, reading
from zoo import trackers

__all__ = ["Tracking"]

_STATE = "trackers.json"


class Tracking:
    """The trackers of a run.

    trackers.json of the run directory says of each the state and how many steps of each stage were sent: a
    run that was killed sends no row twice, but for those that were being sent.

    Args:
        text: `--track`, or `None`.
        directory: the run's.
        say: takes a line.
    """

    def __init__(self, text: str | None, directory: RunDirectory, say: Callable[[str], None]):
        self._directory, self._say = directory, say
        self._held = self._read()
        self._live: dict[str, trackers.Tracker] = {}
        for name, cls in (trackers.make(text) if text else {}).items():
            state = self._held.get(name, {}).get("state")
            with self._told(name):
                live = self._live[name] = cls(directory.path, directory.config, state)
                if live.holds is not None and not self._held.get(name, {}).get("done"):
                    self._held[name] = {"sent": _up_to(directory.metrics(), live.holds)}
                self._keep(name)
        self.rows()

    def rows(self) -> None:
        """Of metrics.jsonl, those that a tracker lacks."""
        if not self._live:
            return
        rows = self._directory.metrics()
        before = _before(rows)
        for name in list(self._live):
            sent = self._held[name]["sent"]
            with self._told(name):
                for row in rows:
                    if row["step"] > sent.get(row["stage"], 0):
                        step = before[row["stage"]] + row["step"]
                        self._live[name].row(_numbers(row), step)
                        sent[row["stage"]] = row["step"]
                self._keep(name)

    def close(self, report: Mapping[str, Any] | None) -> None:
        """With the report of a run that is done, which is sent once."""
        self.rows()
        figures = sorted(glob.glob(os.path.join(self._directory.path, "figures", "*.png")))
        for name in list(self._live):
            with self._told(name):
                if report is not None and not self._held[name].get("done"):
                    self._live[name].report(_plain(report), report["verdict"], figures)
                    self._held[name]["done"] = True
                self._live[name].close()
                self._keep(name)

    def _keep(self, name: str) -> None:
        held = self._held.setdefault(name, {"sent": {}})
        held["state"] = self._live[name].state
        self._directory.write_json(_STATE, self._held)

    def _read(self) -> dict[str, Any]:
        path = self._directory.join(_STATE)
        return reading.json_object(path) if os.path.exists(path) else {}

    @contextlib.contextmanager
    def _told(self, name: str):
        """A tracker's own errors, of any kind, cost the tracker and not the training."""
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            self._live.pop(name, None)
            self._directory.write_json(_STATE, self._held)  # what it took before
            said = one_line(f"{type(error).__name__}: {error}", 200)
            self._say(
                f"note: {name} takes nothing more ({said}); the training goes on, and --resume with "
                f"--track={name} sends what is missing"
            )


def _before(rows) -> dict[str, int]:
    """{stage: steps of the stages before it}."""
    last: dict[str, int] = {}
    for row in rows:
        last[row["stage"]] = max(row["step"], last.get(row["stage"], 0))
    found, total = {}, 0
    for stage, steps in last.items():
        found[stage], total = total, total + steps
    return found


def _up_to(rows, last: int) -> dict[str, int]:
    """{stage: its steps} until that step of the run."""
    before, found = _before(rows), {}
    for row in rows:
        if before[row["stage"]] + row["step"] <= last:
            found[row["stage"]] = max(row["step"], found.get(row["stage"], 0))
    return found


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{row['stage']}/{kind}/{name}": value
        for kind in ("train", "valid", "latent")
        for name, value in row.get(kind, {}).items()
        if isinstance(value, (int, float))
    }


def _plain(report: Mapping[str, Any]) -> dict[str, float]:
    kinds = (int, float)
    return {k: float(v) for k, v in report.items() if isinstance(v, kinds) and v - v == 0}
