"""What README and guides say can be typed: their Python runs, their commands are plans, their links hold."""

import pathlib
import re
import shlex
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
from absl import flags

import tfvae
import train_main
import zoo
from tests.conformance import bad_files
from tfvae import examination
from tfvae.training import RunDirectory
from zoo import models
from zoo.benchmarks import __main__ as benchmarks
from zoo.comparison import command as compare
from zoo.datasets.text.vocabulary import Vocabulary
from zoo.modalities import images, text

ROOT = pathlib.Path(tfvae.__file__).parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
}
MADE = ("docs/models/",)  # when the documentation is built


def _blocks(page, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGES[page], re.M | re.S)


SHAPE = (8, 8, 1)


def _finished(path, model, config, vocabulary=None):
    """A run directory as a run leaves it, as far as it is read."""
    directory = RunDirectory.create(str(path), config)
    if vocabulary is not None:
        text.leave(types.SimpleNamespace(vocabulary=vocabulary), directory)
    model.save(path / "model.keras")
    directory.write_json("report.json", {"verdict": "healthy"})


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What the blocks take for granted, in a directory with two runs."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = (rng.random((120, *SHAPE)) < 0.4).astype("float32")
    words = Vocabulary.from_text("\n".join(["<pad>", "<s>", "</s>", "<unk>", "a", "list", "."]))
    small = {"embedding_width": 4, "units": 4}
    lm = zoo.build("lm", "pydoc", text.Space(len(words), 6), **small)
    identity = text.identity(types.SimpleNamespace(vocabulary=words))
    _finished(tmp_path / "runs" / "lm_pydoc", lm, identity, words)
    _finished(tmp_path / "runs" / "delta_vae_digits", _vae(), {})
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


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page, "python")])
def test_every_block_of_python_runs(page, names):
    """Each page by itself, its blocks one after the other."""
    if "saved_model" in PAGES[page]:
        _vae().export("runs/delta_vae_digits/saved_model")
    for block in _blocks(page, "python"):
        names["model"] = _vae()  # each block may have made another one of it
        exec(compile(block, page, "exec"), names)
    if page == "docs/guide/python.md":
        assert names["images"].shape == (16, *SHAPE) and names["sevens"].shape == (16, *SHAPE)
        assert np.isfinite(names["log_p"].numpy()).all()


def test_every_link_leads_somewhere():
    for page, content in PAGES.items():
        said = re.sub(r"^```.*?^```|`[^`\n]+`", "code", content, flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", said):
            if target.startswith("http"):
                continue
            path = (ROOT / page).parent / target
            made = str(path.resolve().relative_to(ROOT)).startswith(MADE)
            assert made or path.exists(), f"{page}: {target}"


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
        assert "not good for" in page and f"--model={name}" in re.sub("<[^>]+>", "", page)


def _commands():
    """The words of each command, with what a line before it said of a variable."""
    for block in (block for page in PAGES for block in _blocks(page, "sh")):
        known = {}
        for line in block.splitlines():
            for name, value in known.items():
                line = line.replace(f"${name} ", f"{value} ")
            if assigned := re.fullmatch(r'(\w+)="(.*)"(\s+#.*)?', line):
                known[assigned[1]] = assigned[2]
                continue
            for part in line.split("&&"):
                words = shlex.split(part, comments=True)
                if words and words[0] == "python":
                    yield words[1:]


COMMANDS = list(_commands())


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words)[:60])
def test_every_command_can_be_planned(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "DIR").mkdir()
    for i in range(10):
        (tmp_path / "DIR" / f"{i}.png").write_bytes(bad_files.picture())
        (tmp_path / "DIR" / f"{i}.wav").write_bytes(bad_files.wav())
    np.savez("x.npz", x=np.eye(10))
    (tmp_path / "x.csv").write_bytes(bad_files.table())
    flags.FLAGS.unparse_flags()
    if words[0] == "train_main.py":
        train_main.parse(words)
        assert train_main.resolved().model == flags.FLAGS.model
    elif words[:2] == ["-m", "zoo.compare"]:
        assert compare.main([*words[2:], "--print_only"]) == 0
        assert "train_main.py --model=" in capsys.readouterr().out
    elif words[:2] == ["-m", "zoo.benchmarks"]:
        assert benchmarks._arguments().parse_args(words[2:]).name in benchmarks.NAMES
    else:
        assert words[:2] == ["-m", "tfvae.diagnose"]
        assert examination._arguments().parse_args(words[2:]).path


def test_the_commands_are_found():
    assert len(COMMANDS) > 20
