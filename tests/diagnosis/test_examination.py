"""The command: what it reads, what it leaves, what it refuses."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests import models
from tests.linear_gaussian import planted
from tfvae import examination
from tfvae.checks import UserError
from zoo import plan, run, runs

QUICK = ["--gap_examples=4", "--gap_steps=5", "--nll_samples=3", "--nll_examples=4"]


def _command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tfvae.diagnose", *arguments], capture_output=True, text=True
    )


def test_a_saved_model_and_a_file_of_data(tmp_path):
    model, x = planted()
    model.save(tmp_path / "m.keras")
    np.save(tmp_path / "x.npy", x)
    done = _command(str(tmp_path / "m.keras"), f"--data={tmp_path / 'x.npy'}", *QUICK)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.startswith("HEALTHY")
    left = json.loads((tmp_path / "diagnosis.json").read_text())
    assert left["verdict"] == "healthy" and left["report"]["rate"] > 4
    page = (tmp_path / "diagnosis.html").read_text()
    assert "data:image/png" in page and "amortisation gap" in page and "http" not in page
    assert (tmp_path / "diagnosis.txt").read_text().count("HEALTHY") == 1


def test_a_run_directory_knows_its_data_its_weight_and_its_command(tmp_path):
    workdir = str(tmp_path / "run")
    steps = {"train_steps": 4, "nll_samples": 2, "nll_examples": 4, "workdir": workdir}
    sets = ("annealing=linear", "annealing_steps=100", "latent_width=2")
    run.run(plan.resolve("sentence_vae", sets, dataset="digits", backbone="mlp", **steps))
    found = runs.examined(workdir)
    assert found.beta == 1.0 and found.weight == pytest.approx(0.03, abs=0.02)
    assert found.x.shape[1:] == (8, 8, 1) and found.command.endswith(
        "--seed=0 --set=optimizer=adam"
    )
    assert "--dataset=digits" in found.command and "--train_steps=4" in found.command
    other = runs.plan_of(workdir)
    assert other.settings.annealing_steps == 100 and other.model == "sentence_vae"


@pytest.mark.parametrize(
    ("path", "data", "says"),
    [
        ("nowhere", None, "neither a run directory"),
        ("m.keras", None, "says nothing of its data"),
        ("m.keras", "x.txt", "is no .npy or .npz file"),
        ("m.keras", "y.npz", "holds no array 'x', but y"),
    ],
)
def test_what_cannot_be_examined_is_refused_in_a_line(tmp_path, path, data, says):
    models.plain().save(tmp_path / "m.keras")
    (tmp_path / "x.txt").write_text("no array")
    np.savez(tmp_path / "y.npz", y=np.zeros(3))
    data = None if data is None else str(tmp_path / data)
    with pytest.raises(UserError, match=says):
        examination.read(str(tmp_path / path), data)
