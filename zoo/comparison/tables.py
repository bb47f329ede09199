"""The figures of a comparison: tables, and in sentences what may be read from them."""

from __future__ import annotations

import collections
import csv
import io
import json
import math
import os
import statistics
from collections.abc import Sequence
from typing import Any

from scipy import stats

from tfvae.procedures import MAIN
from tfvae.training import RunDirectory
from tfvae.training.run_directory import write_atomically
from zoo.comparison import page as comparison_page
from zoo.comparison.runs import counted, folder

__all__ = [
    "COLUMNS",
    "curve",
    "is_number",
    "markdown",
    "results",
    "sentences",
    "table_csv",
    "verdicts",
    "write",
]

COLUMNS = (
    ("nll", "NLL"),
    ("rate", "rate"),
    ("distortion", "distortion"),
    ("elbo", "ELBO"),
    ("auxiliary_nll", "NLL, aux."),
    ("mutual_information", "MI"),
    ("active_units", "AU"),
    ("linear_probe_accuracy", "probe"),
    ("train_steps", "steps"),
    ("train_seconds", "seconds"),
)
"""(key of report.json, head of the column)."""

_LOST = ("collapse", "unused rate")
_EARLY = "too early"


def results(found: Sequence[Any], out: str) -> list[dict[str, Any]]:
    """A row for each line: its reports, and (mean, spread, values) of each column that exists."""
    rows = []
    for entry in found:
        made = [counted(plan, folder(out, entry.name, plan.seed)) for plan in entry.plans]
        reports = [report for report in made if report is not None]
        row: dict[str, Any] = {
            "model": entry.name,
            "seeds": len(reports),
            "asked": len(made),
            "first_seed": entry.plans[0].seed,
            "reports": reports,
        }
        for key, _ in COLUMNS:
            values = [report[key] for report in reports if is_number(report.get(key))]
            if values:
                spread = statistics.stdev(values) if len(values) > 1 else None
                row[key] = (statistics.fmean(values), spread, values)
        rows.append(row)
    return rows


def is_number(value: Any) -> bool:
    """Of a figure of a report; counts are numbers too."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def verdicts(row: dict[str, Any]) -> str:
    """Of the runs of a line; how many of them where they differ."""
    found = collections.Counter(report["verdict"] for report in row["reports"])
    if len(found) < 2:
        return "".join(found)
    return ", ".join(f"{name} {count}/{row['seeds']}" for name, count in sorted(found.items()))


# ------------------------------------------------------------------ sentences


def sentences(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What is done, who lost the code, and who is best, as far as the spread over seeds lets one say.

    Runs that were too short to judge are not compared. Two models are said to differ where their means are
    further apart than two standard errors of the difference, sqrt(s1^2 / n1 + s2^2 / n2), s over the seeds;
    with one seed there is no such spread.
    """
    done, asked = (sum(row[name] for row in rows) for name in ("seeds", "asked"))
    said = [f"{done} of {asked} {'run is' if asked == 1 else 'runs are'} done."]
    lost = [(row, sum(r["verdict"] in _LOST for r in row["reports"])) for row in rows]
    names = [f"{row['model']} ({count} of {row['seeds']})" for row, count in lost if count]
    if names:
        said.append(f"The code is lost: {', '.join(names)}.")
    early = [row["model"] for row in rows if any(r["verdict"] == _EARLY for r in row["reports"])]
    if early:
        said.append(f"Too early to compare: {', '.join(early)}.")
    ripe = [row for row in rows if row["model"] not in early]
    said += _best(ripe, "NLL", _score, -1)
    said += _best(ripe, "mutual information", lambda row: row.get("mutual_information"), 1)
    return said


def _score(row: dict[str, Any]):
    """The NLL, or that under a fitted prior of a model which has no other."""
    return row.get("nll", row.get("auxiliary_nll"))


def _best(rows, what: str, figure, sign: int) -> list[str]:
    found = [(row["model"], figure(row)) for row in rows if figure(row) is not None]
    if len(found) < 2:
        return []
    first, *others = sorted(found, key=lambda pair: -sign * pair[1][0])
    word = "Highest" if sign > 0 else "Lowest"
    head = f"{word} {what}: {first[0]}, {comparison_page.cell(first[1])} nats"
    if any(figures[1] is None for _, figures in (first, *others)):
        return [f"{head}; of one seed there is no spread to compare it with (--seeds=3 has one)."]
    alike = [name for name, figures in others if not _apart(first[1], figures)]
    if not alike:
        chance = max(_by_chance(first[1], figures) for _, figures in others)
        return [
            f"{head}; the others are further away than two standard errors over the seeds "
            f"(of two equal models, chance alone says so in {chance:.0%} of comparisons of so few)."
        ]
    them = "any other" if len(alike) == len(others) else ", ".join(alike)
    return [f"{head}; no difference beyond the spread of the seeds to {them}."]


def _by_chance(one, other) -> float:
    """How often two equal models are apart, if the figures scatter by N: Student's t beyond 2."""
    return 2.0 * stats.t.sf(2.0, len(one[2]) + len(other[2]) - 2)


def _apart(one, other) -> bool:
    error = math.sqrt(sum(spread**2 / len(values) for _, spread, values in (one, other)))
    return abs(one[0] - other[0]) > 2.0 * error


# ------------------------------------------------------------------ files


def markdown(rows: Sequence[dict[str, Any]], about: str) -> str:
    """The table; mean ± standard deviation over seeds."""
    shown = [(key, head) for key, head in COLUMNS if any(key in row for row in rows)]
    heads = ["model", *(head for _, head in shown), "verdict"]
    lines = [about, "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        cells = [comparison_page.cell(row.get(key)) for key, _ in shown]
        lines.append(f"| {' | '.join([row['model'], *cells, verdicts(row)])} |")
    return "\n".join([*lines, "", *sentences(rows)]) + "\n"


def table_csv(rows: Sequence[dict[str, Any]]) -> str:
    """One line a run: easy to plot elsewhere."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["model", "seed", "verdict", *(key for key, _ in COLUMNS)])
    for row in rows:
        for report in row["reports"]:
            figures = [report.get(key) for key, _ in COLUMNS]
            writer.writerow([row["model"], report["seed"], report["verdict"], *figures])
    return text.getvalue()


def write(found: Sequence[Any], out: str, about: str) -> str:
    """Everything that is known so far; the Markdown."""
    rows = results(found, out)
    text = markdown(rows, about)
    kept = [{k: v for k, v in row.items() if k != "reports"} for row in rows]
    curves = {row["model"]: _curve(out, row) for row in rows}
    page = comparison_page.html(
        [{**row, "verdict": verdicts(row)} for row in rows], curves, COLUMNS, about, sentences(rows)
    )
    for kind, content in (
        ("md", text),
        ("csv", table_csv(rows)),
        ("json", json.dumps(kept, indent=1)),
        ("html", page),
    ):
        write_atomically(os.path.join(out, f"comparison.{kind}"), content.encode())
    return text


def _curve(out: str, row: dict[str, Any]) -> list[tuple[int, float]]:
    """That of the first seed of the line, if that run counts."""
    if not row["reports"] or row["reports"][0]["seed"] != row["first_seed"]:
        return []
    return curve(folder(out, row["model"], row["first_seed"]))


def curve(workdir: str) -> list[tuple[int, float]]:
    """(step, validation rate) of the main stage of a run."""
    held = RunDirectory(workdir, {}).metrics()
    return [
        (line["step"], line["valid"]["rate"])
        for line in held
        if line["stage"] == MAIN and is_number(line["valid"].get("rate"))
    ]
