"""Runs are made elsewhere as they are made here: all of them once, what is queued is not queued again."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import threading

import pytest

from tests.zoo import fake_slurm, finished
from tfvae.checks import UserError
from zoo.comparison import command as compare
from zoo.comparison import launchers
from zoo.comparison.launchers import slurm
from zoo.comparison.launchers.launcher import Launcher, Task

SAME = {"dataset": "digits", "train_steps": 7, "batch_size": 8, "size": "tiny"}
ROOT = pathlib.Path(compare.__file__).parents[2]

# instead of Python: takes `-m zoo.comparison.task FILE NUMBER`, and leaves what lies prepared
_RUNNER = """#!/bin/sh
[ "$1 $2" = "-m zoo.comparison.task" ] && [ -f "$3" ] || exit 9
echo "$TF_NUM_INTRAOP_THREADS $SLURM_ARRAY_TASK_ID $(pwd)" >> "$FAKE/ran"
if [ -d "$FAKE/prepared/$4" ]; then cp -r "$FAKE/prepared/$4/." "$FAKE/../out"
else echo measuring; echo "no space left on the disk" >&2; exit 1; fi
"""


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A cluster whose array tasks take no time; what it keeps."""
    fake = fake_slurm.install(tmp_path, monkeypatch)
    runner = tmp_path / "python"
    runner.write_text(_RUNNER)
    runner.chmod(stat.S_IRWXU)
    monkeypatch.setattr(sys, "executable", str(runner))
    monkeypatch.setattr(slurm, "_LOOK", 0.05)
    (tmp_path / "out").mkdir()
    return fake


def _entries(seeds=3):
    return compare.entries(["vae"], [], range(seeds), **SAME)


def _prepare(cluster, number, plan):
    finished.leave(
        cluster / "prepared" / str(number) / f"vae_{plan.seed}",
        plan,
        nll=10.0 + plan.seed,
        rate=1.0,
        distortion=9.0,
    )


def test_an_array_makes_what_is_missing_and_says_what_failed(cluster, tmp_path, capfd):
    (entry,) = _entries()
    out = tmp_path / "out"
    finished.leave(out / "vae_1", entry.plans[1], nll=11.0, rate=1.0, distortion=9.0)
    _prepare(cluster, 0, entry.plans[0])  # of the array 0 is seed 0, and 1 is seed 2
    launcher = slurm.Slurm(processes=2, cores=3, gpus=1, sbatch=["--time=1:00:00"])
    assert compare.run_all([entry], str(out), launcher) == 1
    said = capfd.readouterr()
    log = out / "slurm" / "1" / "1.log"
    assert said.err.splitlines()[-1] == (
        f"failed: {out}/vae_2: no space left on the disk (see {log})"
    )
    assert log.read_text() == "measuring\nno space left on the disk\n"
    assert (cluster / "asked").read_text() == f"--parsable --time=1:00:00 {out}/slurm/1/array.sh\n"
    script = (out / "slurm" / "1" / "array.sh").read_text()
    for line in ("--array=0-1%2", "--cpus-per-task=3", "--gpus-per-task=1", "--requeue"):
        assert f"#SBATCH {line}\n" in script
    assert sorted((cluster / "ran").read_text().splitlines()) == [
        f"3 {i} {os.getcwd()}" for i in (0, 1)
    ]
    shown = json.loads((out / "comparison.json").read_text())
    assert shown[0]["nll"][2] == [10.0, 11.0]
    _prepare(cluster, 0, entry.plans[2])  # the only one now
    assert compare.run_all([entry], str(out), slurm.Slurm()) == 0
    assert json.loads((out / "comparison.json").read_text())[0]["nll"][2] == [10.0, 11.0, 12.0]


def test_what_is_in_the_queue_is_waited_for_and_not_handed_over_again(cluster, tmp_path, capfd):
    """A comparison that is stopped leaves its array; the next one adds the seeds that are new."""
    (two,), (three,) = _entries(2), _entries(3)
    out = str(tmp_path / "out")
    for plan in two.plans:
        _prepare(cluster, plan.seed, plan)
    (cluster / "hold").touch()

    def stopped(_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slurm.time, "sleep", stopped)
        with pytest.raises(KeyboardInterrupt):
            compare.run_all([two], out, slurm.Slurm())
    assert "scancel 101 ends it" in capfd.readouterr().err

    def go_on():
        shutil.rmtree(cluster / "prepared" / "0")
        _prepare(cluster, 0, three.plans[2])  # 0 of the second array; vae_0 comes from the first
        for plan in two.plans:
            finished.leave(
                tmp_path / "out" / f"vae_{plan.seed}",
                plan,
                nll=10.0 + plan.seed,
                rate=1.0,
                distortion=9.0,
            )
        (cluster / "prepared" / "1").rename(cluster / "gone")
        (cluster / "hold").unlink()

    threading.Timer(0.3, go_on).start()
    assert compare.run_all([three], out, slurm.Slurm()) == 0
    assert "2 runs are in the queue already" in capfd.readouterr().err
    held = json.loads((tmp_path / "out" / "slurm" / "2" / "tasks.json").read_text())
    assert [workdir for _, workdir in held["tasks"]] == [f"{out}/vae_2"]
    assert (cluster / "last").read_text() == "102\n"


def test_a_run_that_the_queue_makes_by_another_command_is_refused(cluster, tmp_path):
    (cluster / "hold").touch()
    (entry,) = _entries(1)
    launcher, task = slurm.Slurm(), Task(entry.plans[0], "one command", f"{tmp_path}/out/vae_0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slurm, "_wait", lambda *_: None)
        launcher.run([task], f"{tmp_path}/out", print)
    with pytest.raises(UserError, match="job 101 makes .*vae_0 by another command: one command"):
        launcher.run([task._replace(words="another")], f"{tmp_path}/out", print)
    (cluster / "hold").unlink()


@pytest.mark.parametrize(
    ("options", "path", "says"),
    [
        (["--partition=none"], None, "sbatch refuses: sbatch: error: invalid partition specified"),
        ([], "/nowhere", "needs sbatch, which is not here"),
    ],
)
def test_a_cluster_that_takes_nothing_is_one_line(
    cluster, tmp_path, monkeypatch, options, path, says
):
    if path is not None:
        monkeypatch.setenv("PATH", path)
    (entry,) = _entries(1)
    with pytest.raises(UserError, match=says):
        compare.run_all([entry], str(tmp_path / "out"), slurm.Slurm(sbatch=options))


def test_a_queue_that_does_not_answer_is_asked_again(monkeypatch, tmp_path, capfd):
    """What cannot be known has not ended: a run that still waits would be handed over twice."""
    answers = iter([(1, "", "Socket timed out"), (0, "0\n", ""), (0, "", "")])

    def answer(*_):
        return subprocess.CompletedProcess([], *next(answers))

    monkeypatch.setattr(slurm, "_done", answer)
    monkeypatch.setattr(slurm, "_LOOK", 0.0)
    task = Task(None, "", str(tmp_path / "vae_0"))
    job = slurm._Job("7", slurm.Batch(str(tmp_path), [task]))
    told = []
    slurm._wait([job], {task.workdir: task}, lambda _, why: told.append(why))
    assert len(told) == 1 and told[0].startswith("it said nothing") and next(answers, None) is None
    assert "squeue: Socket timed out; asked again" in capfd.readouterr().err


class Elsewhere(Launcher):
    """Of another package."""

    def run(self, tasks, out, ended):
        raise NotImplementedError


def test_launchers_are_found_by_lying_in_their_folder_and_come_from_elsewhere():
    assert launchers.names() == ["local", "ray", "slurm"]
    assert isinstance(launchers.make(f"{__name__}:Elsewhere", {}), Elsewhere)
    with pytest.raises(UserError, match="--cores is of --launcher=ray, slurm, and this is local"):
        launchers.make("local", {"cores": 2})


# ------------------------------------------------------------------ really


def _compare(out, *words, **more):
    fixed = ["--models=vae", "--dataset=digits", "--backbone=mlp", "--train_steps=20", "--seeds=2"]
    small = ["--batch_size=8", "--nll_samples=2", "--nll_examples=10", f"--out={out}"]
    words = [sys.executable, "-m", "zoo.compare", *fixed, *small, *words]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=600, **more)


def _figures(out):
    reports = [json.loads((out / f"vae_{seed}" / "report.json").read_text()) for seed in (0, 1)]
    return [{k: v for k, v in report.items() if k != "train_seconds"} for report in reports]


@pytest.mark.slow
def test_an_array_leaves_the_same_runs_as_this_machine(tmp_path, monkeypatch):
    fake_slurm.install(tmp_path, monkeypatch)
    here, there = tmp_path / "here", tmp_path / "there"
    assert _compare(here).returncode == 0
    done = _compare(there, "--launcher=slurm", "--processes=1")
    assert done.returncode == 0, done.stderr
    assert _figures(here) == _figures(there)


@pytest.mark.slow
def test_ray_leaves_the_same_runs_as_this_machine(tmp_path):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    here, there = tmp_path / "here", tmp_path / "there"
    assert _compare(here).returncode == 0
    done = _compare(there, "--launcher=ray")
    assert done.returncode == 0, done.stderr
    assert _figures(here) == _figures(there)
