"""Comparisons that are killed at random moments end as one that never was: every weight, row and figure.

Slow: twenty kills by SIGKILL, of everything, of the comparison alone (its run lives on for a while), and of
the run alone. What a kill may do at the dangerous places is in the default suite too
(test_run_directories, test_damage, test_run_lock, test_resume).
"""

import contextlib
import io
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import zipfile

import h5py
import numpy as np
import pytest

KILLS = 20
MODELS = ("vae", "wae_mmd:moment_steps=9")
WORDS = (
    f"--models={','.join(MODELS)}", "--dataset=digits", "--backbone=mlp", "--train_steps=30",
    "--batch_size=8", "--nll_samples=2", "--nll_examples=10",
)  # fmt: skip
RUNS = ("vae_0", "wae_mmd_moment_steps=9_0")
ROOT = pathlib.Path(__file__).parent.parent.parent


def _start(out):
    words = [sys.executable, "-m", "zoo.compare", *WORDS, f"--out={out}"]
    piped = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words, cwd=ROOT, start_new_session=True, **piped)


def _whole(out):
    """Runs it to its end; its seconds."""
    begun = time.time()
    process = _start(out)
    _, errors = process.communicate(timeout=1800)
    assert process.returncode == 0, errors[-3000:]
    return time.time() - begun


def _kill(process, out, mode):
    """SIGKILL of all, of the comparison alone, or of the run that it makes."""
    if mode == "all":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    elif mode == "comparison":
        process.kill()
    else:
        owners = [json.loads(f.read_text())["pid"] for f in out.glob("*/lock/*.json")]
        for pid in set(owners) - {process.pid}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if mode == "comparison":
        process.wait()
        process.stderr.close()  # nobody listens to the run any more
    else:
        process.communicate(timeout=1800)


def _look(out):
    """At any moment: what counts as done is whole, and what is shown is of what is done."""
    done = [name for name in RUNS if (out / name / "report.json").exists()]
    for name in done:
        report = json.loads((out / name / "report.json").read_text())
        assert report["train_steps"] == 30
        for file in ("report.html", "model.keras", "saved_model/saved_model.pb"):
            assert (out / name / file).stat().st_size > 0, (name, file)
    if (out / "comparison.json").exists():
        shown = json.loads((out / "comparison.json").read_text())
        assert sum(row["seeds"] for row in shown) <= len(done)
    return done


def _weights(path):
    with (
        zipfile.ZipFile(path) as held,
        h5py.File(io.BytesIO(held.read("model.weights.h5"))) as file,
    ):
        found = {}
        file.visititems(
            lambda n, v: found.update({n: v[()]}) if isinstance(v, h5py.Dataset) else None
        )
        return found


def _timeless(figures):
    return {k: v for k, v in figures.items() if k != "train_seconds"}


def _equal(out, whole):
    for name in RUNS:
        rows = [(place / name / "metrics.jsonl").read_bytes() for place in (out, whole)]
        assert rows[0] == rows[1], name
        mine, other = (_weights(place / name / "model.keras") for place in (out, whole))
        assert mine.keys() == other.keys() and mine
        for key, value in mine.items():
            np.testing.assert_array_equal(value, other[key], err_msg=f"{name} {key}")
        mine, other = (json.loads((p / name / "report.json").read_text()) for p in (out, whole))
        assert _timeless(mine) == _timeless(other) and mine["train_seconds"] > 0
        left = {path.name for path in (out / name).iterdir()}
        assert left == {path.name for path in (whole / name).iterdir()}, name
    mine, other = (json.loads((place / "comparison.json").read_text()) for place in (out, whole))
    assert [_timeless(row) for row in mine] == [_timeless(row) for row in other]
    assert all(row["seeds"] == 1 for row in mine)
    assert {path.name for path in out.iterdir()} == {path.name for path in whole.iterdir()}


@pytest.mark.slow
def test_twenty_kills_leave_nothing_stale(tmp_path):
    rng = random.Random(19)
    whole = tmp_path / "whole"
    seconds = _whole(whole)
    assert _look(whole) == list(RUNS)
    print(f"{seconds:.0f} s without a kill", flush=True)
    kills, moments, number = 0, [], 0
    while kills < KILLS:
        out, number = tmp_path / f"killed_{number}", number + 1
        while kills < KILLS:
            process, mode = _start(out), rng.choice(("all", "all", "comparison", "run"))
            moment = time.time() + rng.uniform(0.0, 0.5 * seconds)
            while process.poll() is None and time.time() < moment:
                time.sleep(0.01)
            if process.poll() is not None:  # it was done before
                process.communicate()
                break
            _kill(process, out, mode)
            kills += 1
            moments.append((number, mode, _look(out) if out.exists() else []))
            print(kills, *moments[-1], flush=True)
        _whole(out)
        _equal(out, whole)
    assert len({mode for _, mode, _ in moments}) == 3
