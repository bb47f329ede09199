"""What a package needs on its first day."""

import pathlib
import re
import subprocess
import sys

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
        (["train", "--model=vea"], "train_main: unknown model 'vea'"),
        (["diagnose", "nowhere"], "diagnose: 'nowhere' is neither a run directory"),
        (["compare", "--models=vae"], "compare: give one of --train_steps"),
    ],
)
def test_the_script_hands_its_words_on(capfd, words, says):
    assert console.main(words) == 2
    assert capfd.readouterr().err.startswith(says)
