"""comparison.html: the table, the plane of rate and distortion, and the rates over the training."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from tfvae.diagnosis.drawing import GREY, axes, png, shade
from tfvae.diagnosis.page import render
from tfvae.values import number

__all__ = ["cell", "html"]

_CAPTIONS = {
    "rate_distortion": "Each point is a run. Lines join what has the same ELBO: down and to the left is "
    "better, along a line it is a matter of taste. On the left edge the code is empty.",
    "rates": "Rate on validation data over the training, the first seed: when a code is lost, and for whom.",
}


def html(rows, curves, columns, about: str, said: Sequence[str]) -> str:
    """The page; it refers to nothing outside of itself.

    Args:
        rows: of `zoo.comparison.tables.results`, each with its `verdict`.
        curves: {model: [(step, rate)]}.
        columns: (key, head) of the table.
        about: one line.
        said: what may be read from the figures, in sentences.
    """
    shown = [(key, title) for key, title in columns if any(key in row for row in rows)]
    names = [row["model"] for row in rows]
    colours = {name: shade(i) for i, name in enumerate(names)}
    made = {}
    if any(map(_on_plane, rows)):
        made["rate_distortion"] = _plane([row for row in rows if _on_plane(row)], colours)
    if any(curves.values()):
        made["rates"] = _rates(curves, colours)
    return render(
        "comparison",
        "zoo",
        title="Comparison",
        subtitle=about,
        verdict="\n".join(said),
        heads=["model", "verdict", *(title for _, title in shown)],
        rows=[[r["model"], r["verdict"], *(cell(r.get(key)) for key, _ in shown)] for r in rows],
        figures=made,
        captions=_CAPTIONS,
    )


def _on_plane(row) -> bool:
    return "rate" in row and "distortion" in row


def cell(value) -> str:
    """Mean and spread of a figure over the seeds; least to greatest of counts; - of none.

    Args:
        value: (mean, standard deviation or `None`, values), or `None`.
    """
    if value is None:
        return "-"
    mean, spread, values = value
    if all(isinstance(v, int) for v in values):
        low, high = min(values), max(values)
        return str(low) if low == high else f"{low} to {high}"
    return number(mean) if spread is None else f"{number(mean)} \u00b1 {spread:.2f}"


def _plane(rows, colours) -> bytes:
    figure = Figure(figsize=(6.5, 4.5))
    (axis,) = axes(figure, 1)
    points = [(row["rate"][2], row["distortion"][2]) for row in rows]
    for row in rows:
        of = {"color": colours[row["model"]], "label": row["model"]}
        axis.plot(row["rate"][2], row["distortion"][2], "o", ms=6, **of)
    rates = [r for rate, _ in points for r in rate]
    sums = [r + d for rate, distortion in points for r, d in zip(rate, distortion)]
    right = max(rates) * 1.1 + 0.1
    for total in (min(sums), max(sums)):
        axis.plot((0, right), (total, total - right), "--", color=GREY, linewidth=0.8)
    axis.set(xlabel="rate [nats]", ylabel="distortion [nats]", xlim=(-0.02 * right, right))
    return _named(figure, axis)


def _rates(curves, colours) -> bytes:
    figure = Figure(figsize=(6.5, 3.5))
    (axis,) = axes(figure, 1)
    for name, points in curves.items():
        if points:
            of = {"color": colours[name], "label": name}
            axis.plot(*zip(*points), "o-", ms=3, linewidth=1.2, **of)
    axis.set(xlabel="step", ylabel="rate [nats]")
    axis.set_ylim(bottom=0)
    return _named(figure, axis)


def _named(figure, axis) -> bytes:
    """The picture with its legend below: beside it, a long name would leave no room for the axes."""
    axis.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.14))
    return png(figure)
