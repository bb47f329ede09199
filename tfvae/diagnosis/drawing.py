"""What all figures share."""

from __future__ import annotations

import io

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "VIOLET", "axes", "png", "shade"]

# all of them, and the ink, are seen on white and on black
BLUE, ORANGE, GREEN, GREY = "#3f7fc9", "#d9822b", "#3a8f5c", "#8a8f98"
VIOLET = "#8f73bd"
_INK = "#7d828a"
_SHADES = (
    *range(0, 20, 2),
    *range(1, 20, 2),
)  # of tab20: the ten dark ones, then the ten light ones


def shade(number: int):
    """The colour of the line or group of that number; twenty differ."""
    return colormaps["tab20"](_SHADES[number % len(_SHADES)])


def png(figure: Figure) -> bytes:
    """The figure's PNG, transparent, for a light page and a dark one."""
    FigureCanvasAgg(figure)
    for axis in figure.axes:
        axis.tick_params(colors=_INK, which="both")
        axis.spines[:].set_color(_INK)
        legend = axis.get_legend()
        written = [axis.title, axis.xaxis.label, axis.yaxis.label, *axis.texts]
        written += [axis.xaxis.offsetText, axis.yaxis.offsetText]
        for text in [*written, *([] if legend is None else legend.texts)]:
            text.set_color(_INK)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, bbox_inches="tight", transparent=True)
    return out.getvalue()


def axes(figure: Figure, count: int, lines: int = 1, **more):
    """`count` axes side by side in each line, plain; one array of all."""
    made = np.ravel(figure.subplots(lines, count, **more))
    for axis in made:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25, linewidth=0.6)
    return made
