"""Runs that go to the Hugging Face Hub and come back; all is real but the server, which is on here."""

import io
import json
import pathlib
import zipfile

import numpy as np
import pytest

import zoo
from tests.zoo import fake_hub
from tfvae import UserError
from zoo import hub as hub_of_runs
from zoo.command import console

pytest.importorskip("huggingface_hub", reason="the extra hub")

SMALL = {"train_steps": 4, "nll_examples": 2, "nll_samples": 2, "latent_width": 2}
REPO = "somebody/linear-digits"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workdir = str(tmp_path_factory.mktemp("runs") / "a")
    return zoo.train("vae", workdir=workdir, backbone="linear", beta=0.5, **SMALL)


@pytest.fixture
def hub(monkeypatch):
    with fake_hub.serving() as (address, files, asked):
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("HF_TOKEN", "hf_none")
        monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        yield files, asked


def test_what_is_pulled_is_what_was_pushed(run, hub, tmp_path, capsys):
    files, _ = hub
    assert console.main(["push", run.workdir, f"--repo={REPO}"]) == 0
    assert capsys.readouterr().out.strip().endswith(REPO)
    assert "examples.npz" not in files[REPO]  # data are sent if one says so
    pulled = tmp_path / "pulled"
    assert console.main(["pull", REPO, f"--workdir={pulled}"]) == 0
    assert "Too early to say" in capsys.readouterr().out
    there = {p.relative_to(pulled).as_posix(): p for p in pulled.rglob("*") if p.is_file()}
    assert there.keys() == files[REPO].keys() and "figures/samples.png" in there
    for name, path in there.items():
        if name != "README.md":
            assert path.read_bytes() == pathlib.Path(run.workdir, name).read_bytes(), name
    x, _ = run.examples()
    np.testing.assert_array_equal(zoo.load(str(pulled)).encode(x[:5]), run.model().encode(x[:5]))


def test_the_card_says_what_came_out_and_how_to_make_it_again(run, hub):
    files, _ = hub
    zoo.push(run.workdir, REPO, examples=True)
    assert "examples.npz" in files[REPO]
    front, body = files[REPO]["README.md"].decode().removeprefix("---\n").split("\n---\n")
    said = dict(line.split(": ", 1) for line in front.splitlines())
    (index,) = json.loads(said["model-index"])
    (result,) = index["results"]
    values = {row["type"]: row["value"] for row in result["metrics"]}
    assert values["elbo"] == run.report["elbo"] and result["dataset"]["split"] == "test"
    assert "--train_steps=4" in body and "--set=beta=0.5" in body and "--backbone=linear" in body
    error = run.report["elbo_stderr"]
    assert f"| ELBO | {run.report['elbo']:.2f} ± {error:.2f} | nats |" in body
    assert f'zoo.pull("{REPO}"' in body and "loss = E_q(z|x)" in body


def test_what_is_no_file_of_a_run_stays_there(run, hub, tmp_path):
    """A name may leave the directory; whoever pushed it is nobody we know."""
    files, asked = hub
    zoo.push(run.workdir, REPO)
    strange = ("../evil", "figures/../../evil.png", "model.pkl", "figures/a.py", "/evil")
    files[REPO] |= dict.fromkeys(strange, b"evil")
    zoo.pull(REPO, str(tmp_path / "in" / "pulled"))
    assert not any("evil" in p.name or p.suffix in (".pkl", ".py") for p in tmp_path.rglob("*"))
    assert not any("evil" in path or "model.pkl" in path for _, path in asked)


def test_a_repository_holds_one_run_and_what_is_no_file_of_a_run(run, hub):
    """Examples and figures of the run that was there would pass for those of the new one."""
    files, _ = hub
    zoo.push(run.workdir, REPO, examples=True)
    files[REPO] |= {"figures/old.png": b"old", "LICENSE": b"mine"}
    zoo.push(run.workdir, REPO)
    assert {"LICENSE", "model.keras", "figures/samples.png"} <= files[REPO].keys()
    assert not {"examples.npz", "figures/old.png"} & files[REPO].keys()


def test_private_is_private(run, hub):
    files, _ = hub
    zoo.push(run.workdir, "somebody/own", private=True)
    zoo.push(run.workdir, "somebody/own", private=True)
    files["somebody/seen"] = {}
    with pytest.raises(UserError, match="private: somebody/seen is public already"):
        zoo.push(run.workdir, "somebody/seen", private=True)
    assert not files["somebody/seen"] and "model.keras" in files["somebody/own"]


def test_what_lies_beside_is_left_alone(run, hub, tmp_path):
    zoo.push(run.workdir, REPO)
    (tmp_path / "pulled.part").mkdir()
    (tmp_path / "file").write_text("mine")
    zoo.pull(REPO, str(tmp_path / "pulled"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "pulled", "pulled.part"]
    with pytest.raises(UserError, match="cannot write"):
        zoo.pull(REPO, str(tmp_path / "file" / "pulled"))


def _with_a_lambda(content: bytes) -> bytes:
    """The same model, of which a layer is a marshalled function."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            held = old.read(name)
            if name == "config.json":
                config = json.loads(held)
                code = {"class_name": "__lambda__", "config": {"value": "4wAA"}}
                layer = {"module": "keras.layers", "class_name": "Lambda", "registered_name": None}
                config["config"]["encoder"] = {**layer, "config": {"function": code}}
                held = json.dumps(config).encode()
            new.writestr(name, held)
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda files: files.clear(), "holds no run of tfvae"),
        (lambda files: files.pop("model.keras"), "holds no run of tfvae.*model.keras is missing"),
        (lambda files: files.update({"report.json": b"{"}), "holds no run of tfvae"),
        (
            lambda files: files.update({"model.keras": _with_a_lambda(files["model.keras"])}),
            "holds no run of tfvae.*model.keras",
        ),
    ],
)
def test_a_repository_without_a_run_leaves_nothing(run, hub, tmp_path, change, says):
    files, _ = hub
    zoo.push(run.workdir, REPO)
    change(files[REPO])
    with pytest.raises(UserError, match=says):
        zoo.pull(REPO, str(tmp_path / "pulled"))
    assert not list(tmp_path.iterdir())


def test_what_the_hub_or_we_refuse_is_said_in_a_line(run, hub, tmp_path, monkeypatch):
    new = str(tmp_path / "new")
    for work, says in (
        (lambda: zoo.pull("no/such", new), "the Hub refuses no/such: 404"),
        (lambda: zoo.push(run.workdir, "closed/x"), "the Hub refuses closed/x: 403"),
        (lambda: zoo.push(run.workdir, "name"), "named USER/NAME, got 'name'"),
        (lambda: zoo.push(run.workdir, "../x/y"), "named USER/NAME"),
        (lambda: zoo.push(new, REPO), "no finished run"),
        (lambda: zoo.pull(REPO, run.workdir), "holds another run"),
    ):
        with pytest.raises(UserError, match=says):
            work()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # where nobody answers
    with pytest.raises(UserError, match="the Hub refuses somebody/linear-digits"):
        zoo.push(run.workdir, REPO)
    monkeypatch.setattr(hub_of_runs.importlib, "import_module", _missing)
    with pytest.raises(UserError, match=r"pip install 'tfvae\[hub\]'"):
        zoo.push(run.workdir, REPO)


def _missing(name):
    raise ImportError(name)
