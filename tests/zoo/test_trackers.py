"""A tracker gets each row once, whatever ends in between, and ends no training itself."""

import glob
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time

import pytest

from tfvae.checks import UserError
from tfvae.training import RunDirectory
from zoo import trackers
from zoo.trackers import tracking

ROWS = [
    {"stage": stage, "step": step, "train": {"rate": 1.0 * step}, "valid": {"elbo": -2.0 * step}}
    for stage, steps in (("pretrain", (5, 10)), ("train", (10, 20)))
    for step in steps
]
REPORT = {"elbo": -9.5, "nll": None, "verdict": "healthy"}


class Recorder(trackers.Tracker):
    """Writes down what it is told; `broken` makes it fail at a step."""

    seen: list = []
    states: list = []
    broken: int | None = None
    kept: int | None = None

    def __init__(self, path, config, state):
        super().__init__(path, config, state)
        self.states.append(state)
        self.state, self.holds = "run 1", self.kept

    def row(self, values, step):
        if step == self.broken:
            raise ConnectionError("no route\nto host")
        self.seen.append((step, dict(values)))

    def report(self, values, verdict, figures):
        self.seen.append((values, verdict, figures))


NAME = f"{__name__}:Recorder"


@pytest.fixture
def directory(tmp_path, monkeypatch):
    for name, value in (("seen", []), ("states", []), ("broken", None), ("kept", None)):
        monkeypatch.setattr(Recorder, name, value)
    return RunDirectory.create(str(tmp_path / "run"), {"model": "vae"})


def _steps():
    return [entry[0] for entry in Recorder.seen if isinstance(entry[0], int)]


def test_rows_come_once_over_a_resume_at_steps_of_the_whole_run(directory):
    said = []
    first = tracking.Tracking(NAME, directory, said.append)
    for row in ROWS[:3]:
        directory.append_metrics(row)
        first.rows()
    # killed; the checkpoint was of the first stage's end, so the row of step 10 is made again
    directory.keep_metrics(lambda row: row["stage"] == "pretrain")
    again = tracking.Tracking(NAME, directory, said.append)
    for row in ROWS[2:]:
        directory.append_metrics(row)
        again.rows()
    again.close(REPORT)
    tracking.Tracking(NAME, directory, said.append).close(REPORT)  # --resume of what is done
    assert _steps() == [5, 10, 20, 30] and not said
    assert Recorder.states == [None, "run 1", "run 1"]
    assert Recorder.seen[3][1] == {"train/train/rate": 20.0, "train/valid/elbo": -40.0}
    assert Recorder.seen[4:] == [({"elbo": -9.5}, "healthy", [])]


def test_a_failure_is_one_line_and_what_is_missing_is_sent_later(directory, monkeypatch):
    said = []
    for row in ROWS:
        directory.append_metrics(row)
    monkeypatch.setattr(Recorder, "broken", 20)
    tracking.Tracking(NAME, directory, said.append).close(REPORT)
    assert _steps() == [5, 10] and len(said) == 1
    assert "ConnectionError: no route to host" in said[0] and "--resume" in said[0]
    monkeypatch.setattr(Recorder, "broken", None)
    tracking.Tracking(NAME, directory, said.append).close(REPORT)
    assert _steps() == [5, 10, 20, 30] and len(said) == 1


def test_what_a_kill_took_from_a_tracker_is_sent_again(directory, monkeypatch):
    """It had taken four rows, and when it is asked again it has those up to step 10 of the run."""
    for row in ROWS:
        directory.append_metrics(row)
    tracking.Tracking(NAME, directory, pytest.fail)
    monkeypatch.setattr(Recorder, "kept", 10)
    tracking.Tracking(NAME, directory, pytest.fail).close(REPORT)
    assert _steps() == [5, 10, 20, 30, 20, 30]
    tracking.Tracking(NAME, directory, pytest.fail).close(REPORT)  # it is done, and closed
    assert len(_steps()) == 6


@pytest.mark.slow
def test_mlflow_holds_the_rows(directory, tmp_path, monkeypatch):
    client = pytest.importorskip("mlflow", reason="the extra mlflow").MlflowClient
    store = f"sqlite:///{tmp_path}/m.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.chdir(tmp_path)
    for row in ROWS:
        directory.append_metrics(row)
    tracking.Tracking("mlflow", directory, pytest.fail).close(REPORT)
    held = json.loads((tmp_path / "run" / "trackers.json").read_text())["mlflow"]
    run = client(store).get_run(held["state"]["run"])
    history = client(store).get_metric_history(run.info.run_id, "train/valid/elbo")
    assert [(m.step, m.value) for m in history] == [(20, -20.0), (30, -40.0)]
    assert run.data.metrics["report/elbo"] == -9.5 and run.data.params == {"model": "vae"}
    assert run.data.tags["verdict"] == "healthy" and run.info.status == "FINISHED"


ROOT = pathlib.Path(__file__).parent.parent.parent
TRAINING = (
    "--model=vae", "--backbone=linear", "--train_steps=400", "--eval_every=20", "--checkpoint_every=20",
    "--nll_samples=2", "--nll_examples=10",
)  # fmt: skip


def _mlflow(place):
    """[(step, value) of each run], and the run's number."""
    client = pytest.importorskip("mlflow", reason="the extra mlflow").MlflowClient(
        f"sqlite:///{place}/store.db"
    )
    number = client.get_experiment_by_name("tfvae").experiment_id
    runs = client.search_runs([number])
    return {
        run.info.run_id: [
            (m.step, m.value)
            for m in client.get_metric_history(run.info.run_id, "train/valid/elbo")
        ]
        for run in runs
    }


def _wandb(place):
    """The same of what lies on the disk: each process leaves a file of its own; a step is one step."""
    pytest.importorskip("wandb", reason="the extra wandb")
    from wandb.proto import wandb_internal_pb2

    found = {}
    for path in sorted(glob.glob(f"{place}/run/wandb/offline-run-*/*.wandb")):
        rows = found.setdefault(os.path.basename(path), {})
        for content in _records(pathlib.Path(path).read_bytes()):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(content)
            row = {i.key or "/".join(i.nested_key): i.value_json for i in record.history.item}
            if "train/valid/elbo" in row:
                rows[int(row["_step"])] = json.loads(row["train/valid/elbo"])
    return {name: list(rows.items()) for name, rows in found.items()}


def _tensorboard(place):
    """The same; each process leaves a file of its own, and the folder is one run."""
    import tensorflow as tf

    rows, texts = [], []
    for path in sorted(glob.glob(f"{place}/run/tensorboard/events*")):
        for event in tf.compat.v1.train.summary_iterator(path):
            for value in event.summary.value:
                texts += [value.tag] * (value.tag in ("config", "verdict"))
                if value.tag == "train/valid/elbo":
                    rows.append((event.step, float(tf.make_ndarray(value.tensor))))
    assert sorted(texts) == ["config", "verdict"]  # the configuration once, of the first process
    return {"run": rows}


def _records(data):
    """Of a log in LevelDB's format: blocks of 32 KiB, and pieces (checksum, length, which) in them."""
    block, place, held = 2**15, 7, b""  # after the file's own header
    while place + 7 <= len(data):
        left = block - place % block
        if left < 7:
            place += left
            continue
        size, which = struct.unpack_from("<HB", data, place + 4)
        held += data[place + 7 : place + 7 + size]
        place += 7 + size
        if which in (1, 4):  # whole, or the last piece
            yield held
            held = b""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "read"), [("mlflow", _mlflow), ("tensorboard", _tensorboard), ("wandb", _wandb)]
)
def test_a_training_that_is_killed_goes_on_in_the_same_run_of_its_tracker(tmp_path, name, read):
    """By SIGKILL. Nothing of it goes over a network."""
    pytest.importorskip(name, reason=f"the extra {name}")
    run = tmp_path / "run"
    words = [sys.executable, str(ROOT / "train_main.py"), *TRAINING]
    words += [f"--track={name}", f"--workdir={run}"]
    beside = {
        "WANDB_MODE": "offline",
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/store.db",
        "PYTHONPATH": str(ROOT),
    }
    started = {"cwd": tmp_path, "env": os.environ | beside, "start_new_session": True}
    process = subprocess.Popen(words, **started)
    state, rows = run / "trackers.json", run / "metrics.jsonl"
    while process.poll() is None and not _sent(state, name):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before, made = json.loads(state.read_text())[name], len(rows.read_text().splitlines())
    assert before["sent"]["train"] > 0 and made < 20 and not (run / "report.json").exists()
    subprocess.run([*words, "--resume"], check=True, **started)
    after = json.loads(state.read_text())[name]
    assert after["state"] == before["state"] and after["done"]
    written = [json.loads(row) for row in rows.read_text().splitlines()]
    wanted = {row["step"]: row["valid"]["elbo"] for row in written}
    (seen,) = read(tmp_path).values()
    # a row that was being sent when the process was killed may have come twice, and is the same
    assert dict(seen) == pytest.approx(wanted) and len(seen) <= len(wanted) + 1
    assert max(wanted) == 400


def _sent(state, name):
    return state.exists() and json.loads(state.read_text())[name]["sent"].get("train", 0) >= 60


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mlfow", "unknown track 'mlfow'; did you mean mlflow"),
        ("tensorboard,tensorboard", "track names 'tensorboard' twice"),
        ("json:JSONDecoder", "must be a zoo.trackers.Tracker, got JSONDecoder"),
    ],
)
def test_refusals(text, says):
    with pytest.raises(UserError, match=says):
        trackers.make(text)
