"""The search itself: trials are asked for, made, and told to Optuna, whose memory lies in <out>/sweep.db.

What a trial tries is a function of the seed, its number and what was told before: a search that is killed
asks for nothing twice, and goes on with the runs that were cut, as if it had never been killed.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from typing import Any

from tfvae.checks import UserError, one_line
from tfvae.training.run_directory import room
from zoo.command import console
from zoo.comparison.launchers import Launcher
from zoo.comparison.runs import refuse_others
from zoo.sweep.trials import Search, Tried, taken

__all__ = ["FAILED", "SETTINGS", "load_optuna", "memory", "search_on"]

FAILED = "failed"  # of a trial: in one line why
SETTINGS = "settings"  # [name, value] of each, as a command says it
_ATTEMPTS = 2  # at a run: what a machine did may not happen again, what the settings did will
_HOPELESS = 3  # trials, of which not one came to an end
_PATIENCE = 5  # trials that end before one may be cut


def load_optuna():
    """Optuna.

    Raises:
        UserError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise UserError("a sweep needs Optuna: pip install 'tfvae[sweep]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def memory(search: Search) -> Any:
    """The study that lies there, or a new one."""
    optuna = load_optuna()
    path = os.path.abspath(os.path.join(search.out, "sweep.db"))
    with room(path):
        os.makedirs(search.out, exist_ok=True)
    return optuna.create_study(
        storage=f"sqlite:///{path}",
        study_name="sweep",
        direction=search.objective.direction,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_PATIENCE),
        load_if_exists=True,
    )


def search_on(
    search: Search, study, launcher: Launcher, trials: int, at_once: int, prune, write
) -> int:
    """Makes trials until there are so many; 0, or 1 if one of them failed.

    Args:
        search: what is searched.
        study: its memory.
        launcher: makes the runs.
        trials: how many there are to be.
        at_once: how many are asked for together.
        prune: whether a trial ends early that is worse than the median of those before at its step.
        write: leaves what is known, after each batch.

    Raises:
        UserError: nothing that was tried came to an end.
    """
    write(study)
    while True:
        batch = _batch(search, study, trials, at_once)
        if not batch:
            break
        _make(search, study, launcher, batch, prune)
        write(study)
        ended = study.get_trials(deepcopy=False)
        failed = [t.user_attrs[FAILED] for t in ended if FAILED in t.user_attrs]
        if len(failed) == len(ended) >= min(_HOPELESS, trials):
            raise UserError(
                f"the first {len(failed)} trials failed; the last of them: {failed[-1]}"
            )
    return int(any(FAILED in t.user_attrs for t in study.get_trials(deepcopy=False)))


def _batch(search: Search, study, trials: int, at_once: int) -> list[Any]:
    """Trials of Optuna: those that were begun, or new ones."""
    optuna = load_optuna()
    known = study.get_trials(deepcopy=False)
    begun = [t for t in known if t.state == optuna.trial.TrialState.RUNNING]
    numbers = [t.number for t in begun]
    wanted = [
        optuna.trial.Trial(study, t._trial_id) for t in begun
    ]  # it has no public way back to one
    for number in range(len(known), min(trials, len(known) + at_once - len(begun))):
        # a sampler of its own for each: one that is made anew would repeat the first trials
        study.sampler = optuna.samplers.TPESampler(seed=search.seeds[0] + number)
        wanted.append(study.ask())
        numbers.append(number)
        taken(search, wanted[-1])
    return wanted


def _make(search: Search, study, launcher: Launcher, batch: Sequence[Any], prune: bool) -> None:
    tried: dict[int, Tried] = {}
    why: dict[int, str] = {}
    cut: dict[int, int] = {}
    for trial in batch:
        study.sampler = load_optuna().samplers.TPESampler(seed=search.seeds[0] + trial.number)
        try:
            settings = taken(search, trial)
            trial.set_user_attr(SETTINGS, settings)
            tried[trial.number] = Tried.of(search, trial.number, settings)
        except UserError as error:  # parts that do not fit each other
            why[trial.number] = str(error)
    refuse_others(list(tried.values()), search.out)
    owner = {
        task.workdir: trial
        for trial in batch
        if trial.number in tried
        for task in tried[trial.number].tasks(search)
    }

    def over(task) -> bool:
        trial = owner[task.workdir]
        return prune and trial.number not in cut and _worse(search, trial, task, cut)

    for _ in range(_ATTEMPTS):
        missing = [
            task
            for number, one in tried.items()
            if number not in cut
            for task in one.missing(search)
        ]
        if missing:
            failed: dict[str, str] = {}
            launcher.run(missing, search.out, _remember(failed), over if prune else None)
            for workdir, said in failed.items():
                why[owner[workdir].number] = said
    for trial in batch:
        _tell(search, study, trial, tried.get(trial.number), why, cut)


def _remember(failed: dict[str, str]):
    def ended(task, why: str | None) -> None:
        if why is not None:
            failed[task.workdir] = why

    return ended


def _worse(search: Search, trial, task, cut: dict[int, int]) -> bool:
    """Tells Optuna how the run goes; whether it is to end."""
    known = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    for step, value in search.objective.course(task.workdir):
        if step not in known:
            trial.report(value, step)
            if trial.should_prune():
                cut[trial.number] = step
                return True
    return False


def _tell(search: Search, study, trial, one: Tried | None, why, cut) -> None:
    state = load_optuna().trial.TrialState
    if trial.number in cut:
        study.tell(trial.number, state=state.PRUNED)
        return
    if one is not None and not one.missing(search):
        values = one.values(search)
        trial.set_user_attr("values", values)
        trial.set_user_attr("verdicts", one.verdicts(search))
        study.tell(trial.number, statistics.fmean(values))
        return
    said = one_line(why.get(trial.number, "its runs are not done"), 300)
    trial.set_user_attr(FAILED, said)
    console.say(f"trial {trial.number} failed: {said}")
    study.tell(
        trial.number, state=state.PRUNED
    )  # and not FAIL, from which the search would not learn
