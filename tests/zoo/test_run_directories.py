"""A run counts as done when everything is there; a finished one is left as it is; one process runs it."""

import json
import os
import pathlib

import pytest

import zoo
from tests.zoo.cut import Killed
from tfvae import diagnosis, training
from tfvae.checks import UserError
from zoo import modalities
from zoo.command import plan, report, run

FIGURES = {
    "num_examples": 3,
    "rate": None,
    "nll": 9.0,
    "nll_is_exact": True,
    "bits_per_dim": 1.0,
}


def _plan(workdir, **given):
    shared = {"backbone": "mlp", "batch_size": 8, "eval_every": 1, "checkpoint_every": 2}
    shared |= {"train_steps": 4, "dataset": "digits"}
    shared["workdir"] = None if workdir is None else str(workdir)
    return plan.resolve("vae", **{**shared, **given})


@pytest.fixture
def quick(monkeypatch):
    """Runs that train and only pretend to measure, draw and export."""
    images = modalities.named("images")

    def touch(_, path):
        pathlib.Path(path).write_text("exported")

    monkeypatch.setattr(diagnosis, "measure", lambda *_, **__: dict(FIGURES))
    monkeypatch.setattr(report, "_probe", lambda *_: {})
    monkeypatch.setattr(images, "pictures", lambda *_: diagnosis.Shown())
    monkeypatch.setattr(diagnosis, "figures", lambda *_: {"curves": b"png"})
    monkeypatch.setattr(diagnosis, "html", lambda *_: "page")
    monkeypatch.setattr(training.export, "save_keras", touch)
    monkeypatch.setattr(training.export, "export_saved_model", touch)
    return monkeypatch


def _killed(patch, place, name):
    """A kill in the middle of a call."""

    def kill(*_, **__):
        raise Killed

    patch.setattr(place, name, kill)


def test_a_run_that_has_no_place_cannot_be_resumed():
    with pytest.raises(UserError, match="resumed in its workdir, and none is named"):
        run.run(_plan(None), resume=True)


@pytest.fixture
def clock(quick):
    """100 s pass between two looks."""
    now = [0.0]

    def look():
        now[0] += 100.0
        return now[0]

    quick.setattr(training.loop, "_now", look)


PLACES = (
    (diagnosis, "measure"),
    (diagnosis, "html"),
    (training.export, "save_keras"),
    (training.export, "export_saved_model"),
)


def test_a_run_that_is_killed_while_it_reports_is_not_done(quick, clock, tmp_path, capfd):
    """In each of the places one after another; then the seconds are those of all the training."""
    resolved = _plan(tmp_path / "run")
    for number, (place, name) in enumerate(PLACES):
        with quick.context() as patch, pytest.raises(Killed):
            _killed(patch, place, name)
            run.run(resolved, resume=number > 0)
        assert training.RunDirectory.finished(resolved.workdir) is None, name
        assert not (tmp_path / "run" / "lock").exists()
        with pytest.raises(UserError, match="no finished run in .*--resume"):
            zoo.load(resolved.workdir)
    assert "goes on from step 4" in capfd.readouterr().err
    found = run.run(resolved, resume=True)
    assert {"report.json", "figures", *run._EXPORTS} <= set(os.listdir(tmp_path / "run"))
    assert (
        found["train_seconds"] == 200.0
    )  # 100 until the checkpoint of step 2, and 100 until that of step 4
    capfd.readouterr()
    written = (tmp_path / "run" / "report.json").read_bytes()
    quick.setattr(run, "prepare", lambda *_: pytest.fail("it begins anew"))
    assert run.run(resolved, resume=True) == json.loads(written)
    assert (tmp_path / "run" / "report.json").read_bytes() == written
    said = capfd.readouterr().err
    assert said == f"the run is finished, nothing is done: {tmp_path}/run/report.html\n"
    with pytest.raises(UserError, match="holds another run: its train_steps is 4, not 5"):
        run.run(_plan(tmp_path / "run", train_steps=5), resume=True)


def test_seconds_add_up_over_resumes(quick, clock, tmp_path):
    """Of steps 1 and 2 until the checkpoint, of 3 and 4 until the next one."""
    resolved = _plan(tmp_path / "run")
    at_step = training.Checkpointer.at_step

    def killed(self, step, logs):
        at_step(self, step, logs)
        if step == 2:
            raise Killed

    with quick.context() as patch, pytest.raises(Killed):
        patch.setattr(training.Checkpointer, "at_step", killed)
        run.run(resolved)
    assert run.run(resolved, resume=True)["train_seconds"] == 200.0


def test_exports_that_are_gone_are_written_again_from_the_checkpoint(quick, tmp_path):
    resolved = _plan(tmp_path / "run")
    first = run.run(resolved)
    (tmp_path / "run" / "model.keras").unlink()
    assert run.run(resolved, resume=True) == first
    assert (tmp_path / "run" / "model.keras").read_text() == "exported"


def test_a_run_in_use_is_refused_before_anything_slow(quick, tmp_path):
    resolved = _plan(tmp_path / "run")
    run.run(resolved)
    (tmp_path / "run" / "report.json").unlink()
    quick.setattr(run, "prepare", lambda *_: pytest.fail("it begins"))
    here = f"run is in use by process {os.getpid()} on "
    with training.RunLock(resolved.workdir), pytest.raises(UserError, match=here):
        run.run(resolved, resume=True)
    with training.RunLock(str(tmp_path / "new")), pytest.raises(UserError, match="new is in use"):
        run.run(_plan(tmp_path / "new"))


def test_a_run_without_a_name_takes_one_that_nobody_has_and_leaves_none_if_refused(quick, tmp_path):
    quick.chdir(tmp_path)
    (tmp_path / "runs" / "vae_digits").mkdir(parents=True)
    run.run(_plan(None))
    assert (tmp_path / "runs" / "vae_digits_2" / "report.json").exists()
    quick.setattr(run, "prepare", lambda *_: (_ for _ in ()).throw(UserError("no")))
    with pytest.raises(UserError, match="no"):
        run.run(_plan(None))
    assert sorted(os.listdir("runs")) == ["vae_digits", "vae_digits_2"]
    with pytest.raises(UserError, match="no"):
        run.run(_plan(tmp_path / "named"))
    assert not (tmp_path / "named").exists()
