"""What all figures share."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "VIOLET", "axes", "png"]

BLUE, ORANGE, GREEN, GREY = "#2563a8", "#d9822b", "#3a8f5c", "#8a8f98"
VIOLET = "#7b5ea7"


def png(figure: Figure) -> bytes:
    """The figure's PNG."""
    FigureCanvasAgg(figure)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, bbox_inches="tight", facecolor="white")
    return out.getvalue()


def axes(figure: Figure, count: int, lines: int = 1, **more):
    """`count` axes side by side in each line, plain; one array of all."""
    made = np.ravel(figure.subplots(lines, count, **more))
    for axis in made:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25, linewidth=0.6)
    return made
