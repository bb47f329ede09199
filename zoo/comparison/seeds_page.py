"""seeds.html: what the seeds of one model say, each run with its verdict and a way to its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from tfvae.diagnosis.drawing import BLUE, GREY, ORANGE, axes, png
from tfvae.diagnosis.page import render
from zoo.comparison.spread import Spread
from zoo.comparison.tables import is_number

__all__ = ["figures", "html"]

_SHOWN = (
    ("nll", "NLL [nats]"),
    ("rate", "rate [nats]"),
    ("mutual_information", "mutual information [nats]"),
)
_CAPTIONS = {
    "seeds": "Each point is a seed. The line is their mean; the band, of two seeds or more, reaches two "
    "standard errors of it to each side.",
    "rates": "Rate on validation data over the training, a line a seed.",
}


def figures(
    reports: Mapping[int, Mapping[str, Any]], curves: Mapping[int, Any]
) -> dict[str, bytes]:
    """PNG by name.

    Args:
        reports: by seed.
        curves: {seed: [(step, rate)]}.
    """
    made = {}
    shown = [(k, t) for k, t in _SHOWN if any(is_number(r.get(k)) for r in reports.values())]
    if shown:
        made["seeds"] = _points(reports, shown)
    if any(curves.values()):
        made["rates"] = _rates(curves)
    return made


def _points(reports, shown) -> bytes:
    figure = Figure(figsize=(2.6 * len(shown), 3.2), layout="constrained")
    for axis, (key, title) in zip(axes(figure, len(shown)), shown):
        held = {s: r[key] for s, r in reports.items() if is_number(r.get(key))}
        found = Spread.of(list(held.values()))
        if found.error is not None:
            axis.axhspan(
                found.mean - 2 * found.error, found.mean + 2 * found.error, color=BLUE, alpha=0.15
            )
        axis.axhline(found.mean, color=GREY, linewidth=0.9)
        axis.plot(range(len(held)), list(held.values()), "o", color=ORANGE, ms=5)
        axis.set_xticks(range(len(held)), [str(seed) for seed in held])
        axis.set(xlabel="seed", title=title)
        axis.title.set_fontsize(10)
    return png(figure)


def _rates(curves) -> bytes:
    figure = Figure(figsize=(6.5, 3.2))
    (axis,) = axes(figure, 1)
    for seed, points in curves.items():
        if points:
            axis.plot(*zip(*points), "o-", ms=3, linewidth=1.1, label=f"seed {seed}")
    axis.set(xlabel="step", ylabel="rate [nats]")
    axis.set_ylim(bottom=0)
    if len(curves) <= 10:
        axis.legend(frameon=False, fontsize=8)
    return png(figure)


def html(
    title: str,
    about: str,
    said: Sequence[str],
    every: tuple[list[str], list[list[str]]],
    over: tuple[list[str], list[list[str]]],
    links: Mapping[str, str],
    drawn: Mapping[str, bytes],
) -> str:
    """The page; it refers to nothing outside of its directory.

    Args:
        title, about: its head.
        said: sentences.
        every: (heads, rows) of the seeds.
        over: (heads, rows) of the figures over the seeds.
        links: {seed: the report of its run}.
        drawn: PNG by name.
    """
    return render(
        "seeds",
        "zoo",
        title=title,
        subtitle=about,
        verdict="\n".join(said),
        every=every,
        over=over,
        links=links,
        figures=drawn,
        captions=_CAPTIONS,
    )
