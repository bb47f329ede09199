"""A hook of MkDocs: a `mermaid` block is drawn as SVG when the documentation is built.

Material would fetch mermaid.js from another host when a reader opens the page. A page of ours fetches
nothing. Of the language of Mermaid this reads what our drawings use: `graph TD` and lines `one --> other`.

Layers (Sugiyama, Tagawa and Toda 1981): a node stands below all that point to it, an arrow over several
layers has a point in each between, and nodes are sorted and shifted towards the mean of their neighbours,
as long as fewer arrows cross.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from typing import NamedTuple

LETTER, HEIGHT, GAP, LAYER = (
    7.3,
    28,
    16,
    62,
)  # pixels: a letter, a box, between boxes, between layers
_SWEEPS = 24

Point = tuple[int, str]
"""A node or a bend of an arrow: (layer, name)."""


class Graph(NamedTuple):
    """Points and the lines between neighbouring layers.

    Attributes:
        layers: of each layer its points, from left to right.
        edges: (upper point, lower point).
        arrows: the points of each arrow, from above to below.
    """

    layers: list[list[Point]]
    edges: list[tuple[Point, Point]]
    arrows: list[list[Point]]


def read(source: str) -> list[tuple[str, str]]:
    """The arrows of a drawing.

    Raises:
        ValueError: a line that is something else.
    """
    first, *lines = (line.strip() for line in source.strip().splitlines())
    found = [re.fullmatch(r"([\w.]+) --> ([\w.]+)", line) for line in lines]
    if first != "graph TD" or None in found:
        raise ValueError(f"expected `graph TD` and lines `one --> other`, got\n{source}")
    return [(match[1], match[2]) for match in found if match]


def layered(arrows: list[tuple[str, str]]) -> Graph:
    """Which layer each node is on, with bends where an arrow passes a layer."""
    above, below = defaultdict(set), defaultdict(set)
    for one, other in arrows:
        below[one].add(other)
        above[other].add(one)

    def depth(name: str) -> int:
        return max((depth(each) + 1 for each in above[name]), default=0)

    names = dict.fromkeys(name for arrow in arrows for name in arrow)
    layer = {name: depth(name) for name in names}
    for name in names:  # what nobody points to stands just above what it points to
        if not above[name]:
            layer[name] = min(layer[other] for other in below[name]) - 1
    lines = []
    for one, other in arrows:
        bends = [(i, f"{one} {other}") for i in range(layer[one] + 1, layer[other])]
        lines.append([(layer[one], one), *bends, (layer[other], other)])
    points = dict.fromkeys(point for line in lines for point in line)
    layers = [[p for p in points if p[0] == i] for i in range(max(layer.values()) + 1)]
    return _untangled(
        Graph(layers, [pair for line in lines for pair in zip(line, line[1:])], lines)
    )


def crossings(graph: Graph) -> int:
    """How often two lines between the same layers cross."""
    place = {point: i for layer in graph.layers for i, point in enumerate(layer)}
    lines = [(one[0], place[one], place[other]) for one, other in graph.edges]
    pairs = ((a, b) for i, a in enumerate(lines) for b in lines[i + 1 :] if a[0] == b[0])
    return sum((a[1] - b[1]) * (a[2] - b[2]) < 0 for a, b in pairs)


def _untangled(graph: Graph) -> Graph:
    best, held = graph, graph
    for sweep in range(_SWEEPS):
        near = _neighbours(graph, upwards=sweep % 2 == 0)
        place = {point: i for layer in held.layers for i, point in enumerate(layer)}
        layers = []
        for layer in held.layers:
            wanted = {p: _mean([place[q] for q in near[p]], place[p]) for p in layer}
            layers.append(sorted(layer, key=wanted.__getitem__))
        held = held._replace(layers=layers)
        best = min(best, held, key=crossings)
    return best


def _neighbours(graph: Graph, upwards: bool) -> dict[Point, list[Point]]:
    near = defaultdict(list)
    for one, other in graph.edges:
        near[other if upwards else one].append(one if upwards else other)
    return near


def _mean(numbers: list[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise


def width(point: Point) -> float:
    """Of a box; a bend needs none."""
    return 0.0 if " " in point[1] else LETTER * len(point[1]) + 18


def placed(graph: Graph) -> dict[Point, float]:
    """The middle of each point from the left, so that boxes do not touch."""
    x = {}
    for layer in graph.layers:
        left = 0.0
        for point in layer:
            x[point] = left + width(point) / 2
            left += width(point) + GAP
    near = [_neighbours(graph, upwards) for upwards in (True, False)]
    for sweep in range(_SWEEPS):
        for layer in graph.layers:
            wanted = [_mean([x[q] for q in near[sweep % 2][p]], x[p]) for p in layer]
            x |= dict(zip(layer, _apart(layer, wanted)))
    least = min(x[p] - width(p) / 2 for p in x)
    return {point: at - least + GAP for point, at in x.items()}


def _apart(layer: list[Point], wanted: list[float]) -> list[float]:
    """Near what is wanted, in this order: the mean of pushing to the right and pushing to the left."""
    right, left = list(wanted), list(wanted)
    room = [(width(p) + width(q)) / 2 + GAP for p, q in zip(layer, layer[1:])]
    for i, least in enumerate(room):
        right[i + 1] = max(right[i + 1], right[i] + least)
    for i, least in reversed(list(enumerate(room))):
        left[i] = min(left[i], left[i + 1] - least)
    return [(a + b) / 2 for a, b in zip(left, right)]


def svg(source: str) -> str:
    """The drawing, in the colours of the page."""
    graph = layered(read(source))
    x = placed(graph)
    y = {point: GAP + point[0] * LAYER for point in x}
    wide = max(x[p] + width(p) / 2 for p in x) + GAP
    high = max(y.values()) + HEIGHT + GAP
    parts = [
        f'<svg class="drawing" viewBox="0 0 {wide:.0f} {high:.0f}" role="img" '
        'xmlns="http://www.w3.org/2000/svg" fill="none" stroke="currentColor" '
        f'style="display: block; width: 100%; max-width: {wide:.0f}px">',
        '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0 0L8 4L0 8z" fill="currentColor" stroke="none"/></marker>',
    ]
    for line in graph.arrows:
        parts.append(f'<path d="{_path(line, x, y)}" opacity=".55" marker-end="url(#tip)"/>')
    for point in (p for p in x if width(p)):
        left = x[point] - width(point) / 2
        parts.append(
            f'<rect x="{left:.1f}" y="{y[point]}" width="{width(point):.1f}" height="{HEIGHT}" rx="5"/>'
            f'<text x="{x[point]:.1f}" y="{y[point] + 18}" text-anchor="middle" fill="currentColor" '
            f'stroke="none" font-family="monospace" font-size="12">{html.escape(point[1])}</text>'
        )
    return "\n".join([*parts, "</svg>"])


def _path(line: list[Point], x: dict[Point, float], y: dict[Point, int]) -> str:
    """From the lower edge of the first box to the upper edge of the last, upright at each layer."""
    said = [f"M{x[line[0]]:.1f} {y[line[0]] + HEIGHT}"]
    for one, other in zip(line, line[1:]):
        top, bottom, half = y[one] + HEIGHT, y[other], (LAYER - HEIGHT) / 2
        bend = f"C{x[one]:.1f} {top + half:.1f} {x[other]:.1f} {bottom - half:.1f}"
        said.append(f"{bend} {x[other]:.1f} {bottom}")
        if other != line[-1]:
            said.append(f"V{bottom + HEIGHT}")
    return " ".join(said)


def on_config(config):
    """MkDocs asks for it: SuperFences hands blocks of `mermaid` to `svg`."""
    fence = {
        "name": "mermaid",
        "class": "drawing",
        "format": lambda source, *_, **__: svg(source),
    }
    config["mdx_configs"]["pymdownx.superfences"] = {"custom_fences": [fence]}
    return config
