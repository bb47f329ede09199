"""What a search knows: the trials, the best of them with its command, and how sure that is."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from tfvae.training.run_directory import write_atomically
from zoo.sweep import page
from zoo.sweep.study import FAILED, SETTINGS
from zoo.sweep.trials import Search, command

__all__ = ["Line", "lines", "sentences", "write"]

_TEST = (
    "The objective is a figure of test data. What is chosen by it looks better there than it is: take "
    "valid_elbo to choose, or measure the choice on other data."
)


class Line(NamedTuple):
    """A trial.

    Attributes:
        number: of the trial.
        value: the objective, over the seeds; `None` of one that has none (yet).
        values: of each seed.
        settings: {name: value} that it tried.
        verdicts: of its runs.
        state: done, running, cut at step ..., or failed: why.
        command: what trains it anew.
    """

    number: int
    value: float | None
    values: Sequence[float]
    settings: dict[str, str]
    verdicts: Sequence[str]
    state: str
    command: str


def lines(search: Search, study) -> list[Line]:
    """Of all trials, the best first, then those without a value by their numbers."""
    found = []
    for trial in study.get_trials(deepcopy=False):
        settings = dict(trial.user_attrs.get(SETTINGS, []))
        held = trial.user_attrs
        found.append(
            Line(
                trial.number,
                trial.value if trial.state.name == "COMPLETE" else None,
                held.get("values", []),
                settings,
                held.get("verdicts", []),
                _state(trial),
                command(search, settings.items(), search.seeds[0]),
            )
        )
    sign = -1.0 if search.objective.direction == "maximize" else 1.0
    done = sorted(
        (line for line in found if line.value is not None), key=lambda line: sign * line.value
    )
    return [*done, *(line for line in found if line.value is None)]


def _state(trial) -> str:
    if FAILED in trial.user_attrs:
        return f"failed: {trial.user_attrs[FAILED]}"
    if trial.state.name == "PRUNED":
        return f"cut at step {max(trial.intermediate_values, default=0)}"
    return "done" if trial.state.name == "COMPLETE" else "not done"


# ------------------------------------------------------------------ sentences


def sentences(search: Search, found: Sequence[Line]) -> list[str]:
    """How many trials there are, which is best, and whether that is more than the spread of seeds."""
    done = [line for line in found if line.value is not None]
    cut = sum(line.state.startswith("cut") for line in found)
    failed = sum(line.state.startswith("failed") for line in found)
    further = [f"{n} {what}" for n, what in ((cut, "cut"), (failed, "failed")) if n]
    said = [
        f"{len(done)} of {len(found)} trials are done" + "".join(f", {t}" for t in further) + "."
    ]
    if not done:
        return said
    best = done[0]
    settings = ", ".join(f"{name}={value}" for name, value in best.settings.items())
    said.append(
        f"Best {search.objective.name}: {best.value:.4g}, trial {best.number}, with {settings}."
        + _in_doubt(best, done[1:])
    )
    if best.verdicts and set(best.verdicts) != {"healthy"}:
        said.append(f"The best trial's verdict: {', '.join(sorted(set(best.verdicts)))}.")
    if search.objective.of_test_data:
        said.append(_TEST)
    return said


def _in_doubt(best: Line, others: Sequence[Line]) -> str:
    if not others:
        return ""
    if len(best.values) < 2:
        return (
            " Of one seed there is no spread: small differences may be noise (--seeds=3 has one)."
        )
    alike = [line.number for line in others if not _apart(best.values, line.values)]
    if not alike:
        return " The others are further away than two standard errors over the seeds."
    listed = ", ".join(map(str, alike[:10])) + (" ..." if len(alike) > 10 else "")
    return f" Within two standard errors of it: trial {listed}."


def _apart(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether the means differ by more than two standard errors of the difference."""
    if len(other) < 2:
        return False
    error = math.sqrt(sum(statistics.variance(v) / len(v) for v in (one, other)))
    return abs(statistics.fmean(one) - statistics.fmean(other)) > 2.0 * error


# ------------------------------------------------------------------ files


def table(search: Search, found: Sequence[Line]) -> tuple[list[str], list[list[str]]]:
    """(heads, rows)."""
    names = [one.name for one in search.space]
    rows = [
        [
            str(line.number),
            "-" if line.value is None else _value(line),
            *(line.settings.get(name, "-") for name in names),
            ", ".join(sorted(set(line.verdicts))) or "-",
            line.state,
        ]
        for line in found
    ]
    return ["trial", search.objective.name, *names, "verdict", "state"], rows


def _value(line: Line) -> str:
    spread = f" ± {statistics.stdev(line.values):.2g}" if len(line.values) > 1 else ""
    return f"{line.value:.4f}{spread}"


def write(search: Search, study) -> str:
    """Everything that is known so far; the Markdown."""
    found = lines(search, study)
    said = sentences(search, found)
    heads, rows = table(search, found)
    best = found[0].command if found and found[0].value is not None else ""
    marks = [f"| {' | '.join(cells)} |" for cells in (heads, *rows)]
    marks.insert(1, "|---" * len(heads) + "|")
    text = "\n".join([*marks, "", *said, *(["", best] if best else [])]) + "\n"
    sheet = io.StringIO()
    csv.writer(sheet).writerows([heads, *rows])
    kept = {"objective": search.objective._asdict(), "trials": [line._asdict() for line in found]}
    for kind, content in (
        ("md", text),
        ("csv", sheet.getvalue()),
        ("json", json.dumps(kept, indent=1)),
        ("html", page.html(search, found, (heads, rows), said, best)),
    ):
        write_atomically(os.path.join(search.out, f"sweep.{kind}"), content.encode())
    return text
