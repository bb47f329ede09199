"""comparison.html: the table, the plane of rate and distortion, and the rates over the training."""

from __future__ import annotations

import html as _html
from collections.abc import Sequence

from matplotlib import colormaps
from matplotlib.figure import Figure

from tfvae.diagnosis.drawing import GREY, axes, png
from tfvae.diagnosis.page import head, pictures

__all__ = ["cell", "html"]

_CAPTIONS = {
    "rate_distortion": "Each point is a run. Lines join what has the same ELBO: down and to the left is "
    "better, along a line it is a matter of taste. On the left edge the code is empty.",
    "rates": "Rate on validation data over the training, the first seed: when a code is lost, and for whom.",
}

# of tab20: the ten dark ones, then the ten light ones
_SHADES = (*range(0, 20, 2), *range(1, 20, 2))


def html(rows, curves, columns, about: str, said: Sequence[str]) -> str:
    """The page; it refers to nothing outside of itself.

    Args:
        rows: of `zoo.comparison.tables.results`, each with its `verdict`.
        curves: {model: [(step, rate)]}.
        columns: (key, head) of the table.
        about: one line.
        said: what may be read from the figures, in sentences.
    """
    text = _html.escape
    shown = [(key, title) for key, title in columns if any(key in row for row in rows)]
    parts = head("Comparison", about, "\n".join(said))
    parts.append(
        "<div class=w><table><tr><td>model<td>verdict"
        + "".join(f"<td class=n>{text(t)}" for _, t in shown)
    )
    for row in rows:
        cells = "".join(f"<td class=n>{_breakable(row.get(key))}" for key, _ in shown)
        # a name may hold all its settings: it breaks where one begins
        name = text(row["model"]).replace(":", ":<wbr>")
        parts.append(f"<tr><td>{name}<td>{text(row['verdict'])}{cells}")
    parts.append("</table></div>")
    made = {}
    names = [row["model"] for row in rows]
    colours = {name: colormaps["tab20"](_SHADES[i % 20]) for i, name in enumerate(names)}
    if any("rate" in row for row in rows):
        made["rate_distortion"] = _plane(rows, colours)
    if any(curves.values()):
        made["rates"] = _rates(curves, colours)
    return "\n".join([*parts, *pictures(made, _CAPTIONS), "</html>"])


def cell(value, sign: str = "+-") -> str:
    """Mean and spread of a figure over the seeds; least to greatest of counts; - of none.

    Args:
        value: (mean, standard deviation or `None`, values), or `None`.
        sign: between the two.
    """
    if value is None:
        return "-"
    mean, spread, values = value
    if all(isinstance(v, int) for v in values):
        low, high = min(values), max(values)
        return str(low) if low == high else f"{low} to {high}"
    return f"{mean:.2f}" if spread is None else f"{mean:.2f} {sign} {spread:.2f}"


def _breakable(value) -> str:
    """In a narrow window the spread comes below its mean."""
    return cell(value, "&plusmn;").replace(" ", "&nbsp;").replace("&nbsp;&plusmn;", " &plusmn;")


def _plane(rows, colours) -> bytes:
    figure = Figure(figsize=(6.5, 4.5))
    (axis,) = axes(figure, 1)
    points = [(row["rate"][2], row["distortion"][2]) for row in rows if "rate" in row]
    for row in rows:
        if "rate" in row:
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
