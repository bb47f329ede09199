"""tfvae curve --model=vae --betas=0.1,0.3,1,3,10 --seeds=2

The rate-distortion curve of a model: it is trained once for each weight beta of its rate, and the points are
drawn. All flags of `tfvae train` hold for each run, but for --workdir. Every run is kept in --out, which also
has `curve.md`, `.csv`, `.json`, `.html` and `.png`. Killed, the same command goes on where it was; more
betas or seeds are added to what is there.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

from zoo.command import console, launch_flags

_NAME = "curve"
_MOST = 1000  # betas


class Point(NamedTuple):
    """A beta with the plans of its seeds; see `zoo.comparison.command.Entry`."""

    name: str
    plans: list[Any]
    beta: float


def _arguments() -> argparse.ArgumentParser:
    parser = console.Arguments("tfvae curve", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--betas", required=True, help="weights of the rate, with commas between")
    add("--seeds", help="of each beta: how many, from 0 on; or these, with commas between")
    launch_flags.add_to(parser)
    add("--out", default="runs/curve", help="where everything is left")
    add("--print_only", action="store_true", help="print the commands, run nothing")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


def main(words=None) -> int:
    """0 if all runs are done, 1 if one of them failed, 2 for a wrong command."""
    asked, rest = _arguments().parse_known_args(words)
    launch_flags.share_cores(vars(asked))
    stopped = "stopped; the same command goes on where it was"
    return console.command(_NAME, lambda: _work(asked, rest), asked.debug, stopped)


def _work(asked, rest) -> int:
    from tfvae.checks import place
    from tfvae.training import RunLock
    from zoo.comparison import launchers
    from zoo.comparison.launchers.launcher import Task
    from zoo.comparison.running import run_missing
    from zoo.comparison.runs import folder
    from zoo.sweep import curve_page

    place("--out", asked.out)
    points, words = _points(asked, rest)
    launcher = launchers.make(asked.launcher, launch_flags.said(vars(asked)))
    tasks = [
        Task(plan, _command(words, point, plan, where), where)
        for plans in zip(*(point.plans for point in points))
        for point, plan in zip(points, plans)
        for where in [folder(asked.out, point.name, plan.seed)]
    ]
    if asked.print_only:
        print("\n".join(task.words for task in tasks))
        return 0
    with RunLock(asked.out):
        status = run_missing(
            points, tasks, asked.out, launcher, lambda: curve_page.write(points, asked.out)
        )
        console.say(os.path.join(asked.out, "curve.html"))
        return status


def _command(words: Sequence[str], point: Point, plan, workdir: str) -> str:
    own = [f"--set=beta={point.beta:g}", f"--seed={plan.seed}", f"--workdir={workdir}"]
    return shlex.join(["python", "train_main.py", *words, *own])


def _points(asked, rest) -> tuple[list[Point], list[str]]:
    """The points, the least beta first, and the flags of each run; what could be refused is refused here."""
    import dataclasses

    import train_main
    from tfvae.checks import UserError
    from zoo.command.seeds import seeds

    try:
        train_main.parse([_NAME, *rest])
    except train_main.flags.Error as error:
        raise UserError(str(error)) from error
    held = train_main.FLAGS
    for name in ("workdir", "resume", "describe"):
        if held[name].present:
            raise UserError(f"--{name} is of one run: a curve lies in --out, and goes on by itself")
    if asked.seeds is not None and held["seed"].present:
        raise UserError("--seed is of one run: leave --seed or --seeds out")
    if any(text.partition("=")[0].strip() == "beta" for text in held["set"].value or []):
        raise UserError("beta is what a curve runs over: leave --set=beta out")
    numbers = seeds(asked.seeds) if asked.seeds is not None else [held["seed"].value or 0]
    points = []
    for beta in _betas(asked.betas):
        first = train_main.resolved([f"beta={beta:g}"])
        if getattr(first.point["rate_weight"], "beta", None) != beta:
            raise UserError(f"beta of {first.model} is no weight of its rate: it has no such curve")
        plans = [dataclasses.replace(first, seed=number) for number in numbers]
        points.append(Point(f"{first.model}:beta={beta:g}", plans, beta))
    words = [w for w in train_main.given_words() if not w.startswith("--seed=")]
    return points, words


def _betas(text: str) -> list[float]:
    from tfvae.checks import UserError, within

    try:
        found = sorted(float(f"{float(word):g}") for word in text.split(","))
    except ValueError as error:
        raise UserError(
            f"--betas must be numbers with commas between, got {text[:80]!r}"
        ) from error
    for beta in found:
        within("a beta of --betas", beta, 0.0, 1e6)
        if found.count(beta) > 1:
            raise UserError(f"--betas names {beta:g} twice")
    within("the number of --betas", len(found), 2, _MOST)
    return found
