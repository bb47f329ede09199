"""The first sign of life comes at once, and a log of a long run stays short."""

import re

import pytest

from tfvae.training import Progress, callbacks


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(callbacks, "_now", lambda: now[0])
    return now


def _run(clock, seconds, steps, start=0, compiling=60.0):
    """(when, line) of a run whose first step takes so long to compile and each step so many seconds."""
    progress = Progress(start, steps, "train")
    clock[0] = 1000.0
    progress.on_train_begin()
    clock[0] += compiling
    for step in range(start, steps):
        clock[0] += seconds
        progress.on_train_batch_end(step, {"objective": 7.0, "rate": 0.5})


def test_a_line_before_and_after_the_first_step_then_by_time(clock, capfd):
    _run(clock, 1.0, 200)
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == "train: compiling the first step"
    assert lines[1] == "train [....................] 1/200  objective 7.000  rate 0.500"
    # 11 steps of 1 s: 10 since the first, 189 to come
    assert lines[2].endswith(" 11/200  objective 7.000  rate 0.500  1 steps/s  3:09 left")
    assert lines[-1].startswith("train [####################] 200/200")
    assert len(lines) == 2 + 199 // 10 + 1


def test_a_resumed_run_counts_its_own_steps(clock, capfd):
    _run(clock, 0.5, 200, start=150)
    lines = capfd.readouterr().err.splitlines()
    assert lines[1].startswith("train [###############.....] 151/200")
    assert lines[2].endswith(" 171/200  objective 7.000  rate 0.500  2 steps/s  0:14 left")


@pytest.mark.parametrize(("hours", "most"), [(1, 80), (24, 150), (24 * 14, 210)])
def test_the_log_of_a_long_run_stays_short(clock, capfd, hours, most):
    _run(clock, 0.36 * hours, 10_000, compiling=0.0)
    lines = capfd.readouterr().err.splitlines()
    assert re.search(r" steps/s  (\d+:[0-5]\d|[0-5]?\d):[0-5]\d left$", lines[2])
    assert most / 2 < len(lines) < most


def test_a_run_of_one_step(clock, capfd):
    _run(clock, 0.0, 1)
    assert len(capfd.readouterr().err.splitlines()) == 2
