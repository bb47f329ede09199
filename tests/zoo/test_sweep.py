"""A search of settings: what it tries, that a kill changes nothing, and what it says of the best."""

import dataclasses
import json
import math
import pathlib
import shlex
import subprocess
import sys
import time

import pytest
from absl import flags

import train_main
from tests.zoo import finished
from tests.zoo.cut import killed_and_whole
from tfvae import training
from tfvae.checks import UserError
from zoo.comparison.launchers import Launcher, local
from zoo.comparison.launchers.launcher import Task
from zoo.sweep import command, space, study, tables, trials
from zoo.sweep.objective import Objective

optuna = pytest.importorskip("optuna", reason="the extra sweep is not installed")

RUN = ("--model=vae", "--dataset=digits", "--backbone=mlp", "--train_steps=7", "--batch_size=8")
VARY = ("--vary=learning_rate=1e-4..1e-2:log", "--vary=beta=0.5..2.0")


def _best(plan):
    """A hill whose top is at learning rate 1e-3 and beta 1."""
    beta = plan.point["rate_weight"].beta
    return -(math.log10(plan.learning_rate / 1e-3) ** 2) - (beta - 1.0) ** 2 - 0.1 * plan.seed


@dataclasses.dataclass(frozen=True)
class Made(Launcher):
    """Leaves finished runs; stops like a killed command before run `kills`, and fails where told."""

    ran: list = dataclasses.field(default_factory=list)
    kills: int | None = None
    fails: tuple = ()

    def run(self, tasks, out, ended, over=None):
        for task in tasks:
            if self.kills == len(self.ran):
                raise KeyboardInterrupt
            self.ran.append(task)
            if pathlib.Path(task.workdir).name in self.fails:
                ended(task, "training stopped at step 3: loss is nan")
                continue
            value = _best(task.plan)
            finished.leave(task.workdir, task.plan, nll=-value, rate=1.0, distortion=9.0)
            row = {"stage": "train", "step": 7, "train": {}, "valid": {"elbo": value}}
            training.RunDirectory(task.workdir, {}).append_metrics(row)
            ended(task, None)


def _searched(out, *words, launcher=None, count=4, at_once=1):
    """(the search, its lines, the launcher) after so many trials."""
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    asked, rest = command._arguments().parse_known_args([*RUN, *words, f"--out={out}"])
    search, launcher = command._search(asked, rest), launcher or Made()
    command._refuse_another(search, asked)
    held = study.memory(search)
    study.search_on(search, held, launcher, count, at_once, asked.prune, lambda _: None)
    return search, tables.lines(search, held), launcher


# ------------------------------------------------------------------ what is tried


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("beta=0.1..2", space.Range("beta", 0.1, 2.0, False)),
        ("learning_rate=1e-4..1e-2:log", space.Range("learning_rate", 1e-4, 1e-2, True)),
        ("x=-3..-1", space.Range("x", -3.0, -1.0, False)),
        ("prior=normal,vamp", space.Choice("prior", ["normal", "vamp"])),
        ("free_bits=0.25,0.5", space.Choice("free_bits", ["0.25", "0.5"])),
        ("latent_grid=2,2|4,4", space.Choice("latent_grid", ["2,2", "4,4"])),
    ],
)
def test_what_is_varied_is_a_range_or_a_list(text, one):
    assert space.of(text) == one


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--vary is missing"),
        (["--vary=beta"], "--vary wants NAME=LOW..HIGH"),
        (["--vary=beta=2..1"], "wants a lower and a higher number"),
        (["--vary=beta=1..inf"], "wants a lower and a higher number"),
        (["--vary=beta=0..1:log"], "has no logarithm at 0"),
        (["--vary=beta=0.3"], "wants two values or more"),
        (["--vary=beta=1,1"], "wants two values or more, each once"),
        (["--vary=betta=0.1..1"], "did you mean beta"),
        (["--vary=beta=-1..1"], "'beta' must be"),
        (["--vary=beta=a,b"], "'beta' must be"),
        (["--vary=size=tiny,large"], "unknown size 'large'"),
        (["--vary=prior=normal,ar2"], "unknown prior 'ar2'"),
        (["--vary=num_pseudo_inputs=3..9"], "num_pseudo_inputs belongs to prior=vamp"),
        ([*VARY, "--learning_rate=1"], "learning_rate is fixed by a flag and varied"),
        ([*VARY, "--set=beta=1"], "beta is fixed by a flag and varied"),
        ([*VARY, VARY[0]], "--vary names learning_rate twice"),
        ([*VARY, "--workdir=x"], "--workdir is of one run"),
        ([*VARY, "--resume", "--workdir=x"], "is of one run"),
        ([*VARY, "--seed=1", "--seeds=2"], "--seed is of one run"),
        ([*VARY, "--objective=vald_elbo"], "does not say which way is better"),
        ([*VARY, "--objective=nll", "--direction=maximize"], "is better the other way"),
        ([*VARY, "--direction=up"], "unknown --direction 'up'"),
        ([*VARY, "--trials=0"], "--trials must be"),
        ([*VARY, "--prune", "--seeds=2"], "--prune looks at one run a trial"),
        ([*VARY, "--prune", "--objective=nll"], "no evaluation of a training holds 'nll'"),
        ([*VARY, "--prune", "--launcher=ray", "--processes=2"], "which --launcher=local alone can"),
        ([*VARY, "--launcher=slurm"], "needs --processes: trials at once"),
        ([*VARY, "--colour=red"], "Unknown command line flag 'colour'"),
    ],
)  # fmt: skip
def test_a_search_that_cannot_be_is_one_line(tmp_path, capfd, words, says):
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    assert command.main([*RUN, *words, f"--out={tmp_path}/a"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("sweep: ") and says in line, line
    assert not (tmp_path / "a").exists()


def test_each_trial_is_a_run_of_its_settings_by_a_command_to_paste(tmp_path):
    """A setting of one part is tried where that part is, and whole numbers stay whole."""
    words = ["--vary=prior=normal,vamp", "--vary=num_pseudo_inputs=3..9", "--vary=beta=1..2"]
    _, found, launcher = _searched(tmp_path, *words, "--set=latent_width=3", count=6)
    assert {line.settings["prior"] for line in found} == {"normal", "vamp"}
    for line in found:
        assert ("num_pseudo_inputs" in line.settings) == (line.settings["prior"] == "vamp")
        flags.FLAGS.unparse_flags()
        for name in flags.FLAGS:
            flags.FLAGS[name].unparse()
        train_main.parse(shlex.split(line.command)[1:])
        (task,) = (t for t in launcher.ran if t.workdir == f"{tmp_path}/trial_{line.number}_0")
        assert train_main.resolved() == task.plan
        prior = task.plan.point["prior"]
        assert prior.name == line.settings["prior"] and task.plan.point["code"].latent_width == 3
        if prior.name == "vamp":
            assert str(prior.num_pseudo_inputs) == line.settings["num_pseudo_inputs"]
    assert len({line.settings["beta"] for line in found}) > 2  # between 1 and 2: no whole numbers


# ------------------------------------------------------------------ the search


@pytest.mark.slow
def test_it_finds_the_top_of_a_hill(tmp_path):
    """Uniform draws come within 0.1 of the top with probability 0.1 a trial; the search stays there."""
    search, found, _ = _searched(tmp_path, *VARY, count=30)
    value = {line.number: line.value or -math.inf for line in found}
    assert value[found[0].number] == max(value.values()) > -0.02
    assert abs(float(found[0].settings["beta"]) - 1.0) < 0.15
    late, early = ([value[n] for n in numbers] for numbers in (range(20, 30), range(10)))
    assert sorted(late)[5] > sorted(early)[5]


@pytest.mark.parametrize("at_once", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_search_that_is_killed_ends_as_one_that_never_was(tmp_path, at_once):
    _, whole, _ = _searched(tmp_path / "whole", *VARY, count=4, at_once=at_once)
    first = Made(kills=2)
    with pytest.raises(KeyboardInterrupt):
        _searched(tmp_path / "cut", *VARY, launcher=first, count=4, at_once=at_once)
    _, cut, second = _searched(tmp_path / "cut", *VARY, count=4, at_once=at_once)
    assert [line[:4] for line in cut] == [line[:4] for line in whole]
    names = [pathlib.Path(t.workdir).name for t in (*first.ran, *second.ran)]
    assert names == [f"trial_{n}_0" for n in range(4)]  # nothing twice
    _, more, third = _searched(tmp_path / "cut", *VARY, count=5, at_once=at_once)
    assert len(more) == 5 and len(third.ran) == 1


def test_another_search_in_the_same_place_is_refused(tmp_path):
    _searched(tmp_path, *VARY, count=1)
    with pytest.raises(UserError, match=r"is a search of something else: its vary.beta"):
        _searched(tmp_path, VARY[0], "--vary=beta=0.5..3.0", count=1)
    with pytest.raises(UserError, match="its objective is "):
        _searched(tmp_path, *VARY, "--objective=nll", count=1)


def test_what_fails_twice_is_said_and_avoided_and_if_nothing_works_it_ends(tmp_path):
    launcher = Made(fails=("trial_1_0",))
    search, found, _ = _searched(tmp_path / "one", *VARY, launcher=launcher, count=4)
    names = [pathlib.Path(task.workdir).name for task in launcher.ran]
    assert names == ["trial_0_0", "trial_1_0", "trial_1_0", "trial_2_0", "trial_3_0"]
    assert found[-1].state == "failed: training stopped at step 3: loss is nan"
    assert "3 of 4 trials are done, 1 failed." in tables.sentences(search, found)
    every = Made(fails=tuple(f"trial_{n}_0" for n in range(9)))
    with pytest.raises(
        UserError, match="the first 3 trials failed; the last of them: training sto"
    ):
        _searched(tmp_path / "none", *VARY, launcher=every, count=9)
    assert len(every.ran) == 6


def test_a_trial_is_the_mean_of_its_seeds_and_doubt_is_said(tmp_path):
    search, found, launcher = _searched(tmp_path, *VARY, "--seeds=3", count=2)
    assert len(launcher.ran) == 6
    for line in found:
        assert line.value == pytest.approx(sum(line.values) / 3)
        assert line.values[0] - line.values[2] == pytest.approx(0.2)  # by the seed
    text = tables.write(search, study.memory(search))
    assert found[0].command in text and "two standard errors" in text
    held = json.loads((tmp_path / "sweep.json").read_text())
    assert [t["number"] for t in held["trials"]] == [line.number for line in found]
    page = (tmp_path / "sweep.html").read_text()
    assert f'href="trial_{found[0].number}_0/report.html"' in page and "data:image/png" in page


def test_what_is_chosen_by_test_data_is_said_and_a_figure_that_no_run_has_lists_the_others(
    tmp_path,
):
    search, found, _ = _searched(tmp_path / "a", *VARY, "--objective=nll", count=2)
    assert found[0].values[0] < found[1].values[0]  # the lower one is better
    assert any("a figure of test data" in said for said in tables.sentences(search, found))
    with pytest.raises(UserError, match="a run here has no number 'valid_kl'; it has .*valid_elbo"):
        _searched(tmp_path / "b", *VARY, "--objective=valid_kl", "--direction=maximize", count=2)


def test_a_run_that_is_worse_than_the_median_is_cut(tmp_path):
    """The first five show the way; the sixth is worse at its first evaluation, the seventh is not."""
    (tmp_path / "out").mkdir()
    objective = Objective.of("valid_elbo", None)
    search = trials.Search(
        lambda: None, [], [space.of(VARY[1][7:])], [0], objective, str(tmp_path / "out")
    )
    held = study.memory(search)
    course = {n: [-3.0, -1.0] for n in range(5)} | {5: [-9.0, -1.0], 6: [-2.0, -1.0]}
    cut: dict[int, int] = {}
    for number, values in course.items():
        trial = held.ask()
        workdir = str(tmp_path / f"trial_{number}_0")
        for step, value in zip((3, 7), values):
            row = {"stage": "train", "step": step, "train": {}, "valid": {"elbo": value}}
            directory = training.RunDirectory(workdir, {})
            pathlib.Path(workdir).mkdir(exist_ok=True)
            directory.append_metrics(row)
            if study._worse(search, trial, Task(None, "", workdir), cut):
                break
        if number not in cut:
            held.tell(number, values[-1])
    assert cut == {5: 3}


def test_a_process_whose_run_is_over_is_ended(tmp_path, monkeypatch):
    program = tmp_path / "program.py"
    program.write_text("import time; time.sleep(60)")
    popen = subprocess.Popen
    monkeypatch.setattr(
        "zoo.comparison.runs.subprocess.Popen",
        lambda _, **more: popen([sys.executable, str(program)], **more),
    )
    monkeypatch.setattr(local, "_LOOK", 0.05)
    told, begun = [], time.monotonic()
    task = Task(None, "python train_main.py", str(tmp_path / "run"))
    local.Local().run([task], str(tmp_path), lambda _, why: told.append(why), lambda _: True)
    assert told == ["killed by SIGTERM; it said nothing"] and time.monotonic() - begun < 30


# ------------------------------------------------------------------ really


@pytest.mark.slow
def test_trainings_that_are_killed_go_on_and_the_search_is_the_same(tmp_path):
    fixed = [*RUN[:3], "--train_steps=40", "--batch_size=8", "--nll_samples=2", "--nll_examples=10"]
    words = ["-m", "zoo.sweep", *fixed, *VARY, "--trials=2"]
    cut, whole = killed_and_whole(words, tmp_path, "trial_1_0")

    def shown(out):
        held = json.loads((out / "sweep.json").read_text())["trials"]
        return [(line["number"], line["value"], line["settings"]) for line in held]

    assert shown(cut) == shown(whole) and len(shown(cut)) == 2
