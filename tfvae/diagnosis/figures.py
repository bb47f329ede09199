"""The report's figures, as PNG bytes.

Legend: R rows, K columns, H W C image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from tfvae.daydream import daydream
from tfvae.diagnosis.drawing import BLUE, GREEN, GREY, ORANGE, VIOLET, png, shade
from tfvae.diagnosis.drawing import axes as make_axes
from tfvae.diagnosis.verdict import COLLAPSED_RATE
from tfvae.randomness import fold, seed_of

__all__ = [
    "MADE",
    "captions",
    "codes_on_a_plane",
    "collect",
    "examination",
    "figures",
    "grid",
    "mean_spaces",
]

CAPTIONS = {
    "curves": "Over the training: on training batches (line) and on validation data (dots).",
    "code_map": "The code of a test example each, on the plane of their two principal components (of a code "
    "of one or two numbers, as it is), coloured by the label where it is known.",
    "rate_per_group": "Rate of each latent group.",
    "mean_space": "Each point is a validation example: the mean of the posterior that the decoder "
    "implies (across) and of the encoder's (up), during the training. On the horizontal axis the "
    "encoder lags behind, on the diagonal it has caught up; all at the origin is collapse.",
    "bounds": "What a better posterior would gain (first to second bar: of how q is found) and what "
    "no posterior of the family reaches (second to third).",
    "active_units": "Units that count as active, by the threshold: a steep line is a doubtful count.",
    "reconstructions": "From above: test images; the likeliest image given the code of each "
    "(autoregressive decoders: pixel by pixel); a draw given the same code.",
    "samples": "Images drawn from the model: z from the prior, then x given z.",
    "one_latent": "Left: a test image. Beside it: images drawn given its code; they differ in the "
    "decoder's noise alone. What they share with the left one is what the code holds.",
    "interpolation": "From one test image's code to another's in equal steps (of arc, on a sphere), "
    "twice: the likeliest image, and below it a draw, with the same decoder noise at every step.",
    "daydream": "From a test image (left) to one like it, again and again: z from the prior given its "
    "code, x given z, and on with the code of that.",
    "spectrograms": "Up: frequency, to half the sampling rate; across: time; white is loud, black 60 dB "
    "below. From above: test recordings; a draw given the code of each; a draw at a lower temperature "
    "(without a latent: draws).",
    "voices": "Left: a test recording. Beside it: its codes decoded for each speaker.",
}
_TITLES = {
    "reconstructions": "test images | likeliest images given their codes | draws",
    "samples": "samples from the prior",
    "one_latent": "test image | samples that share its code",
    "interpolation": "interpolation between the codes of two test images",
    "daydream": "test image | each drawn near the code of the one before",
    "spectrograms": "test recordings | draws given their codes | draws, less noise",
    "voices": "test recording | its codes, each speaker",
}

MADE = tuple(_TITLES)
"""Names of figures of what the model makes; the others are about the training and the code."""

_MOST_CLASSES = 20


def captions(report: Mapping[str, Any]) -> dict[str, str]:
    """What stands below each picture of a report, {name: sentences}: what is drawn in this one."""
    said = [CAPTIONS["rate_per_group"]]
    levels = report.get("latent_units_per_level") or {}
    if len(levels) > 1:
        said.append(f"From the left: {', '.join(f'{n} of {name}' for name, n in levels.items())}.")
    if report.get("committed_rate_per_group") is not None:
        said.append("The lines are what the prior commits.")
    return {**CAPTIONS, "rate_per_group": " ".join(said)}


def collect(
    model,
    x: np.ndarray,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    columns: int = 8,
    label: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The images that the figures show: name -> [R, K, H, W, C], from 0 to 1.

    Args:
        model: a `tfvae.VAE`.
        x: test data [N, H, W, C] raw units; the test images shown are chosen at random.
        seed: equal seeds give equal images.
        progress: called with (rows done, rows) by autoregressive decoders.
        columns: K, at least 4.
        label: [N] of a conditional model; its samples are of each label in turn, a column each.
    """
    base = seed_of(seed)
    told = {} if label is None else {"label": np.arange(4 * columns) % columns % (label.max() + 1)}
    grid = {"samples": model.sample(4 * columns, fold(base, 0), progress=progress, **told)}
    if model.has_latent:
        rng = np.random.default_rng(seed & 0x7FFFFFFF)  # sorted sets would show one class
        rows = rng.choice(len(x), columns, replace=len(x) < columns)
        known = None if label is None else label[rows].astype(np.int32)
        grid.update(_of_codes(model, x[rows], fold(base, 1), progress, columns, known))
        if model.latent.neighbours() is not None:
            dream = daydream(model, x[rows[:4]], columns - 1, seed)
            grid["daydream"] = np.swapaxes(dream, 0, 1)
    levels = 1 if model.likelihood.bits is None else 2**model.likelihood.bits - 1
    shape = (-1, columns, *model.data_shape)
    return {k: np.asarray(v, np.float32).reshape(shape) / levels for k, v in grid.items()}


def _of_codes(model, shown, seed, progress, columns, label) -> dict[str, np.ndarray]:
    """Reconstructions, draws that share a code, and the ways between codes, raw units.

    The likeliest image of an autoregressive decoder is often blank where its draws are not, and the
    draws of a factorised one are noise around its mean: both are shown. On the way between two codes
    a label stays that of the first.
    """

    def told(rows):
        return {} if label is None else {"label": tf.constant(label[np.asarray(rows)])}

    means = np.asarray(model.encode(shown, **told(np.arange(columns))))
    own_label, firsts = told(np.arange(columns)), np.repeat(np.arange(4), columns - 1)
    shared = means[firsts]
    drawn = np.asarray(
        model.sample(seed=fold(seed, 0), z=shared, progress=progress, **told(firsts))
    )
    drawn = drawn.reshape(4, columns - 1, *shown.shape[1:])
    steps = np.linspace(0, 1, columns, dtype=np.float32).reshape(-1, *[1] * (means.ndim - 1))
    ways_of = [model.latent.between(means[i][None], means[i + 1][None], steps) for i in (0, 2)]
    paths = np.stack([np.asarray(way) for way in ways_of])
    codes = np.concatenate([means[:columns], *paths])
    ways = np.repeat([0, 2], columns)
    likeliest = np.asarray(model.decode(codes, progress=progress, **told([*range(columns), *ways])))
    likeliest = likeliest.reshape(3, columns, *shown.shape[1:])
    draw = tf.function(model.sample, autograph=False)  # one shape and seed: equal noise
    alike = np.stack(
        [
            draw(seed=fold(seed, 1), z=tf.constant(paths[:, k]), **told([0, 2]))
            for k in range(columns)
        ],
        1,
    )
    z = means[:columns]
    own = np.asarray(model.sample(seed=fold(seed, 2), z=z, progress=progress, **own_label))
    return {
        "reconstructions": np.stack([shown[:columns], likeliest[0], own]),
        "one_latent": np.concatenate([shown[:4, None], drawn], 1),
        "interpolation": np.stack([likeliest[1], alike[0], likeliest[2], alike[1]]),
    }


def figures(
    report: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    images: Mapping[str, np.ndarray],
    main: str | None = None,
    plane: tuple[np.ndarray, np.ndarray | None] | None = None,
) -> dict[str, bytes]:
    """All figures that the report shows, by name, as PNG.

    Args:
        report: what report.json holds.
        rows: metrics.jsonl.
        images: from `collect`.
        main: the stage of `rows` whose curves are drawn, with the rates of those after it; what
            prepared it is not (its codes may lie far from the prior, beside which nothing is seen).
            The first one if not given.
        plane: places of codes [N, 2], and their labels [N] where they are known.
    """
    made = {name: grid(images[name], title) for name, title in _TITLES.items() if name in images}
    made["curves"] = _curves(rows, report, main)
    if plane is not None:
        made["code_map"] = codes_on_a_plane(*plane)
    if report["rate_per_group"]:
        made["rate_per_group"] = _groups(
            report["rate_per_group"], report.get("committed_rate_per_group")
        )
    planes = [row for row in rows if row.get("mean_space")]
    if planes:
        made["mean_space"] = mean_spaces({"": planes})
    return made


def codes_on_a_plane(points: np.ndarray, labels: np.ndarray | None) -> bytes:
    """A point for each code, [N, 2], in the colour of its label [N] where there are few of them; PNG."""
    figure = Figure(figsize=(5.5, 4.5))
    axis = make_axes(figure, 1)[0]
    classes = [] if labels is None else np.unique(labels)
    if 1 < len(classes) <= _MOST_CLASSES:
        for place, label in enumerate(classes):
            of = {"color": shade(place), "label": str(label)}
            axis.plot(*points[labels == label].T, "o", ms=3, alpha=0.7, **of)
        axis.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    else:
        axis.plot(*points.T, "o", ms=3, alpha=0.6, color=BLUE)
    axis.set(aspect="equal", adjustable="datalim")
    return png(figure)


def _curves(rows, report, stage) -> bytes:
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    stage = stage or (stages or [None])[0]
    later = stages[stages.index(stage) + 1 :] if stage in stages else []
    main = [row for row in rows if row["stage"] == stage]
    names = ("distortion",) if report["rate"] is None else ("distortion", "rate")
    if report.get("distortion", 0.0) is None:  # there is no decoder
        names = ("rate",)
    figure = Figure(figsize=(4.5 * len(names), 3.2))
    axes = make_axes(figure, len(names))
    for axis, name in zip(axes, names):
        for kind, style, color in (("train", "-", BLUE), ("valid", "o", ORANGE)):
            points = [(row["step"], row[kind][name]) for row in main if name in row[kind]]
            label = {"train": "training", "valid": "validation"}[kind]
            axis.plot(*zip(*points) if points else ((), ()), style, ms=4, color=color, label=label)
        axis.set(title=f"{name} [nats]", xlabel="step")
    if "rate" in names:
        looks = [
            (r["step"], r["latent"].get("mutual_information")) for r in main if r.get("latent")
        ]
        known = [(step, nats) for step, nats in looks if nats is not None]
        if known:
            axes[-1].plot(*zip(*known), ".-", color=VIOLET, label="mutual information")
        _later_rates(axes[-1], rows, later, main[-1]["step"] if main else 0, report)
    axes[-1].legend(frameon=False, fontsize=9)
    return png(figure)


def _later_rates(axis, rows, stages, offset, report) -> None:
    """The rates of the stages after the main one, and the committed one, to see them beside it."""
    for stage in stages:
        later = [row for row in rows if row["stage"] == stage]
        steps = [offset + row["step"] for row in later]
        rates = [row["valid"]["rate"] for row in later]
        axis.plot(steps, rates, "s", ms=4, color=GREEN, label=stage.replace("_", " "))
    if report.get("committed_rate") is not None:
        axis.axhline(report["committed_rate"], color=GREY, linestyle="--", label="committed rate")
    axis.set_ylim(bottom=0)


_PLANES = 5


def examination(report: Mapping[str, Any], plane=None) -> dict[str, bytes]:
    """The figures of a diagnosis, by name, as PNG.

    Args:
        report: of a `Diagnosis`.
        plane: of `posterior_means`, for a z of one number or two.
    """
    made = {}
    if report["rate_per_group"]:
        made["rate_per_group"] = _groups(
            report["rate_per_group"], report.get("committed_rate_per_group")
        )
    if report.get("refined_elbo") is not None:
        made["bounds"] = _bounds(report)
    if report.get("active_units_sweep"):
        made["active_units"] = _sweep(report)
    if plane is not None:
        made["mean_space"] = mean_spaces({"": [{"mean_space": plane, "step": "now"}]})
    return made


def _bounds(report) -> bytes:
    """The bound as q is found, the best posteriors', and the likelihood: the gaps between them."""
    refined = report["refined_elbo"]
    values = [report["gap_elbo"], refined, refined + report["approximation_gap"]]
    figure = Figure(figsize=(5.5, 2.2))
    axis = make_axes(figure, 1)[0]
    low = min(values)
    axis.barh([2, 1, 0], [v - low for v in values], color=(BLUE, GREEN, GREY), height=0.6)
    axis.set_yticks([2, 1, 0], ["ELBO, as q is found", "ELBO, posteriors optimised", "log p(x)"])
    axis.set(xlabel=f"nats above {low:.2f}")
    return png(figure)


def _sweep(report) -> bytes:
    counts = report["active_units_sweep"]
    figure = Figure(figsize=(4.5, 2.6))
    axis = make_axes(figure, 1)[0]
    axis.semilogx([float(t) for t in counts], list(counts.values()), "o-", color=BLUE)
    axis.set(
        xlabel="variance of the posterior's mean above",
        ylabel="units",
        ylim=(0, report["latent_units"] * 1.05),
    )
    return png(figure)


def mean_spaces(lines: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    """Planes of posterior means during trainings, as PNG: of each the first, the last and some between.

    Args:
        lines: {name of a training: rows with `step` and `mean_space`, of `posterior_means`}; a line
            of the figure each, as many planes in each.
    """
    count = min(_PLANES, *(len(rows) for rows in lines.values()))
    figure = Figure(figsize=(2.4 * count, 2.6 * len(lines)))
    axes = make_axes(figure, count, len(lines), sharex=True, sharey=True)
    for line, (name, rows) in zip(axes.reshape(len(lines), count), lines.items()):
        places = np.linspace(0, len(rows) - 1, count).round().astype(int)
        for axis, row in zip(line, (rows[i] for i in places)):
            points = row["mean_space"]
            axis.plot((-3, 3), (-3, 3), "--", color=GREY, linewidth=0.8)
            axis.plot(points["true"], points["approximate"], "o", ms=3, alpha=0.6, color=BLUE)
            axis.set(title=f"step {row['step']}", xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
        line[0].set_ylabel("\n".join([*([name] if name else []), "encoder's mean"]))
    axes[-count].set_xlabel("true mean")
    return png(figure)


def _groups(rates, committed) -> bytes:
    figure = Figure(figsize=(min(9, 2.5 + 0.35 * len(rates)), 3))
    axis = make_axes(figure, 1)[0]
    place = np.arange(len(rates))
    axis.bar(place, rates, color=BLUE, width=0.7, label="rate")
    if committed is not None:
        axis.hlines(
            committed, place - 0.45, place + 0.45, color=ORANGE, linewidth=2.5, label="committed"
        )
        axis.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    axis.set(title="rate per latent group [nats]", xlabel="group")
    axis.set_ylim(top=max(axis.get_ylim()[1], COLLAPSED_RATE))  # nothing fills no picture
    if len(rates) <= 16:
        axis.set_xticks(place)
    return png(figure)


def grid(images: np.ndarray, title: str) -> bytes:
    """[R, K, H, W, C] from 0 to 1 as one picture; 1 is white."""
    rows, columns, height, width, channels = images.shape
    gap = max(1, height // 14)
    canvas = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 0.45)
    for r in range(rows):
        for k in range(columns):
            y, x = gap + r * (height + gap), gap + k * (width + gap)
            canvas[y : y + height, x : x + width] = images[r, k]
    canvas = np.clip(canvas, 0, 1)
    figure = Figure(figsize=(7, 7 * canvas.shape[0] / canvas.shape[1]))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.axis("off")
    axis.set_title(title, fontsize=12, pad=8)
    picture = canvas[..., 0] if channels == 1 else canvas
    axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    return png(figure)
