"""The command: what it reads, what it leaves, what it refuses."""

import gzip
import json
import os
import shlex
import subprocess
import sys

import numpy as np
import pytest

from tests import models
from tests.linear_gaussian import planted
from tfvae import diagnosis, examination, inputs
from tfvae.checks import UserError
from tfvae.inference import amortised, semi_amortised
from tfvae.training import reading
from zoo import models as systems
from zoo.command import assemble, card, plan, run
from zoo.modalities import images

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
    sets = ("rate_weight=linear", "annealing_steps=100", "latent_width=2")
    run.run(plan.resolve("sentence_vae", sets, dataset="digits", backbone="mlp", **steps))
    found = examination.read(workdir)
    assert found.beta == 1.0 and found.weight == pytest.approx(0.03, abs=0.02)
    assert found.x.shape[1:] == (8, 8, 1) and found.command.endswith(
        "--seed=0 --nll_samples=2 --nll_examples=4 --set=optimizer=adam"
    )
    assert "--dataset=digits" in found.command and "--train_steps=4" in found.command
    os.remove(f"{workdir}/examples.npz")
    x = str(tmp_path / "x.npy")
    with pytest.raises(UserError, match="was told to leave no examples: add --data="):
        examination.read(workdir)
    np.save(x, models.images(5))
    other = examination.read(workdir, x)
    assert other.inference is amortised
    assert len(other.x) == 5 and other.weight == found.weight
    with open(f"{workdir}/card.json") as file:
        card = json.load(file)
    with open(f"{workdir}/card.json", "w") as file:
        json.dump({**card, "refined_by": "inference=semi_amortised"}, file)
    with pytest.raises(UserError, match="refined by inference=semi_amortised, and not how"):
        examination.read(workdir, x)
    refined = {"steps": 3, "step_size": 20.0, "batch_size": 40}
    with open(f"{workdir}/card.json", "w") as file:
        json.dump({**card, "refinement": refined}, file)
    assert refined.items() <= examination.read(workdir, x).inference.refinement.items()
    for wrong in ({"steps": -1}, {"stride": 2}, [3]):
        with open(f"{workdir}/card.json", "w") as file:
            json.dump({**card, "refinement": wrong}, file)
        with pytest.raises(UserError, match="'refinement' must be settings of semi_amortised"):
            examination.read(workdir, x)
    os.remove(f"{workdir}/card.json")
    with pytest.raises(
        UserError, match="before runs left a card.json: examine its model by .*keras"
    ):
        examination.read(workdir)


@pytest.mark.slow
def test_a_run_whose_codes_are_refined_is_examined_by_its_own_refinement(tmp_path, capsys):
    """The command's figures are those of `measure` with the inference that was trained."""
    workdir = str(tmp_path / "run")
    steps = {"train_steps": 4, "nll_samples": 2, "nll_examples": 4, "workdir": workdir}
    sets = ("svi_steps=3", "svi_step_size=20.0", "latent_width=2", "rate_weight=constant")
    run.run(plan.resolve("sa_vae", sets, dataset="digits", backbone="mlp", **steps))
    found = examination.read(workdir)
    batch = found.inference.refinement["batch_size"]
    wanted = {"steps": 3, "step_size": 20.0, "momentum": 0.5, "clip_norm": 5.0}
    assert wanted.items() <= found.inference.refinement.items() and batch > 1
    assert found.beta is None  # where it stands says nothing of a weight
    assert examination.main([workdir, "--examples=40", *QUICK]) == 0
    assert "above what the refinement finds" in capsys.readouterr().out
    report = json.loads((tmp_path / "run" / "diagnosis.json").read_text())["report"]
    x = found.x[inputs.some_rows(len(found.x), 40)]
    options = {"num_samples": 3, "nll_examples": 4}
    own = diagnosis.measure(
        found.model, x, inference=semi_amortised(3, 20.0, batch_size=batch), **options
    )
    encoder = diagnosis.measure(found.model, x, **options)
    assert report["elbo"] == pytest.approx(own["elbo"], rel=1e-5)
    assert abs(report["elbo"] - encoder["elbo"]) > 0.01 and "effective_weight" not in report


def test_what_a_run_says_of_itself_is_of_it():
    """A weight alone is not all that decides where the encoder stands."""
    plain = ("vae", ()), ("sentence_vae", ()), ("vae", ("posterior=shared_scale",))
    other = (
        ("vae", ("posterior=fixed_scale",)),
        ("vae", ("inference=semi_amortised",)),
        ("vae", ("rate_budget=free_bits",)),
        ("vae", ("rate_budget=target_rate",)),
        ("vae", ("terms=+cosine",)),
        ("vq_vae", ()),
        ("acn", ("memory_size=9",)),
    )
    for (name, sets), wanted in [*((p, True) for p in plain), *((p, False) for p in other)]:
        resolved = plan.resolve(name, sets, dataset="digits", backbone="mlp")
        context = run.context(resolved, images.Space((8, 8, 1), 1))
        described = systems.load(name)
        model = assemble.model(described, context)
        stage = run.main_of(assemble.stages(described, context, model))
        model.compile(procedure=stage.procedure)
        assert card.is_plain(resolved.point, model, stage) == wanted, (name, sets)


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


def test_commands_to_paste_quote_their_paths():
    folder = "/my data/it's $HOME; rm"
    resolved = plan.resolve(
        "vae", ("latent_grid=2,2", "prior=ar1"), dataset="mnist", data_dir=folder
    )
    for command in (resolved.command(), resolved.beside()):
        words = shlex.split(command)
        assert words[:2] == ["python", "train_main.py"] and f"--data_dir={folder}" in words
    assert "--set=latent_grid=2,2" in shlex.split(resolved.command())


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (np.float64, np.float32),
        (np.float16, np.float32),
        (bool, np.float32),
        (np.uint8, np.uint8),
        (np.int64, np.int32),
        (np.uint16, np.int32),
    ],
)
def test_data_may_be_of_any_type_of_numbers(tmp_path, kind, kept):
    """Of a model of binary images each says the same."""
    x = models.images(6)
    np.savez(tmp_path / "x.npz", x=x.astype(kind), label=np.arange(6.0))
    found, label = reading.data(str(tmp_path / "x.npz"))
    assert found.dtype == kept and label.dtype == np.int64 and label.tolist() == list(range(6))
    np.testing.assert_array_equal(found, x)
    np.save(tmp_path / "x.npy", x.astype(kind))
    again, label = reading.data(str(tmp_path / "x.npy"))
    np.testing.assert_array_equal(again, x)
    assert label is None


def test_memory_is_counted_before_it_is_filled(tmp_path, monkeypatch):
    """An archive of some kilobytes may say that it holds terabytes."""
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((1000, 1000), np.uint8))
    monkeypatch.setattr("os.sysconf", lambda name: 100)  # pages of 100 bytes, 100 of them
    with pytest.raises(UserError, match=r"x.npz, unpacked, needs 1 GiB, and this machine has"):
        reading.arrays(str(tmp_path / "x.npz"), "x")
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes(20_000)))
    with pytest.raises(UserError, match="x.gz, unpacked, needs"):
        reading.content(str(tmp_path / "x.gz"))
