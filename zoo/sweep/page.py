"""sweep.html: the best trial and its command, the objective over each setting, all trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from tfvae.diagnosis.drawing import BLUE, GREY, ORANGE, axes, png
from tfvae.diagnosis.page import render
from zoo.sweep.trials import Search

__all__ = ["html"]

_ACROSS = 3  # settings side by side
_CAPTIONS = {
    "settings": "Each point is a trial. The best is orange. Up is better where the axis says maximize.",
}


def html(search: Search, found: Sequence[Any], heads_rows, said: Sequence[str], best: str) -> str:
    """The page; it refers to nothing outside of its directory.

    Args:
        search: what is searched.
        found: `zoo.sweep.tables.Line`s, the best first.
        heads_rows: of the table.
        said: sentences.
        best: the command of the best trial, empty if there is none.
    """
    base = search.resolved()
    about = f"{base.dataset}, {base.backbone} ({base.size}), {base.train_steps:,} steps a run"
    seed = search.seeds[0]
    done = [line for line in found if line.value is not None]
    heads, rows = heads_rows
    return render(
        "sweep",
        "zoo",
        title=f"{base.model}: {len(found)} trials",
        subtitle=about,
        verdict="\n".join(said),
        best=best,
        heads=heads,
        rows=rows,
        links={
            str(line.number): f"trial_{line.number}_{seed}/report.html"
            for line in found
            if line.values
        },
        figures={"settings": _settings(search, done)} if done else {},
        captions=_CAPTIONS,
    )


def _settings(search: Search, done: Sequence[Any]) -> bytes:
    """The objective over each setting."""
    across = min(_ACROSS, len(search.space))
    down = -(-len(search.space) // across)
    figure = Figure(figsize=(2.6 * across, 2.6 * down), layout="constrained")
    every = axes(figure, across, down, sharey=True)
    for axis, one in zip(every, search.space):
        held = [(line.settings[one.name], line.value) for line in done if one.name in line.settings]
        x = [one.position(value) for value, _ in held]
        axis.plot(x, [value for _, value in held], "o", color=BLUE, ms=4, alpha=0.7)
        if one.name in done[0].settings:
            axis.plot(x[:1], [done[0].value], "o", color=ORANGE, ms=6, clip_on=False)
        one.mark(axis)
        axis.axhline(done[0].value, color=GREY, linewidth=0.8)
        axis.set_xlabel(one.name)
    for axis in every[len(search.space) :]:
        axis.set_visible(False)
    every[0].set_ylabel(f"{search.objective.name} ({search.objective.direction})")
    return png(figure)
