"""tfvae sweep --model=vae --vary=learning_rate=1e-4..1e-2:log --vary=beta=0.1..1.0 --trials=20

Searches settings of a model. All flags of `tfvae train` hold for each run, but for --workdir. Every trial
is a run directory, or several by --seeds; in --out also `sweep.md`, `.csv`, `.json`, `.html`, `sweep.db`.
Killed, the same command goes on where it was, with the runs that were cut; with more --trials it goes on
searching.

--vary=NAME=LOW..HIGH       a number; with :log behind it, as many in each octave
--vary=NAME=ONE,OTHER       one of these; with bars between, if a value holds a comma
NAME is a setting or a place of --set, or learning_rate, batch_size, size, backbone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from zoo.command import console, launch_flags

_NAME = "sweep"
_MOST = 100_000


def _arguments() -> argparse.ArgumentParser:
    parser = console.Arguments(f"python -m zoo.{_NAME}", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--vary", action="append", default=[], help="what is searched; repeatable")
    add("--trials", type=int, default=20, help="how many there are to be")
    add("--objective", default="valid_elbo", help="what is looked at: valid_NAME of the last evaluation "
        "on validation data, or a name of report.json, of test data")  # fmt: skip
    add("--direction", help="maximize or minimize, if the objective does not say it")
    add(
        "--prune",
        action="store_true",
        help="end trials that are worse than the median at their step",
    )
    add("--seeds", help="of each trial: how many, from 0 on; or these, with commas between")
    launch_flags.add_to(parser)
    add("--out", default="runs/sweep", help="where everything is left")
    add("--debug", action="store_true", help="print the traceback of whatever ends the command")
    return parser


def main(words=None) -> int:
    """0 if all trials are done, 1 if one of them failed, 2 for a wrong command."""
    asked, rest = _arguments().parse_known_args(words)
    launch_flags.share_cores(vars(asked))
    stopped = "stopped; the same command goes on where it was"
    return console.command(_NAME, lambda: _work(asked, rest), asked.debug, stopped)


def _work(asked, rest) -> int:
    from tfvae.checks import UserError, one_of, place, within
    from tfvae.training import RunLock
    from zoo.comparison import launchers
    from zoo.sweep import study as studies
    from zoo.sweep import tables

    within("--trials", asked.trials, 1, _MOST)
    if asked.direction is not None:
        from zoo.sweep.objective import DIRECTIONS

        one_of("--direction", asked.direction, DIRECTIONS)
    place("--out", asked.out)
    search = _search(asked, rest)
    launcher = launchers.make(asked.launcher, launch_flags.said(vars(asked)))
    if asked.processes is None and asked.launcher != launch_flags.LOCAL:
        raise UserError(f"--launcher={asked.launcher} of a sweep needs --processes: trials at once")
    if asked.prune:
        _refuse_pruning(search, launcher)
    studies.load_optuna()
    with RunLock(asked.out):
        _refuse_another(search, asked)
        study = studies.memory(search)
        known = len(study.get_trials(deepcopy=False))
        if known:
            console.say(f"{known} trials are there already; {asked.out}")
        status = studies.search_on(
            search, study, launcher, asked.trials, asked.processes or 1, asked.prune,
            lambda held: tables.write(search, held),
        )  # fmt: skip
        print(tables.write(search, study))
        console.say(os.path.join(asked.out, "sweep.html"))
        return status


def _search(asked, rest):
    """What is searched; everything that could be refused is refused here."""
    import train_main
    from tfvae.checks import UserError
    from zoo.command.seeds import seeds
    from zoo.sweep import space, trials
    from zoo.sweep.objective import Objective

    try:
        train_main.parse([_NAME, *rest])
    except train_main.flags.Error as error:
        raise UserError(str(error)) from error
    held = train_main.FLAGS
    for name in ("workdir", "resume", "describe"):
        if held[name].present:
            raise UserError(f"--{name} is of one run: a sweep lies in --out, and goes on by itself")
    if asked.seeds is not None and held["seed"].present:
        raise UserError("--seed is of one run: leave --seed or --seeds out")
    if not asked.vary:
        raise UserError(
            f"--vary is missing: e.g. --vary=learning_rate=1e-4..1e-2:log; {space.FORM}"
        )
    varied = [space.of(text) for text in asked.vary]
    names = [one.name for one in varied]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"--vary names {name} twice")
        fixed = name in space.FIELDS and held[name].present
        if fixed or any(text.partition("=")[0].strip() == name for text in held["set"].value or []):
            raise UserError(f"{name} is fixed by a flag and varied: leave one of them out")
    words = [w for w in train_main.given_words() if not w.startswith("--seed=")]
    numbers = seeds(asked.seeds) if asked.seeds is not None else [held["seed"].value or 0]
    objective = Objective.of(asked.objective, asked.direction)
    search = trials.Search(train_main.resolved, words, varied, numbers, objective, asked.out)
    return search._replace(space=trials.checked(search))


def _refuse_pruning(search, launcher) -> None:
    from tfvae.checks import UserError

    if not launcher.cuts:
        raise UserError("--prune ends runs that go on, which --launcher=local alone can")
    if len(search.seeds) > 1:
        raise UserError("--prune looks at one run a trial: leave --prune or --seeds out")
    names = ("elbo", "distortion", "rate", "loss", "mutual_information", "active_units")
    if search.objective.name.removeprefix("valid_") not in names:
        raise UserError(
            f"--prune: no evaluation of a training holds {search.objective.name!r}; it holds "
            f"{', '.join(names)}"
        )


def _refuse_another(search, asked) -> None:
    """Remembers what is searched; refuses where another search lies."""
    from tfvae.checks import UserError
    from tfvae.training import RunDirectory
    from tfvae.training.reading import json_object
    from tfvae.training.run_directory import write_atomically

    path = os.path.join(asked.out, "search.json")
    wanted: dict[str, Any] = {
        "words": list(search.words),
        "vary": {one.name: list(one)[1:] for one in search.space},
        "seeds": list(search.seeds),
        "objective": list(search.objective),
        "prune": asked.prune,
    }
    if os.path.exists(path):
        other = RunDirectory.difference(json_object(path), wanted)
        if other:
            raise UserError(
                f"{asked.out} is a search of something else: {other}; name another --out"
            )
    else:
        RunDirectory.refuse_other_run(asked.out)
        write_atomically(path, json.dumps(wanted, indent=1).encode())


if __name__ == "__main__":
    sys.exit(main())
