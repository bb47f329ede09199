"""The figures of a rate-distortion curve: table, sentences, picture, page.

At the optimum of  distortion + beta rate  no other point is better for that beta, so that between the points
of two betas a < b of one family

    a <= (D_b - D_a) / (R_a - R_b) <= b        nats of distortion for a nat of rate

(Alemi et al. 2018: dD/dR = -beta). Where it is not so, one of the two was not trained to its optimum, or a
test split differs from what was trained on.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from tfvae.diagnosis.drawing import BLUE, GREY, ORANGE, axes, png
from tfvae.diagnosis.page import render
from tfvae.training.run_directory import write_atomically
from zoo.comparison import tables
from zoo.comparison.page import cell
from zoo.comparison.runs import folder

__all__ = ["sentences", "slopes", "write"]

_COLUMNS = (
    ("rate", "rate"),
    ("distortion", "distortion"),
    ("elbo", "ELBO"),
    ("nll", "NLL"),
    ("mutual_information", "MI"),
    ("active_units", "AU"),
)
_CAPTION = (
    "Each point is a run, and beside it its beta; the line joins the means. Dashed lines join what has the "
    "same ELBO as the best and the worst point. On the left edge the code is empty."
)
_TIGHT = 0.1  # nats of rate, between points that are nearer no slope is to be seen


def write(points: Sequence[Any], out: str) -> str:
    """Everything that is known so far; the Markdown.

    Args:
        points: of `zoo.sweep.curve`, the least beta first.
        out: where their runs are.
    """
    rows = tables.results(points, out)
    rows = [{**row, "beta": point.beta} for row, point in zip(rows, points)]
    first, seeds = points[0].plans[0], len(points[0].plans)
    about = (
        f"{first.model} on {first.dataset}, {first.backbone} ({first.size}), {first.train_steps:,} steps, "
        f"{seeds} seed{'s' if seeds > 1 else ''} a beta; test split, nats per example"
    )
    heads, cells = _table(rows)
    plain = not {"terms", "rate_budget"} & {part.place for part in first.point}
    said = sentences(rows, plain)
    lines = [f"| {' | '.join(line)} |" for line in (heads, *cells)]
    text = "\n".join([about, "", lines[0], "|---" * len(heads) + "|", *lines[1:], "", *said]) + "\n"
    kept = [{k: v for k, v in row.items() if k != "reports"} for row in rows]
    drawn = {"rate_distortion": _picture(rows)} if any("rate" in row for row in rows) else {}
    links = {
        f"{row['beta']:g}": f"{os.path.basename(folder(out, row['model'], row['first_seed']))}/report.html"
        for row in rows
        if row["reports"] and row["reports"][0]["seed"] == row["first_seed"]
    }
    page = render(
        "curve",
        "zoo",
        title="Rate-distortion curve",
        subtitle=about,
        verdict="\n".join(said),
        figures=drawn,
        captions={"rate_distortion": _CAPTION},
        heads=heads,
        rows=cells,
        links=links,
    )
    for kind, content in (
        ("md", text.encode()),
        ("csv", _csv(rows).encode()),
        ("json", json.dumps(kept, indent=1).encode()),
        ("html", page.encode()),
        *(("png", picture) for picture in drawn.values()),
    ):
        write_atomically(os.path.join(out, f"curve.{kind}"), content)
    return text


def slopes(rows: Sequence[dict[str, Any]]) -> list[float | None]:
    """Of each row (D_b - D_a) / (R_a - R_b) to the next; `None` of the last, and where rates are alike."""
    found: list[float | None] = []
    for one, other in zip(rows, rows[1:]):
        known = all(key in row for key in ("rate", "distortion") for row in (one, other))
        gap = one["rate"][0] - other["rate"][0] if known else 0.0
        rise = other["distortion"][0] - one["distortion"][0] if abs(gap) >= _TIGHT else None
        found.append(None if rise is None else rise / gap)
    return [*found, None] if rows else []


def sentences(rows: Sequence[dict[str, Any]], plain: bool = True) -> list[str]:
    """What is done, where the code is lost, which beta has the best bound, and what is not at its optimum.

    Args:
        rows: of the points, the least beta first.
        plain: whether distortion and beta times the rate is all that was minimised.
    """
    done, asked = (sum(row[name] for row in rows) for name in ("seeds", "asked"))
    said = [f"{done} of {asked} runs are done."]
    lost = [
        f"{row['beta']:g}"
        for row in rows
        if any(report["verdict"] == "collapse" for report in row["reports"])
    ]
    if lost:
        said.append(f"The code is lost at beta = {', '.join(lost)}.")
    scored = [row for row in rows if "elbo" in row]
    if len(scored) > 1:
        best = max(scored, key=lambda row: row["elbo"][0])
        said.append(f"Highest ELBO: {best['elbo'][0]:.2f} nats, at beta = {best['beta']:g}.")
    for row, other, slope in zip(rows, rows[1:], slopes(rows) if plain else ()):
        low, high = row["beta"], other["beta"]
        if slope is not None and not low <= slope <= high:
            said.append(
                f"From beta = {low:g} to {high:g} a nat of rate buys {slope:.2f} nats of distortion. At the "
                "optima of both it buys something between the two: one is not at its optimum on the test "
                "split (too few steps, or too few examples)."
            )
    return said


def _table(rows) -> tuple[list[str], list[list[str]]]:
    shown = [(key, title) for key, title in _COLUMNS if any(key in row for row in rows)]
    heads = ["beta", *(title for _, title in shown), "nats for a nat", "verdict"]
    cells = [
        [
            f"{row['beta']:g}",
            *(cell(row.get(key)) for key, _ in shown),
            "-" if slope is None else f"{slope:.2f}",
            tables.verdicts(row) or "-",
        ]
        for row, slope in zip(rows, slopes(rows))
    ]
    return heads, cells


def _csv(rows) -> str:
    """One line a run."""
    text = io.StringIO()
    names = [key for key, _ in _COLUMNS]
    writer = csv.writer(text)
    writer.writerow(["beta", "seed", "verdict", *names])
    for row in rows:
        for report in row["reports"]:
            figures = [report.get(name) for name in names]
            writer.writerow([row["beta"], report["seed"], report["verdict"], *figures])
    return text.getvalue()


def _picture(rows) -> bytes:
    figure = Figure(figsize=(6.5, 4.5))
    (axis,) = axes(figure, 1)
    known = [row for row in rows if "rate" in row and "distortion" in row]
    means = [(row["rate"][0], row["distortion"][0]) for row in known]
    right = max((rate for rate, _ in means), default=0.0) * 1.1 + 0.1
    sums = [rate + distortion for rate, distortion in means]
    for total in {min(sums), max(sums)}:
        axis.plot((0, right), (total, total - right), "--", color=GREY, linewidth=0.8)
    axis.plot(*zip(*means), "-", color=BLUE, linewidth=1.2)
    for row, mean in zip(known, means):
        axis.plot(row["rate"][2], row["distortion"][2], "o", color=ORANGE, ms=5)
        axis.annotate(f"{row['beta']:g}", mean, (5, 5), textcoords="offset points", fontsize=8)
    low, high = min(d for _, d in means), max(d for _, d in means)
    room = 0.08 * (high - low) + 0.1
    axis.set(xlabel="rate [nats]", ylabel="distortion [nats]")
    axis.set(xlim=(-0.02 * right, right), ylim=(low - room, high + room))
    return png(figure)
