"""What README and guides say: their Python runs, their links hold, the documentation is built."""

import re
import subprocess
import sys
import types
from unittest import mock

import keras
import numpy as np
import pytest
import sklearn.datasets
import sklearn.utils

import zoo
from tests.conformance import bad_files
from tests.pages import PAGES, ROOT, anchors, blocks, prose
from tfvae.training import RunDirectory
from zoo import hub, models
from zoo.command import run
from zoo.datasets.text.vocabulary import Vocabulary
from zoo.modalities import images, text

MADE = ("docs/models/",)  # when the documentation is built

SHAPE = (8, 8, 1)


def _finished(path, model, config, vocabulary=None):
    """A run directory as a run leaves it, as far as it is read."""
    directory = RunDirectory.create(str(path), config)
    if vocabulary is not None:
        text.leave(types.SimpleNamespace(vocabulary=vocabulary), directory)
    model.save(path / "model.keras")
    directory.write_json("report.json", {"verdict": "healthy", "rate": 2.0})


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What the blocks take for granted, in a directory with two runs."""
    monkeypatch.chdir(tmp_path)

    def trained(plan, resume=False):
        """Instead of a training, which takes longer: what a run leaves."""
        path = tmp_path / plan.workdir
        _finished(path, _vae(), {})
        np.savez(path / "examples.npz", x=x[100:])
        (path / "figures").mkdir(exist_ok=True)
        (path / "figures" / "samples.png").write_bytes(bad_files.picture())

    def pulled(repo, workdir, revision=None):
        """Instead of the Hub."""
        _finished(tmp_path / workdir, _vae(), {})
        return zoo.Run(workdir)

    monkeypatch.setattr(run, "run", trained)
    monkeypatch.setattr(hub, "push", mock.create_autospec(hub.push))
    monkeypatch.setattr(hub, "pull", mock.create_autospec(hub.pull, side_effect=pulled))
    rng = np.random.default_rng(0)
    x = (rng.random((120, *SHAPE)) < 0.4).astype("float32")
    words = Vocabulary.from_text("\n".join(["<pad>", "<s>", "</s>", "<unk>", "a", "list", "."]))
    small = {"embedding_width": 4, "units": 4}
    lm = zoo.build("lm", "pydoc", text.Space(len(words), 6), **small)
    identity = text.identity(types.SimpleNamespace(vocabulary=words))
    _finished(tmp_path / "runs" / "lm_pydoc", lm, identity, words)
    for name in ("delta_vae_digits", "first"):
        _finished(tmp_path / "runs" / name, _vae(), {})
        np.savez(tmp_path / "runs" / name / "examples.npz", x=x[100:])
    digits = sklearn.datasets.load_digits()
    few = sklearn.utils.Bunch(images=digits.images[:480], target=digits.target[:480])
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda: few)
    encoder = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(4)])
    decoder = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(64), keras.layers.Reshape(SHAPE)]
    )
    return {
        "np": np,
        "x_train": x[:100],
        "y_train": rng.integers(0, 10, 100),
        "x_test": x[100:],
        "x_valid": x[100:],
        "encoder": lambda x: tuple(keras.ops.split(encoder(x), 2, axis=-1)),
        "decoder": decoder,
    }


def _vae():
    space = images.Space(SHAPE, 1)
    return zoo.build("vae", "digits", space, size="tiny", latent_width=2, train_steps=10)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_every_block_of_python_runs(page, names):
    """Each page by itself, its blocks one after the other."""
    if "saved_model" in PAGES[page]:
        _vae().export("runs/delta_vae_digits/saved_model")
    for block in blocks(page, "python"):
        names["model"] = _vae()  # each block may have made another one of it
        exec(compile(block, page, "exec"), names)
    if page == "docs/guide/python.md":
        assert names["images"].shape == (16, *SHAPE) and names["sevens"].shape == (16, *SHAPE)
        assert np.isfinite(names["log_p"].numpy()).all()


def test_every_link_leads_somewhere():
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)[^)]*\)", prose(page)):
            if target.startswith("http"):
                continue
            path = ((ROOT / page).parent / target).resolve() if target else ROOT / page
            name = str(path.relative_to(ROOT))
            assert name.startswith(MADE) or path.exists(), f"{page}: {target}"
            if anchor:
                assert anchor in anchors(name), f"{page}: {target}#{anchor}"


def test_every_column_of_a_table_has_a_name():
    """A reader of the page aloud says it before each cell."""
    for page in PAGES:
        for heads in re.findall(r"^(\|.*\|)\n\|(?:[ :]*-+[ :]*\|)+$", prose(page), re.M):
            assert all(map(str.strip, re.split(r"(?<!\\)\|", heads)[1:-1])), f"{page}: {heads}"


def test_anchors_are_those_of_headings():
    assert "several-seeds-of-one-model" in anchors("docs/guide/seeds.md")
    assert "sweeps-learning-rate-and-remedies" in anchors("docs/guide/seeds.md")
    assert "stopped" not in anchors("docs/guide/seeds.md")  # in bold, no heading


def test_the_readme_names_every_model():
    missing = [name for name in models.names() if f"`{name}`" not in PAGES["README.md"]]
    assert not missing, missing


def test_the_readme_is_a_screen_and_a_half():
    assert len(PAGES["README.md"].splitlines()) < 100


@pytest.mark.slow
def test_the_documentation_is_built_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs", reason="pip install 'tfvae[docs]'")
    words = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "WARNING -" not in done.stderr
    assert 'not included in the "nav"' not in done.stderr  # a page that no reader finds
    for name in models.names():
        page = (tmp_path / "site" / "models" / name / "index.html").read_text(encoding="utf-8")
        assert "What it is not for" in page and f"--model={name}" in re.sub("<[^>]+>", "", page)
        assert not re.search(r"<th[^>]*>\s*</th>", page), name  # a column without a name
    elsewhere = r"<(?:script|link|img)[^>]+(?:src|href)=\"?(http[^\" >]+)"
    pages = [p.read_text(encoding="utf-8") for p in (tmp_path / "site").rglob("*.html")]
    fetched = [found for page in pages for found in re.findall(elsewhere, page)]
    assert not fetched  # a reader's browser asks no other host
    assert 'class="drawing"' in (tmp_path / "site" / "architecture" / "index.html").read_text()
