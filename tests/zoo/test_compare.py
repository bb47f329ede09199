"""The comparison: equal conditions, commands that can be pasted, tables of what is done, nothing twice."""

import csv
import json
import os
import shlex
import signal
import statistics
import subprocess
import sys
import threading

import pytest

from tests.zoo import finished
from tfvae import training
from tfvae.checks import UserError
from zoo.command import console
from zoo.comparison import command as compare
from zoo.comparison import runs as comparison_runs
from zoo.comparison import tables as tables
from zoo.comparison.launchers.local import Local

SAME = {"dataset": "digits", "train_steps": 7, "batch_size": 8, "learning_rate": 1e-3}


def _entries(words, sets=(), seeds=2, **more):
    return compare.entries(words, sets, range(seeds), size="tiny", **SAME, **more)


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
            [0],
            **{**SAME, "dataset": "pydoc", "learning_rate": rate},
        )
        rates[rate] = [entry.plans[0].learning_rate for entry in found]
    assert rates == {None: [1e-3, 1.0, 1e-3], 0.5: [0.5, 0.5, 0.5]}


def test_settings_reach_the_models_that_have_them_and_a_model_may_have_its_own():
    found = _entries(["vae", "beta_vae:beta=0.2", "pixelcnn"], ["latent_width=3"])
    points = [entry.plans[0].point for entry in found]
    assert [p["code"] and p["code"].latent_width for p in points] == [3, 3, None]
    assert [p["rate_weight"] and p["rate_weight"].beta for p in points] == [1.0, 0.2, None]


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


def _done(out, entry, seed, verdict="healthy", **figures):
    """A run directory that looks finished."""
    path = comparison_runs.folder(str(out), entry.name, seed)
    return finished.leave(path, entry.plans[seed], verdict, **figures)


def test_tables_hold_mean_and_spread_of_what_is_done(tmp_path):
    one, two = _entries(["vae", "beta_vae:beta=0.2"])
    _done(tmp_path, one, 0, nll=10.0, rate=1.0, distortion=9.5, active_units=3)
    _done(tmp_path, one, 1, nll=12.0, rate=3.0, distortion=8.5, active_units=5)
    text = tables.write([one, two], str(tmp_path), "about")
    line = next(line for line in text.splitlines() if line.startswith("| vae "))
    assert "| 11.00 ± 1.41 | 2.00 ± 1.41 | 9.00 ± 0.71 | 3 to 5 | healthy |" in line
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
    path = _done(tmp_path, entry, 0, nll=10.0, rate=1.0, distortion=9.5, active_units=3)
    path = path / "metrics.jsonl"
    rows = path.read_text().splitlines()
    row = {"model": "wae_mmd", "reports": [{"seed": 0}], "first_seed": 0}
    wanted = tables._curve(str(tmp_path), row)
    before = json.dumps({"stage": "moments", "step": 9, "train": {}, "valid": {"rate": 300.0}})
    after = json.dumps({"stage": "auxiliary_prior", "step": 9, "train": {}, "valid": {"rate": 1}})
    path.write_text("\n".join([before, *rows, after, "3", "{}"]) + "\n")
    assert tables._curve(str(tmp_path), row) == wanted == [(3, 2.0), (7, 1.0)]


# ------------------------------------------------------------------ what counts


def _changed(of_parts=None, **changes):
    def damage(path):
        held = json.loads((path / "config.json").read_text())
        parts = {place: {**held["parts"][place], **v} for place, v in (of_parts or {}).items()}
        held.update(changes, parts={**held["parts"], **parts})
        (path / "config.json").write_text(json.dumps(held))

    return damage


OTHERS = {
    "steps": (_changed(train_steps=20), "its train_steps is 20, not 7"),
    "a setting": (
        _changed(of_parts={"code": {"latent_width": 5}}),
        "parts.code.latent_width is 5, not",
    ),
    "another part": (
        _changed(of_parts={"prior": {"part": "ar1"}}),
        "its parts.prior.part is ar1, not",
    ),
    "a term": (_changed(of_parts={"terms": {"mmd": {}}}), "its parts.terms.mmd is {}, not None"),
    "seed": (_changed(seed=4), "its seed is 4, not 0"),
    "batch": (_changed(batch_size=9), "its batch_size is 9, not 8"),
    "networks": (_changed(size="paper"), "its size is paper, not tiny"),
    "samples": (_changed(nll_samples=7), "its nll_samples is 7, not 100"),
    "data": (_changed(source={"digits": "0"}), "its source.*"),
    "no data said": (_changed(source=None), "its source is None, not"),
    "of another kind": (lambda path: (path / "config.json").write_text("[]"), "a JSON object"),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("finished", [True, False], ids=["finished", "begun"])
def test_runs_of_something_else_are_refused_and_left_as_they_are(
    tmp_path, monkeypatch, name, finished
):
    damage, says = OTHERS[name]
    (entry,) = _entries(["vae"], seeds=1)
    path = _done(tmp_path, entry, 0, nll=123.0, rate=1.0, distortion=1.0)
    damage(path)
    if not finished:
        (path / "report.json").unlink()
    before = {file: file.read_bytes() for file in path.iterdir()}
    monkeypatch.setattr(comparison_runs.Processes, "run", lambda *_: pytest.fail("it runs"))
    with pytest.raises(UserError, match=says) as caught:
        compare.run_all([entry], str(tmp_path), Local())
    assert "\n" not in str(caught.value) and "vae_0" in str(caught.value)
    assert {file: file.read_bytes() for file in path.iterdir()} == before
    assert not list(tmp_path.glob("comparison.*"))
    if name not in ("data", "no data said"):  # of these nothing is known without reading the data
        assert tables.results([entry], str(tmp_path))[0]["seeds"] == 0


def test_versions_and_devices_may_be_others(tmp_path):
    (entry,) = _entries(["vae"], seeds=1)
    path = _done(tmp_path, entry, 0, nll=1.0, rate=1.0, distortion=1.0)
    _changed(versions={"keras": "0"}, strategy={"replicas": 8})(path)
    assert compare.run_all([entry], str(tmp_path), Local()) == 0


def test_a_report_that_is_cut_or_of_another_kind_is_no_figure(tmp_path, monkeypatch):
    (entry,) = _entries(["vae"], seeds=1)
    path = _done(tmp_path, entry, 0, nll=1.0, rate=1.0, distortion=1.0)
    whole = (path / "report.json").read_text()
    ran = []
    monkeypatch.setattr(comparison_runs.Processes, "run", lambda *_: ran.append(_))
    for text in (whole[:-9], "[]", "{}", '{"seed": 3, "verdict": "healthy"}'):
        (path / "report.json").write_text(text)
        assert tables.results([entry], str(tmp_path))[0]["reports"] == []
        assert compare.run_all([entry], str(tmp_path), Local()) == 0
    assert len(ran) == 4


# ------------------------------------------------------------------ running


def _child(tmp_path, monkeypatch, program):
    """Runs are this program instead of train_main.py; the words that each was given."""
    (tmp_path / "program.py").write_text(program)
    popen, ran = subprocess.Popen, []

    def start(arguments, **more):
        ran.append(arguments)
        return popen([sys.executable, str(tmp_path / "program.py"), *arguments], **more)

    monkeypatch.setattr(comparison_runs.subprocess, "Popen", start)
    return ran


def test_nothing_is_run_twice_and_what_was_begun_is_resumed(tmp_path, monkeypatch):
    one, two, three = _entries(["vae", "beta_vae", "pixelcnn"], seeds=1)
    _done(tmp_path, one, 0, nll=1.0, rate=1.0, distortion=1.0)
    begun = _done(tmp_path, two, 0, nll=1.0, rate=1.0, distortion=1.0)
    (begun / "report.json").unlink()
    ran = _child(tmp_path, monkeypatch, "")
    assert compare.run_all([one, two, three], str(tmp_path), Local()) == 0
    assert len(ran) == 2 and "--model=beta_vae" in ran[0] and ran[0][-1] == "--resume"
    assert "--model=pixelcnn" in ran[1] and "--resume" not in ran[1]


def test_what_fails_is_named_with_its_reason_and_the_rest_is_done(tmp_path, monkeypatch, capfd):
    program = """
import os, signal, sys
sys.stderr.write("measuring\\n")
for word in sys.argv:
    if word == "--model=beta_vae":
        sys.exit("train_main: no space left on the disk")
    if word == "--model=delta_vae":
        os.kill(os.getpid(), signal.SIGKILL)
"""
    _child(tmp_path, monkeypatch, program)
    found = _entries(["beta_vae", "vae", "delta_vae"], seeds=1)
    assert compare.run_all(found, str(tmp_path), Local()) == 1
    *before, one, two = capfd.readouterr().err.splitlines()
    assert before.count("measuring") == 3  # as it comes
    assert one == f"failed: {tmp_path}/beta_vae_0: train_main: no space left on the disk"
    assert two == f"failed: {tmp_path}/delta_vae_0: killed by SIGKILL; measuring"


def test_a_run_that_somebody_else_makes_is_waited_for(tmp_path, monkeypatch, capfd):
    (entry,) = _entries(["vae"], seeds=1)
    ran = _child(tmp_path, monkeypatch, "")
    monkeypatch.setattr(comparison_runs, "_LOOK", 0.01)
    other = training.RunLock(comparison_runs.folder(str(tmp_path), "vae", 0))
    other.__enter__()
    threading.Timer(0.3, lambda: (ran.append("the other ends"), other.__exit__())).start()
    assert compare.run_all([entry], str(tmp_path), Local()) == 0
    assert ran[0] == "the other ends" and len(ran) == 2
    assert capfd.readouterr().err.count(f"waiting: {tmp_path}/vae_0 is in use by process") == 1


def test_a_second_comparison_in_one_place_is_refused(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(comparison_runs.Processes, "run", lambda *_: pytest.fail("it runs"))
    words = ["--models=vae", "--dataset=digits", "--train_steps=7", f"--out={tmp_path}/a"]
    with training.RunLock(f"{tmp_path}/a"):
        assert compare.main(words) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"compare: {tmp_path}/a is in use by process {os.getpid()} on ")
    assert not (tmp_path / "a").exists()


def test_what_a_key_stops_starts_no_further_run(tmp_path, monkeypatch):
    """The key is pressed again where it was lost: CPython does not see a signal that comes just before it
    waits for a lock (one of 20,000 on a busy machine) until that wait is over."""
    ran, told = [], threading.Event()

    def run(self, words, workdir):
        ran.append(words)
        for _ in range(6 if len(ran) == 1 else 0):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            if told.wait(5):
                return

    monkeypatch.setattr(comparison_runs.Processes, "run", run)
    monkeypatch.setattr(comparison_runs.Processes, "stop", lambda self: told.set())
    with pytest.raises(KeyboardInterrupt):
        compare.run_all(_entries(["vae", "beta_vae", "delta_vae"], seeds=3), str(tmp_path), Local())
    assert len(ran) == 1 and told.is_set()


def test_speeds_are_of_the_very_settings_and_a_damaged_file_is_one_line(tmp_path, monkeypatch):
    speeds = iter((0.5, 2.0))
    monkeypatch.setattr(compare, "speed", lambda plan: next(speeds))
    (one,) = _entries(["vae"], seeds=1)
    (other,) = _entries(["vae"], ["latent_width=3"], seeds=1)
    for _ in range(2):  # measured once
        assert compare.lasting_minutes(one, 1.0, str(tmp_path)).plans[0].train_steps == 120
        assert compare.lasting_minutes(other, 1.0, str(tmp_path)).plans[0].train_steps == 30
    held = json.loads((tmp_path / "speed.json").read_text())
    for text in (
        "[]",
        "{",
        json.dumps(dict.fromkeys(held, "fast")),
        json.dumps(dict.fromkeys(held, 0)),
    ):
        (tmp_path / "speed.json").write_text(text)
        with pytest.raises(UserError, match=r"speed\.json"):
            compare.lasting_minutes(one, 1.0, str(tmp_path))


# ------------------------------------------------------------------ sentences


def _row(name, *figures, verdict="healthy", asked=None):
    made = {"model": name, "seeds": len(figures), "asked": asked or len(figures)}
    made["reports"] = [{"seed": i, "verdict": verdict} for i in range(len(figures))]
    if figures:
        spread = statistics.stdev(figures) if len(figures) > 1 else None
        made["nll"] = (statistics.fmean(figures), spread, list(figures))
    return made


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        # apart by 2; the standard error of the difference is 0.1 / sqrt(3) * sqrt(2) = 0.08
        ([_row("a", 9.9, 10.0, 10.1), _row("b", 11.9, 12.0, 12.1)],
         "Lowest NLL: a, 10.00 ± 0.10 nats; the others are further away than two standard errors"),
        # apart by 1, of which the standard error is 1 * sqrt(2 / 3) = 0.8
        ([_row("b", 10.0, 11.0, 12.0), _row("a", 9.0, 10.0, 11.0)],
         "Lowest NLL: a, 10.00 ± 1.00 nats; no difference beyond the spread of the seeds to any other."),
        ([_row("a", 9.0, 10.0, 11.0), _row("b", 10.0, 11.0, 12.0), _row("c", 29.0, 30.0, 31.0)],
         "Lowest NLL: a, 10.00 ± 1.00 nats; no difference beyond the spread of the seeds to b."),
        # Student's t of 4 degrees of freedom beyond 2: 0.116; of 2, with two seeds each: 0.184
        ([_row("a", 9.9, 10.0, 10.1), _row("b", 11.9, 12.0, 12.1)], "chance alone says so in 12% of"),
        ([_row("a", 9.9, 10.1), _row("b", 11.9, 12.1)], "chance alone says so in 18% of"),
        ([_row("a", 10.0), _row("b", 12.0)], "Lowest NLL: a, 10.00 nats; of one seed there is no spread"),
        ([_row("a", 10.0, 10.1), _row("b", 12.0)], "of one seed there is no spread"),
    ],
    ids=["apart", "alike", "alike to one", "by chance", "by chance of two", "one seed", "one has one"],
)  # fmt: skip
def test_the_best_is_named_as_far_as_the_spread_lets_one_say(rows, says):
    assert any(says in line for line in tables.sentences(rows)), tables.sentences(rows)


def test_what_is_done_and_what_is_lost_is_said():
    rows = [_row("a", 1.0, verdict="collapse", asked=2), _row("b", asked=2), _row("c", 1.0, 2.0)]
    assert tables.sentences(rows)[:2] == ["3 of 6 runs are done.", "The code is lost: a (1 of 1)."]
    rows[2]["reports"][1]["verdict"] = "collapse"
    assert [tables.verdicts(row) for row in rows] == [
        "collapse", "", "collapse 1/2, healthy 1/2",
    ]  # fmt: skip
    assert tables.sentences([_row("a", 1.0)]) == ["1 of 1 run is done."]


def test_runs_at_once_share_the_cores(tmp_path, monkeypatch):
    """Each of two runs waits for the other; with one after the other the barrier would break."""
    together = threading.Barrier(2, timeout=30)

    def run(*_):
        together.wait()

    monkeypatch.setattr(comparison_runs.Processes, "run", run)
    assert compare.run_all(_entries(["vae", "beta_vae"]), str(tmp_path), Local(2)) == 0
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "")  # what is set here is undone
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS")
    monkeypatch.setattr(console.os, "cpu_count", lambda: 8)
    console.share_cores(1)
    assert "TF_NUM_INTRAOP_THREADS" not in os.environ
    console.share_cores(3)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "2"
    console.share_cores(100)
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "1"


def test_the_commands_can_be_read_first(capfd):
    words = ["--models=vae,delta_vae", "--train_steps=5", "--seeds=2", "--print_only"]
    done = subprocess.run(
        [sys.executable, "-m", "zoo.compare", *words], capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 4
    assert all(line.startswith("python train_main.py --model=") for line in lines)
    assert compare.main([*words[:1], "--budget_minutes=3", "--print_only"]) == 0
    # no recipe's own number of steps is passed off as that of 3 minutes
    *lines, last = capfd.readouterr().out.splitlines()
    assert all(" --train_steps=STEPS " in line for line in lines)
    assert len(lines) == 2 and last.startswith("# STEPS")
    assert compare.main([*words[:1], "--seeds=2"]) == 2
    assert "one of --train_steps and --budget_minutes" in capfd.readouterr().err
    assert compare.main([*words, "--out=a b/c'd", "--data_dir=e f"]) == 0
    for line in capfd.readouterr().out.splitlines():
        pasted = shlex.split(line)
        assert pasted.count("--data_dir=e f") == 1
        assert sum(word.startswith("--workdir=a b/c'd/") for word in pasted) == 1
        assert all(word.startswith("--") for word in pasted[2:])


def test_what_was_too_short_to_judge_wins_nothing():
    best = _row("a", 1.0, 1.1, verdict="too early")
    said = tables.sentences([best, _row("b", 9.0, 9.1), _row("c", 19.0, 19.1)])
    assert said[1] == "Too early to compare: a." and said[2].startswith("Lowest NLL: b, ")
    early = [_row(name, 1.0, 2.0, verdict="too early") for name in "ab"]
    assert tables.sentences(early)[1:] == ["Too early to compare: a, b."]
