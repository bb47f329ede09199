"""What several seeds of one model say: every figure with its mean, its spread and its standard error.

sd^2 = sum_i (x_i - mean)^2 / (n - 1),    standard error of the mean = sd / sqrt(n)
"""

from __future__ import annotations

import collections
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from zoo.comparison.tables import COLUMNS, is_number

__all__ = ["Spread", "sentences", "spreads", "table", "verdicts_table"]


class Spread(NamedTuple):
    """Of one figure over the seeds.

    Attributes:
        n: how many runs have it.
        mean: of them.
        sd: standard deviation; `None` of one.
        error: standard error of the mean; `None` of one.
        low, high: least and greatest.
    """

    n: int
    mean: float
    sd: float | None
    error: float | None
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value or more."""
        n, sd = len(values), statistics.stdev(values) if len(values) > 1 else None
        error = None if sd is None else sd / math.sqrt(n)
        return cls(n, statistics.fmean(values), sd, error, min(values), max(values))


def spreads(reports: Sequence[Mapping[str, Any]]) -> dict[str, Spread]:
    """Of each figure that is a number in one report or more, in the order of the reports."""
    found = {}
    for key in dict.fromkeys(name for report in reports for name in report if name != "seed"):
        values = [report[key] for report in reports if is_number(report.get(key))]
        if values:
            found[key] = Spread.of(values)
    return found


def sentences(reports: Sequence[Mapping[str, Any]], asked: int) -> list[str]:
    """How many runs are done, whether they agree, and what they came to."""
    said = [f"{len(reports)} of {asked} {'run is' if asked == 1 else 'runs are'} done."]
    verdicts = collections.Counter(report["verdict"] for report in reports)
    if not verdicts:
        return said
    counts = ", ".join(
        f"{name} {count} of {len(reports)}" for name, count in verdicts.most_common()
    )
    if len(verdicts) == 1:
        said.append(f"Every seed: {next(iter(verdicts))}.")
    else:
        said.append(
            f"The seeds do not agree: {counts}. A mean over runs of which some have lost the code "
            "describes none of them: look at each."
        )
    found = spreads(reports)
    shown = (("nll", "NLL"), ("elbo", "ELBO"), ("rate", "Rate"))
    return said + [f"{title} {_in_words(found[key])}" for key, title in shown if key in found]


def _in_words(one: Spread) -> str:
    if one.sd is None:
        return f"{one.mean:.2f} nats; of one seed there is no spread (--seeds=3 has one)."
    return (
        f"{one.mean:.2f} ± {one.sd:.2f} nats over {one.n} seeds (standard error {one.error:.2f})."
    )


def table(reports: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """(heads, rows): a row a figure."""
    found = spreads(reports)
    rows = [
        [title, *_cells(found[key])]
        for key, title in COLUMNS
        if key in found and key != "train_steps"
    ]
    return ["figure", "mean", "sd", "standard error", "least", "greatest", "seeds"], rows


def _cells(one: Spread) -> list[str]:
    figures = (one.mean, one.sd, one.error, one.low, one.high)
    return [*("-" if value is None else f"{value:.2f}" for value in figures), str(one.n)]


def verdicts_table(
    seeds: Sequence[int], reports: Mapping[int, Mapping[str, Any]]
) -> tuple[list[str], list[list[str]]]:
    """(heads, rows): a row a seed; of one that is not done its verdict is "not done"."""
    shown = [(k, t) for k, t in COLUMNS if any(is_number(r.get(k)) for r in reports.values())]
    rows = []
    for seed in seeds:
        report = reports.get(seed)
        if report is None:
            rows.append([str(seed), "not done", *("-" for _ in shown)])
            continue
        cells = [_figure(report.get(key)) for key, _ in shown]
        rows.append([str(seed), report["verdict"], *cells])
    return ["seed", "verdict", *(title for _, title in shown)], rows


def _figure(value: Any) -> str:
    if not is_number(value):
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.2f}"
