"""A run that is killed and goes on ends as one that was never interrupted, bit for bit."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import models
from tfvae.checks import UserError
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Update
from tfvae.schedules import Piecewise
from tfvae.training import ExactCheckpoint, RunDirectory, train
from tfvae.training.run_directory import room

SCRIPT = """
import sys, os, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tensorflow as tf, keras
from tfvae.randomness import deterministic
deterministic()
from tests import models
from tfvae.objectives import elbo
from tfvae.procedures import Joint, Update
from tfvae.schedules import Piecewise
from tfvae.training import RunDirectory, train
from zoo.datasets.data import Split
from zoo.datasets.pipeline import training_stream
path, resume = sys.argv[1], sys.argv[2] == "resume"
grey = np.random.default_rng(0).random((50, *models.SHAPE)).astype("float32")
directory = (RunDirectory.resume if resume else RunDirectory.create)(path, {"model": "tiny"})
valid = (grey > 0.5).astype("float32")
for index, stage in enumerate(("first", "second")):
    model = models.plain(seed=index)
    update = Update(elbo(), keras.optimizers.Adam(use_ema=True, ema_momentum=0.9), clip_norm=1.0)
    procedure = Joint(update, learning_rate=Piecewise((30,), (1e-2, 1e-3)), seed=3)
    train(
        stage, model, procedure,
        lambda start: training_stream(Split(grey, None), "binary_dynamic", 8, 5, start_step=start),
        60, directory, lambda: model.evaluate(valid, verbose=0, return_dict=True),
        eval_every=7, checkpoint_every=5, resume=resume, progress=False,
    )
    update.optimizer.finalize_variable_values(model.trainable_variables)
    np.savez(os.path.join(path, stage + ".npz"), *[w.numpy() for w in model.variables])
print("done")
"""
ROOT = pathlib.Path(__file__).parent.parent.parent


def _start(path, mode):
    words = [sys.executable, "-c", SCRIPT, str(path), mode]
    return subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _finish(process):
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors[-3000:]
    assert "done" in out


def _wait_for(path, process, limit=120):
    """Until something matches `path`, or the process ended."""
    until = time.time() + limit
    while not list(path.parent.glob(path.name)) and process.poll() is None and time.time() < until:
        time.sleep(0.001)


MOMENTS = {
    "within a write": ("first/step_10/state.data*", 0.0),
    "just after one": ("first/step_35/complete.json", 0.0),
    "between two": ("first/step_50/complete.json", 0.03),
    "in the second stage": ("second/step_20/host.json", 0.0),
}


@pytest.mark.parametrize(
    "moments",
    [("within a write", "in the second stage"), tuple(MOMENTS)],
    ids=["two kills", "all"],
)
def test_sigkill_and_resume_is_bit_identical(moments, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _finish(_start(whole, "new"))
    mode = "new"
    for pattern, wait in (MOMENTS[moment] for moment in moments):
        process = _start(killed, mode)
        folder, _, name = pattern.rpartition("/")
        _wait_for(killed / "checkpoints" / folder / name, process)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        mode = "resume"
    _finish(_start(killed, "resume"))
    assert (whole / "metrics.jsonl").read_bytes() == (killed / "metrics.jsonl").read_bytes()
    assert len((whole / "metrics.jsonl").read_text().splitlines()) == 2 * 9
    for stage in ("first", "second"):
        with np.load(whole / f"{stage}.npz") as a, np.load(killed / f"{stage}.npz") as b:
            for name in a.files:
                np.testing.assert_array_equal(a[name], b[name])


def _checkpoint(folder, model=None, procedure=None):
    model, procedure = model or models.plain(), procedure or Joint(seed=1)
    model.compile(procedure=procedure)
    model.make_train_function()
    return ExactCheckpoint(str(folder), model, procedure), model


@pytest.mark.parametrize("damage", ["mark", "data", "index", "empty"])
def test_a_checkpoint_cut_short_is_never_loaded(tmp_path, damage):
    checkpoint, model = _checkpoint(tmp_path)
    good = [w.numpy() for w in model.variables]
    checkpoint.save(5, {"a": 1})
    for weight in model.variables:
        weight.assign(weight + 1.0)
    checkpoint.save(9, {"a": 2})
    folder = tmp_path / "step_9"
    if damage == "mark":
        (folder / "complete.json").unlink()
    elif damage == "empty":
        (folder / "complete.json").write_text("")
    else:
        file = next(folder.glob("state.data*" if damage == "data" else "state.index"))
        file.write_bytes(file.read_bytes()[:-7])
    assert checkpoint.restore() == (5, {"a": 1})
    for weight, was in zip(model.variables, good):
        np.testing.assert_array_equal(weight.numpy(), was)


def test_a_checkpoint_of_another_model_is_refused_by_name(tmp_path):
    _checkpoint(tmp_path)[0].save(5, {})
    other, _ = _checkpoint(tmp_path, models.plain(width=5))
    with pytest.raises(
        UserError, match=r"another model: w\d+\w* is \[16, 3\] there and \[16, 5\] here"
    ):
        other.restore()


def test_only_the_newest_are_kept(tmp_path):
    checkpoint, _ = _checkpoint(tmp_path)
    for step in (1, 2, 3):
        checkpoint.save(step, {})
    assert checkpoint.steps() == [2, 3]


def test_what_a_kill_left_of_a_removal_or_a_write_is_cleared_and_no_damage(tmp_path, monkeypatch):
    checkpoint, _ = _checkpoint(tmp_path)
    for step in (1, 2):
        checkpoint.save(step, {})
    remove = shutil.rmtree

    def killed(folder, **more):
        if folder.endswith("step_1"):
            raise KeyboardInterrupt
        remove(folder, **more)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "rmtree", killed)
        checkpoint.save(3, {})
    (tmp_path / "step_9").mkdir()
    (tmp_path / "step_9" / "host.json").write_text("{")
    assert checkpoint.restore()[0] == 3
    assert [(step, cut) for step, (_, cut) in checkpoint.damaged().items()] == [
        (1, True),
        (9, True),
    ]
    checkpoint.save(4, {})
    assert sorted(os.listdir(tmp_path)) == ["step_3", "step_4"] and not checkpoint.damaged()


def _train(tmp_path, model, procedure=None):
    directory = RunDirectory.create(str(tmp_path / "run"), {"model": "tiny"})
    stream = tf.data.Dataset.from_tensors(models.images(8)).repeat()
    procedure = procedure or Joint(seed=0)
    train("only", model, procedure, lambda start: stream, 10, directory, dict, 2, 2, progress=False)
    return directory


def _momentum(rate=None):
    return Joint(Update(elbo(), keras.optimizers.SGD(momentum=0.9)), learning_rate=rate)


@pytest.mark.parametrize(
    "last_sane, said",
    [(4, r"step 6: rate is (nan|inf)"), (5, r"step 6: weight \S+ is no longer finite")],
    ids=["loss", "weight"],
)
def test_a_nan_names_term_step_and_the_last_good_checkpoint(tmp_path, last_sane, said):
    """An infinite learning rate: before step 6 or, where it would be kept, in it."""
    rate = Piecewise((last_sane,), (1e-2, float("inf")))
    with pytest.raises(UserError, match=f"{said}; the last good checkpoint is of step 4"):
        _train(tmp_path, models.plain(), _momentum(rate))
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [2, 4]
    folder = tmp_path / "run" / "checkpoints" / "only"
    assert sorted(p.name for p in folder.iterdir()) == ["step_2", "step_4"]
    checkpoint, fresh = _checkpoint(folder, procedure=_momentum())
    assert checkpoint.restore()[0] == 4
    assert all(np.isfinite(w.numpy()).all() for w in fresh.variables)


def test_a_stage_that_is_done_is_only_restored(tmp_path):
    first, again = models.plain(), models.plain(seed=1)
    directory = _train(tmp_path, first)
    directory = RunDirectory.resume(directory.path, directory.config)
    train("only", again, Joint(seed=0), None, 10, directory, None, 2, 2, resume=True)
    for a, b in zip(first.variables, again.variables):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_run_directories_are_never_mixed(tmp_path):
    path = str(tmp_path / "run")
    RunDirectory.create(path, {"model": "a", "settings": {"x": 1}, "versions": {"n": "1"}})
    with pytest.raises(UserError, match="holds another run; continue it with --resume"):
        RunDirectory.create(path, {"model": "a"})
    with pytest.raises(UserError, match=r"its settings.x is 1, not 2"):
        RunDirectory.resume(path, {"model": "a", "settings": {"x": 2}, "versions": {"n": "1"}})
    RunDirectory.resume(path, {"model": "a", "settings": {"x": 1}, "versions": {"n": "2"}})
    with pytest.raises(UserError, match="holds no run to resume"):
        RunDirectory.resume(str(tmp_path / "nothing"), {})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty and holds no run"):
        RunDirectory.create(str(tmp_path / "other"), {})
    assert os.listdir(tmp_path / "other") == ["thesis.txt"]
    # killed while it wrote its config: no run, and nothing of anyone's
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "config.json.part").write_text("{")
    RunDirectory.create(str(tmp_path / "torn"), {})
    assert os.listdir(tmp_path / "torn") == ["config.json"]


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    directory = RunDirectory.create(str(tmp_path / "run"), {})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="no space left on the disk of .*run"):
        directory.append_metrics({"step": 1})
    with pytest.raises(UserError, match="no space left"):
        directory.write_json("report.json", {})
    assert not list((tmp_path / "run").glob("report.json*"))
    message = "/run/step_5/state.data; No space left on device"
    with pytest.raises(UserError, match="no space left on the disk of /run"), room("/run"):
        raise tf.errors.ResourceExhaustedError(None, None, message)
    with pytest.raises(tf.errors.ResourceExhaustedError), room("/run"):  # memory is no disk
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


def _row(step, **train):
    return {"stage": "train", "step": step, "train": train, "valid": {}}


def test_torn_lines_are_dropped_and_numbers_are_plain(tmp_path):
    directory = RunDirectory.create(str(tmp_path / "run"), {})
    directory.append_metrics(_row(1, value=np.float32(0.5), odd=float("nan")))
    with open(directory.join("metrics.jsonl"), "ab") as stream:
        stream.write(b'{"step": 2, "va')
    assert directory.metrics() == [_row(1, value=0.5, odd=None)]
    directory.keep_metrics(lambda row: row["step"] <= 1)
    directory.append_metrics(_row(2))
    assert [row["step"] for row in directory.metrics()] == [1, 2]
