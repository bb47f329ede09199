"""What a package needs on its first day."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

import tfvae
from zoo.command import console

ROOT = pathlib.Path(tfvae.__file__).parent.parent
SETUP = (ROOT / "setup.py").read_text()


def test_one_version_and_one_license():
    version = re.search(r'version="([^"]+)"', SETUP)[1]
    citation = (ROOT / "CITATION.cff").read_text()
    assert version == tfvae.__version__ and f"version: {version}\n" in citation
    assert 'license="Apache-2.0"' in SETUP and "license: Apache-2.0\n" in citation
    text = (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text
    assert 'author="the tfvae developers"' in SETUP and 'name: "the tfvae developers"' in citation


def test_the_changelog_begins_with_this_version():
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert re.fullmatch(r"(\d+\.\d+\.\d+) \((unreleased|\d{4}-\d\d-\d\d)\)", headings[0])
    assert headings[0].startswith(f"{tfvae.__version__} (")
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(.*\)", heading) for heading in headings)


def test_the_public_host_tries_the_pythons_that_are_announced():
    matrix = re.search(r"python: \[(.*)\]", (ROOT / ".github/workflows/test.yml").read_text())
    assert matrix is not None
    tried = re.findall(r'"(3\.\d+)"', matrix[1])
    assert tried == re.findall(r'"Programming Language :: Python :: (3\.\d+)"', SETUP)
    ends = re.search(r'python_requires=">=3\.(\d+),<3\.(\d+)"', SETUP)
    assert ends is not None
    assert tried == [f"3.{minor}" for minor in range(int(ends[1]), int(ends[2]))]


@pytest.mark.slow
def test_the_wheel_holds_what_a_command_needs_and_no_other_names(tmp_path):
    made = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    sources = tmp_path / "sources"
    kept = ("tfvae", "zoo", "train_main.py", "setup.py", "pyproject.toml", "MANIFEST.in")
    for name in (*kept, "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        sources.mkdir(exist_ok=True)
        copy(ROOT / name, sources / name)
    subprocess.run([*made, "-w", str(tmp_path), str(sources)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        names = archive.namelist()
    info = f"tfvae-{tfvae.__version__}.dist-info"
    assert {name.split("/")[0] for name in names} == {"tfvae", "zoo", "train_main.py", info}
    python = {str(p.relative_to(ROOT)) for f in ("tfvae", "zoo") for p in (ROOT / f).rglob("*.py")}
    assert python <= set(names)
    assert {"tfvae/py.typed", "zoo/py.typed", "zoo/flagfiles/delta_vae_mnist.flags"} <= set(names)
    assert any(name.endswith("/LICENSE") for name in names)
    metadata = (site / info / "METADATA").read_text(encoding="utf-8")
    for line in ("License: Apache-2.0", r"Requires-Python: \S+", "Classifier: Typing :: Typed"):
        assert re.search(rf"^{line}$", metadata, re.M), line
    done = subprocess.run(
        [sys.executable, "-c", "from zoo.command.console import main; main(['list', 'models'])"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert done.stderr == "" and "    delta_vae        a latent sequence" in done.stdout


@pytest.mark.parametrize("package", ["tfvae", "zoo"])
def test_types_are_announced(package):
    assert (ROOT / package / "py.typed").exists() and f'"{package}": ["py.typed"' in SETUP


def test_the_script_lists_its_commands_without_tensorflow():
    code = (
        "import sys; from zoo.command import console; status = console.main(['--help']); "
        "assert 'tensorflow' not in sys.modules; sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and done.stderr == ""
    assert all(f"  {name} " in done.stdout for name in ("train", "diagnose", "compare"))
    assert '"tfvae = zoo.command.console:main"' in SETUP


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["trian"], "tfvae: unknown command 'trian'; known: train, diagnose, compare, sweep"),
        (["train", "--model=vea"], "train: unknown model 'vea'"),
        (["diagnose", "nowhere"], "diagnose: 'nowhere' is neither a run directory"),
        (["compare", "--models=vae"], "compare: give one of --train_steps"),
    ],
)
def test_the_script_hands_its_words_on(capfd, words, says):
    assert console.main(words) == 2
    assert capfd.readouterr().err.startswith(says)
