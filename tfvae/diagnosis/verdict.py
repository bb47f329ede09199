"""The verdict: one word for a machine, one sentence for a person, two indicators for either."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tfvae.values import number

__all__ = ["extent", "levels", "sentence", "verdict"]

COLLAPSED_RATE = 0.1
"""nats: below it a code can hold nothing worth the name."""
USED_INFORMATION = 0.5
"""nats of mutual information: about a coin's toss for each example."""
USED_GAP = 0.1
"""nats that the decoder loses when it is given another example's code."""
COLLAPSED_GAP = 0.5
"""nats of the same: beside a rate below 0.1 it takes this much to say that the code is used."""
PARTLY = math.log(2.0)
"""nats: one question about x that is answered yes or no. With less information a code does not halve the
possible x, and with less of a gap another example's code makes x not even half as likely."""
FULLY = math.log(4.0)
"""nats: two such questions, the least at which a code tells several kinds of x apart."""


def verdict(report: Mapping[str, Any]) -> str:
    """`no latent`, `too early`, `collapse`, `unused rate`, `partial collapse` or `healthy`.

    too early: the report says why nothing can be said yet of the code's use.
    collapse: rate below 0.1 nats, and the decoder loses less than 0.5 nats by another example's code (a
    model without a decoder has no such second indicator). The information is none here, for it cannot
    exceed the rate.
    unused rate: nats are paid, but neither information (where it is known) nor the decoder's gap shows
    for it.
    partial collapse: the code is used, but fewer than half of its units (of its codebook) are.
    """
    if report["rate"] is None:
        return "no latent"
    if report.get("too_early"):
        return "too early"
    gap = 0.0 if report["shuffle_gap"] is None else report["shuffle_gap"]  # there is no decoder
    if report["rate"] < COLLAPSED_RATE and gap < COLLAPSED_GAP:
        return "collapse"
    information = report["mutual_information"]
    if (information is None or information < USED_INFORMATION) and gap < USED_GAP:
        return "unused rate"
    used, units, _ = _used(report)
    if used * 2 < units:
        return "partial collapse"
    return "healthy"


def extent(report: Mapping[str, Any]) -> str:
    """How far a code is used: `barely used`, `partly used` or `used`.

    Two figures speak: what the code tells about x (mutual information), and what the decoder loses
    with another example's code (the swap gap). barely: both are below ln 2 nats; used: both are at
    least ln 4; partly: anything else, such as information that the decoder does not ask for.
    """
    asked = (report["shuffle_gap"], report["mutual_information"])
    figures = [figure for figure in asked if figure is not None] or [report["rate"]]
    if max(figures) < PARTLY:
        return "barely used"
    return "used" if min(figures) >= FULLY else "partly used"


def _used(report: Mapping[str, Any]) -> tuple[int, int, str]:
    """How many of how many, and what they are called."""
    if report.get("num_codes") is not None:
        return report["codes_used"], report["num_codes"], "codes used"
    return report["active_units"], report["latent_units"], "units active"


def sentence(report: Mapping[str, Any]) -> str:
    """The verdict with its evidence."""
    kind = verdict(report)
    if kind == "no latent":
        exact = "exact" if report["nll_is_exact"] else "estimated"
        unit = (
            f"perplexity {number(report['perplexity'])}"
            if report.get("bits_per_dim") is None
            else f"{report['bits_per_dim']:.4f} bits/dim"
        )
        return f"No latent: {exact} NLL {number(report['nll'])} nats ({unit})."
    listens = report["shuffle_gap"] is not None  # there is a decoder
    head = {
        "collapse": f"Posterior collapse: the latent tells {'the decoder ' * listens}next to nothing",
        "unused rate": "Rate is paid, but the decoder does not use the latent"
        if listens
        else "Rate is paid, but the code tells next to nothing about x",
        "too early": f"Too early to say whether the latent is used ({report.get('too_early')})",
        "partial collapse": f"The latent is {extent(report)}, and fewer than half of its units or codes",
        "healthy": f"The latent is {extent(report)}",
    }[kind]
    committed = report.get("committed_rate")
    used, units, name = _used(report)
    floor = "" if committed is None else f" (committed: {number(committed)})"
    facts = [f"rate {number(report['rate'])} nats{floor}", _information(report)]
    facts.append(f"{used} of {units} {name}")
    held = f"{head}: {', '.join(facts)}"
    if listens:
        held += f"; another example's code costs {number(report['shuffle_gap'])} nats"
    return " ".join([f"{held}.", *_scores(report)])


def _scores(report: Mapping[str, Any]) -> list[str]:
    """What the model is good for, a sentence each."""
    found = []
    if report["nll"] is not None:
        given = ", given what the model is told" if report.get("given_label") else ""
        found.append(f"NLL {number(report['nll'])}{given}.")
    elif report.get("conditional_objective") is not None:
        found.append(
            f"Conditional objective {number(report['conditional_objective'])} nats (not an NLL)."
        )
    if report.get("accuracy_of_draws") is not None:
        found.append(f"Labels: {report['accuracy_of_draws']:.2%} right.")
    return found


def levels(report: Mapping[str, Any]) -> dict[str, str]:
    """What is known of each level of a z that has several, the top one first, {level: words}."""
    found = {}
    for name, rate in report.get("rate_per_level", {}).items():
        words = [f"rate {number(rate)} nats"]
        if name in report["active_units_per_level"]:
            units = report["latent_units_per_level"][name]
            words.append(f"{report['active_units_per_level'][name]} of {units} units active")
        if report["mutual_information_per_level"] is None:
            words.append(
                "mutual information unknown (it needs a density of every z on every level)"
            )
        else:
            information = report["mutual_information_per_level"][name]
            words.append(f"{number(information)} nats of information beyond the levels above")
        found[name] = ", ".join(words)
    return found


def _information(report: Mapping[str, Any]) -> str:
    """In words; it is unknown of a q(z|x) without a density of every z."""
    if report["mutual_information"] is None:
        return "mutual information unknown"
    most = report["mutual_information_ceiling"]
    return f"mutual information {number(report['mutual_information'])} of at most {most:.2f}"
