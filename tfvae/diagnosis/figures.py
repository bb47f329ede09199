"""The report's figures, as PNG bytes.

Legend: R rows, K columns, H W C image.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tfvae.randomness import fold, seed_of

__all__ = ["collect", "figures"]

_BLUE, _ORANGE, _GREEN, _GREY = "#2563a8", "#d9822b", "#3a8f5c", "#8a8f98"

CAPTIONS = {
    "curves": "Distortion and rate over the training, on training batches (line) and validation data (dots).",
    "rate_per_group": "Rate of each latent group; the line is the rate that its prior commits.",
    "reconstructions": "Above: test images. Below: decode(encode(x)).",
    "samples": "Images drawn from the model: z from the prior, then x given z.",
    "one_latent": "Each row shares one latent; its images differ in the decoder's noise alone. "
    "Rows that look alike inside and unlike among themselves show what the latent holds.",
    "interpolation": "From one test image's code to another's, in equal steps.",
}


def collect(
    model,
    x: np.ndarray,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    columns: int = 8,
) -> dict[str, np.ndarray]:
    """The images that the figures show: name -> [R, K, H, W, C] in raw units.

    Args:
        model: a `tfvae.VAE`.
        x: test data [N, H, W, C], N >= 2 * columns.
        seed: equal seeds give equal images.
        progress: called with (rows done, rows) by autoregressive decoders.
        columns: K.
    """
    base = seed_of(seed)
    shape = model.image_shape
    grid = {"samples": model.sample(4 * columns, fold(base, 0), progress=progress)}
    if model.has_latent:
        originals = x[: 2 * columns]
        means = np.asarray(model.encode(originals))
        rebuilt = np.asarray(model.decode(means, progress=progress))
        pairs = [originals[:columns], rebuilt[:columns], originals[columns:], rebuilt[columns:]]
        grid["reconstructions"] = np.stack(pairs)
        one = np.repeat(means[:4], columns, 0)
        grid["one_latent"] = model.sample(seed=fold(base, 1), z=one, progress=progress)
        steps = np.linspace(0, 1, columns).reshape(-1, *[1] * (means.ndim - 1))
        between = [means[i] * (1 - steps) + means[i + 1] * steps for i in (0, 2, 4, 6)]
        path = np.concatenate(between).astype(np.float32)
        grid["interpolation"] = model.decode(path, progress=progress)
    return {k: np.asarray(v).reshape(-1, columns, *shape) for k, v in grid.items()}


def figures(
    report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], images: Mapping[str, np.ndarray]
) -> dict[str, bytes]:
    """All figures that the report shows, by name, as PNG.

    Args:
        report: what report.json holds.
        rows: metrics.jsonl.
        images: from `collect`.
    """
    made = {"curves": _curves(rows, report)}
    if report["rate_per_group"]:
        made["rate_per_group"] = _groups(
            report["rate_per_group"], report.get("committed_rate_per_group")
        )
    for name in ("reconstructions", "samples", "one_latent", "interpolation"):
        if name in images:
            made[name] = _grid(images[name])
    return made


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, bbox_inches="tight", facecolor="white")
    return out.getvalue()


def _axes(figure: Figure, count: int, **more):
    axes = np.atleast_1d(figure.subplots(1, count, **more))
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25, linewidth=0.6)
    return axes


def _curves(rows, report) -> bytes:
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    main = [row for row in rows if row["stage"] == stages[0]] if stages else []
    names = ("distortion",) if report["rate"] is None else ("distortion", "rate")
    figure = Figure(figsize=(4.5 * len(names), 3.2))
    axes = _axes(figure, len(names))
    for axis, name in zip(axes, names):
        for kind, style, color in (("train", "-", _BLUE), ("valid", "o", _ORANGE)):
            points = [(row["step"], row[kind][name]) for row in main if name in row[kind]]
            label = {"train": "training", "valid": "validation"}[kind]
            axis.plot(*zip(*points) if points else ((), ()), style, ms=4, color=color, label=label)
        axis.set(title=f"{name} [nats]", xlabel="step")
    if len(names) == 2:
        _later_rates(axes[1], rows, stages[1:], main[-1]["step"] if main else 0, report)
    axes[-1].legend(frameon=False, fontsize=9)
    return _png(figure)


def _later_rates(axis, rows, stages, offset, report) -> None:
    """The rates of the stages after the first, and the committed one, to see them beside it."""
    for stage in stages:
        later = [row for row in rows if row["stage"] == stage]
        steps = [offset + row["step"] for row in later]
        rates = [row["valid"]["rate"] for row in later]
        axis.plot(steps, rates, "s", ms=4, color=_GREEN, label=stage.replace("_", " "))
    if report.get("committed_rate") is not None:
        axis.axhline(report["committed_rate"], color=_GREY, linestyle="--", label="committed rate")
    axis.set_ylim(bottom=0)


def _groups(rates, committed) -> bytes:
    figure = Figure(figsize=(min(9, 2.5 + 0.35 * len(rates)), 3))
    axis = _axes(figure, 1)[0]
    place = np.arange(len(rates))
    axis.bar(place, rates, color=_BLUE, width=0.7, label="rate")
    if committed is not None:
        axis.hlines(
            committed, place - 0.45, place + 0.45, color=_ORANGE, linewidth=2.5, label="committed"
        )
        axis.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    axis.set(title="rate per latent group [nats]", xlabel="group")
    if len(rates) <= 16:
        axis.set_xticks(place)
    return _png(figure)


def _grid(images: np.ndarray) -> bytes:
    """[R, K, H, W, C] as one picture; binary and byte images alike are shown white on black."""
    high = 255.0 if images.max() > 1.0 else 1.0
    rows, columns, height, width, channels = images.shape
    gap = max(1, height // 14)
    canvas = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 0.45)
    for r in range(rows):
        for k in range(columns):
            y, x = gap + r * (height + gap), gap + k * (width + gap)
            canvas[y : y + height, x : x + width] = images[r, k] / high
    canvas = np.clip(canvas, 0, 1)
    figure = Figure(figsize=(7, 7 * canvas.shape[0] / canvas.shape[1]))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.axis("off")
    axis.imshow(
        canvas[..., 0] if channels == 1 else canvas,
        cmap="gray",
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )
    return _png(figure)
