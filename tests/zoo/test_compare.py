"""The comparison: equal conditions, commands that can be pasted, tables of what is done, nothing twice."""

import csv
import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest

from tfvae.checks import UserError
from zoo import compare, console

SAME = {"dataset": "digits", "train_steps": 7, "batch_size": 8, "learning_rate": 1e-3}


def _entries(words, sets=(), seeds=2, **more):
    return compare.entries(words, sets, seeds, size="tiny", **SAME, **more)


def test_all_models_get_the_same_conditions():
    """Recipes have defaults of their own for all of these, and none may show."""
    found = _entries(["vae", "free_bits_vae", "delta_vae", "vq_vae", "sa_vae"])
    for name in ("dataset", "backbone", "size", "train_steps", "batch_size", "learning_rate"):
        assert len({getattr(p, name) for entry in found for p in entry.plans}) == 1, name
    assert [p.seed for p in found[0].plans] == [0, 1]


def test_a_model_that_stands_on_sgd_keeps_its_rate_unless_one_is_given_for_all():
    """Adam's rate would stand still under SGD."""
    rates = {}
    for rate in (None, 0.5):
        found = compare.entries(
            ["vae", "aggressive_vae", "aggressive_vae:optimizer=adam"],
            [],
            1,
            **{**SAME, "dataset": "pydoc", "learning_rate": rate},
        )
        rates[rate] = [entry.plans[0].learning_rate for entry in found]
    assert rates == {None: [1e-3, 1.0, 1e-3], 0.5: [0.5, 0.5, 0.5]}


def test_settings_reach_the_models_that_have_them_and_a_model_may_have_its_own():
    found = _entries(["vae", "beta_vae:beta=0.2", "pixelcnn"], ["latent_width=3"])
    assert [getattr(e.plans[0].settings, "latent_width", None) for e in found] == [3, 3, None]
    assert found[1].plans[0].settings.beta == 0.2 and found[0].plans[0].settings.beta == 1.0


@pytest.mark.parametrize(
    ("words", "sets", "says"),
    [
        (["vae", "vae"], [], "names one twice"),
        (["vae", "beta_vae"], ["beta=0.3"], "beta_vae and vae are the same model"),
        (
            ["vae"],
            ["latent_widht=3"],
            "no model of the comparison has a use for --set=latent_widht=3",
        ),
        (["vea"], [], "unknown model 'vea'"),
        (["vae:beta=much"], [], "beta"),
    ],
)
def test_wrong_comparisons_are_refused(words, sets, says):
    with pytest.raises(UserError, match=says):
        _entries(words, sets)


def _done(out, entry, seed, **figures):
    """A run directory that looks finished."""
    path = compare.folder(str(out), entry.name, seed)
    os.makedirs(path)
    report = {"seed": seed, "verdict": "healthy", "model": entry.name, **figures}
    with open(f"{path}/report.json", "w") as stream:
        json.dump(report, stream)
    with open(f"{path}/metrics.jsonl", "w") as stream:
        for step, rate in ((3, 2.0), (7, figures["rate"])):
            row = {"stage": "train", "step": step, "train": {}, "valid": {"rate": rate}}
            stream.write(json.dumps(row) + "\n")


def test_tables_hold_mean_and_spread_of_what_is_done(tmp_path):
    one, two = _entries(["vae", "beta_vae:beta=0.2"])
    _done(tmp_path, one, 0, nll=10.0, rate=1.0, distortion=9.5, active_units=3)
    _done(tmp_path, one, 1, nll=12.0, rate=3.0, distortion=8.5, active_units=5)
    text = compare.write([one, two], str(tmp_path), "about")
    line = next(line for line in text.splitlines() if line.startswith("| vae "))
    assert "| 11.00 +- 1.41 | 2.00 +- 1.41 | 9.00 +- 0.71 | 3 to 5 | healthy |" in line
    assert "| beta_vae:beta=0.2 | - | - | - | - |" in text
    rows = list(csv.DictReader((tmp_path / "comparison.csv").read_text().splitlines()))
    assert [row["nll"] for row in rows] == ["10.0", "12.0"]
    held = json.loads((tmp_path / "comparison.json").read_text())
    assert held[0]["nll"][0] == 11.0 and held[1]["seeds"] == 0
    page = (tmp_path / "comparison.html").read_text()
    assert page.count("data:image/png") == 2 and "http" not in page
    assert "<td>beta_vae:<wbr>beta=0.2" in page  # a long name may break there, and only there


def test_the_curve_of_a_model_is_that_of_its_main_stage(tmp_path):
    (entry,) = _entries(["wae_mmd"])
    _done(tmp_path, entry, 0, nll=10.0, rate=1.0, distortion=9.5, active_units=3)
    path = pathlib.Path(compare.folder(str(tmp_path), entry.name, 0)) / "metrics.jsonl"
    rows = path.read_text().splitlines()
    wanted = compare._curves(str(tmp_path), {"model": "wae_mmd"})
    before = json.dumps({"stage": "moments", "step": 9, "train": {}, "valid": {"rate": 300.0}})
    after = json.dumps({"stage": "auxiliary_prior", "step": 9, "train": {}, "valid": {"rate": 1}})
    path.write_text("\n".join([before, *rows, after]) + "\n")
    assert compare._curves(str(tmp_path), {"model": "wae_mmd"}) == wanted != []


def test_nothing_is_run_twice_and_what_was_begun_is_resumed(tmp_path, monkeypatch):
    one, two = _entries(["vae", "beta_vae"], seeds=1)
    _done(tmp_path, one, 0, nll=1.0, rate=1.0, distortion=1.0)
    begun = compare.folder(str(tmp_path), two.name, 0)
    os.makedirs(begun)
    open(f"{begun}/config.json", "w").close()
    ran = []

    class Done:
        returncode = 0

    def run(arguments, check):
        ran.append(arguments)
        return Done()

    monkeypatch.setattr(compare.subprocess, "run", run)
    assert compare.run_all([one, two], str(tmp_path)) == 0
    assert len(ran) == 1 and "--model=beta_vae" in ran[0] and ran[0][-1] == "--resume"
    Done.returncode = 1
    assert compare.run_all([one, two], str(tmp_path)) == 1


def test_runs_at_once_share_the_cores(tmp_path, monkeypatch):
    """Each of two runs waits for the other; with one after the other the barrier would break."""
    together = threading.Barrier(2, timeout=30)
    monkeypatch.setattr(compare, "_run", lambda words, workdir: together.wait() * 0)
    assert compare.run_all(_entries(["vae", "beta_vae"]), str(tmp_path), processes=2) == 0
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "")  # what is set here is undone
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
    monkeypatch.setattr(console.os, "cpu_count", lambda: 8)
    console.share_cores(1)
    assert "TF_NUM_INTRAOP_THREADS" not in os.environ
    console.share_cores(3)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "2"
    console.share_cores(100)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "1"


def test_the_commands_can_be_read_first():
    words = ["--models=vae,delta_vae", "--train_steps=5", "--seeds=2", "--print_only"]
    done = subprocess.run(
        [sys.executable, "-m", "zoo.compare", *words], capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 4
    assert all(line.startswith("python train_main.py --model=") for line in lines)
    timed = [*words[:1], "--budget_minutes=3", "--print_only"]
    done = subprocess.run(
        [sys.executable, "-m", "zoo.compare", *timed], capture_output=True, text=True
    )
    # no recipe's own number of steps is passed off as that of 3 minutes
    *lines, last = done.stdout.splitlines()
    assert done.returncode == 0 and all(" --train_steps=STEPS " in line for line in lines)
    assert len(lines) == 2 and last.startswith("# STEPS")
    again = [*words[:1], "--seeds=2"]
    done = subprocess.run(
        [sys.executable, "-m", "zoo.compare", *again], capture_output=True, text=True
    )
    assert done.returncode == 2 and "one of --train_steps and --budget_minutes" in done.stderr
