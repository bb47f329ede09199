"""Two processes never write one directory, and a lock of a process that is gone holds nobody up."""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from tfvae.checks import UserError
from tfvae.guard import guarded
from tfvae.training import InUse, RunDirectory, RunLock, run_lock


def _lock(path, age=0.0, **owner):
    """A lock as another process would have left it."""
    folder = pathlib.Path(path) / "lock"
    folder.mkdir(parents=True)
    file = folder / "other.json"
    file.write_text(json.dumps({**run_lock._myself(), **owner}))
    os.utime(file, (time.time() - age,) * 2)


@pytest.fixture(scope="module")
def processes():
    """One that runs, one that is stopped, one that was killed and not waited for, and one that is gone."""
    running, stopped, zombie, gone = (subprocess.Popen(["sleep", "600"]) for _ in range(4))
    stopped.send_signal(signal.SIGSTOP)
    begun = run_lock._begun(gone.pid)
    zombie.kill(), gone.kill(), gone.wait()
    until = time.time() + 10
    while run_lock._begun(zombie.pid) is not None and time.time() < until:
        time.sleep(0.01)
    found = {
        name: {"pid": process.pid, "begun": run_lock._begun(process.pid)}
        for name, process in (("running", running), ("stopped", stopped), ("zombie", zombie))
    }
    yield {**found, "gone": {"pid": gone.pid, "begun": begun}}
    for process in (running, stopped, zombie):
        process.kill()
        process.wait()


@pytest.mark.parametrize("age", [0.0, 500.0], ids=["fresh", "old"])
@pytest.mark.parametrize(
    ("name", "holds"), [("running", True), ("stopped", True), ("zombie", False), ("gone", False)]
)
def test_of_this_machine_the_process_decides_whatever_the_age(
    tmp_path, processes, name, holds, age
):
    path, owner = tmp_path / "run", processes[name]
    _lock(path, age, **owner)
    if holds:
        said = rf"run is in use by process {owner['pid']} on \S+; if that is gone"
        with pytest.raises(InUse, match=said), RunLock(path):
            pass
        assert [f.name for f in (path / "lock").iterdir()] == ["other.json"]
    else:
        with RunLock(path):
            assert "other.json" not in os.listdir(path / "lock")
    assert os.listdir(path) == (["lock"] if holds else [])


def test_a_later_process_of_the_same_number_is_another_one(tmp_path, processes):
    _lock(tmp_path, pid=processes["running"]["pid"], begun="1")
    with RunLock(tmp_path):
        pass


@pytest.mark.parametrize(("age", "holds"), [(100.0, True), (130.0, False), (-500.0, True)])
def test_of_another_machine_the_last_sign_of_life_decides(tmp_path, age, holds):
    _lock(tmp_path, age, pid=1, place="elsewhere", host="node7")
    if holds:
        with (
            pytest.raises(InUse, match=r"process 1 on node7; .*known after 120 s"),
            RunLock(tmp_path),
        ):
            pass
    else:
        with RunLock(tmp_path):
            pass


@pytest.mark.parametrize("text", ["", "[3]", '{"pid": "x"}', "\xff", "[" * 5000])
def test_a_torn_owner_counts_by_its_age(tmp_path, text):
    _lock(tmp_path, 130.0)
    file = tmp_path / "lock" / "other.json"
    age = file.stat().st_mtime
    file.write_text(text)
    with pytest.raises(InUse), RunLock(tmp_path):
        pass
    os.utime(file, (age, age))
    with RunLock(tmp_path):
        pass


def test_one_of_many_takes_a_stale_lock_over(tmp_path, processes):
    _lock(tmp_path, **processes["gone"])
    start, leave, took = threading.Barrier(9), threading.Event(), []

    def take():
        start.wait()
        try:
            with RunLock(tmp_path):
                took.append(True)
                leave.wait(30)
        except InUse:
            took.append(False)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    start.wait()
    until = time.time() + 30
    while len(took) < 8 and time.time() < until:
        time.sleep(0.01)
    leave.set()
    for thread in threads:
        thread.join()
    assert sorted(took) == [False] * 7 + [True]
    assert os.listdir(tmp_path) == []


def test_it_is_let_go_by_a_crash_and_what_was_killed_early_is_swept(tmp_path, processes):
    """Killed between making its folder and holding the lock: the folder of an attempt stays."""
    path = tmp_path / "run"
    attempt = path / "lock.1234"
    attempt.mkdir(parents=True)
    (attempt / "1234.json").write_text(json.dumps({**run_lock._myself(), **processes["gone"]}))
    RunDirectory.refuse_other_run(str(path))  # it is nobody's run
    with pytest.raises(KeyboardInterrupt), RunLock(path):
        assert [n for n in os.listdir(path) if n != "lock"] == []
        raise KeyboardInterrupt
    (path / "lock").mkdir()  # killed between taking a stale one away and putting its own there
    with RunLock(path):
        pass
    assert os.listdir(path) == []


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_what_a_scheduler_or_a_key_ends_lets_it_go(tmp_path, capfd, by):
    before = signal.getsignal(signal.SIGTERM)

    def work():
        with RunLock(tmp_path):
            os.kill(os.getpid(), by)
            time.sleep(30)

    assert guarded("train_main", work, stopped="stopped; --resume continues") == 130
    assert capfd.readouterr().err == "train_main: stopped; --resume continues\n"
    assert os.listdir(tmp_path) == [] and signal.getsignal(signal.SIGTERM) == before


def test_it_gives_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, "_BEAT", 0.02)
    with RunLock(tmp_path):
        (file,) = (tmp_path / "lock").iterdir()
        os.utime(file, (1.0, 1.0))
        until = time.time() + 10
        while file.stat().st_mtime == 1.0 and time.time() < until:
            time.sleep(0.01)
        assert time.time() - file.stat().st_mtime < 60


def test_who_lost_the_lock_writes_no_more(tmp_path):
    path = str(tmp_path / "run")
    with RunLock(path) as lock:
        directory = RunDirectory.create(path, {}, lock)
        directory.append_metrics({"stage": "train", "step": 1, "train": {}, "valid": {}})
        (file,) = (tmp_path / "run" / "lock").iterdir()
        file.unlink()
        for write in (
            lambda: directory.append_metrics({}),
            lambda: directory.write_json("report.json", {}),
            lambda: directory.write_bytes("report.html", b""),
            lambda: directory.keep_metrics(lambda row: False),
        ):
            with pytest.raises(UserError, match="taken over by another process"):
                write()
    assert sorted(os.listdir(path)) == ["config.json", "metrics.jsonl"]
    assert len(directory.metrics()) == 1


def test_one_who_leaves_may_remove_the_directory_that_another_just_made_sure_of(
    tmp_path, monkeypatch
):
    path, make, left = str(tmp_path / "run"), os.mkdir, [3]

    def late(folder, *arguments, **more):
        if os.path.basename(folder).startswith("lock.") and left[0]:
            left[0] -= 1
            os.rmdir(path)
        return make(folder, *arguments, **more)

    monkeypatch.setattr(os, "mkdir", late)
    with RunLock(path) as held:
        held.check()
    assert left == [0] and not os.path.exists(path)


def test_where_no_lock_can_be_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"), RunLock(tmp_path / "file" / "run"):
        pass
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").write_text("somebody's")
    with pytest.raises(UserError, match="cannot write .*run"), RunLock(tmp_path / "run"):
        pass
    assert (tmp_path / "run" / "lock").read_text() == "somebody's"
