"""Whatever README and docs/ say to type can be typed: commands are planned, extras and files are there."""

import importlib
import re
import shlex

import numpy as np
import pytest
from absl import flags

import train_main
from tests.conformance import bad_files
from tests.pages import PAGES, ROOT, blocks
from zoo import datasets
from zoo.benchmarks import __main__ as benchmarks
from zoo.command import completion, console
from zoo.comparison import command as compare
from zoo.sweep import command as sweep
from zoo.sweep import curve

SETUP = (ROOT / "setup.py").read_text(encoding="utf-8")
MODULES = {"zoo.compare": "compare", "tfvae.diagnose": "diagnose", "zoo.sweep": "sweep"}


def _lines():
    """(page, words) of each command, with what a line before it said of a variable."""
    for page in PAGES:
        for block in blocks(page, "sh|console|bash"):
            known = {}
            for line in block.replace("\\\n", " ").splitlines():
                for name, value in known.items():
                    line = re.sub(rf"\${name}\b", lambda _, value=value: value, line)
                if assigned := re.fullmatch(r'(\w+)="(.*)"(\s+#.*)?', line):
                    known[assigned[1]] = assigned[2]
                    continue
                for part in line.split("&&"):
                    if words := shlex.split(part, comments=True):
                        yield page, _as_tfvae(words)


def _as_tfvae(words):
    """`python train_main.py` and `python -m zoo.compare` as what they are: commands of `tfvae`."""
    if words[:2] == ["python", "train_main.py"]:
        return ["tfvae", "train", *words[2:]]
    if words[:2] == ["python", "-m"] and words[2] in MODULES:
        return ["tfvae", MODULES[words[2]], *words[3:]]
    return words


def _in_sentences():
    """(page, words) of commands of ours between backquotes."""
    for page, content in PAGES.items():
        for said in re.findall(
            r"`((?:tfvae|python train_main\.py|python -m zoo) [^`\n]*)`", content
        ):
            yield page, _as_tfvae(said.split())


LINES, SAID = list(_lines()), list(_in_sentences())
PLACEHOLDER = re.compile(r"\b[A-Z]{4,}\b|<")
"""What a reader is to replace, where no folder or file stands for it."""
COMMANDS = {shlex.join(words[1:]) for _, words in LINES if words[0] == "tfvae"} | {
    shlex.join(words[1:])
    for _, words in SAID
    if re.search("--(model|flagfile)=", shlex.join(words))
    and not PLACEHOLDER.search(shlex.join(words))
}


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    """A directory with what the commands take for granted."""
    monkeypatch.chdir(tmp_path)
    for folder in ("DIR", "pictures"):
        (tmp_path / folder).mkdir()
        for i in range(10):
            (tmp_path / folder / f"{i}.png").write_bytes(bad_files.picture())
            (tmp_path / folder / f"{i}.wav").write_bytes(bad_files.wav())
    np.savez("x.npz", x=np.eye(10))
    (tmp_path / "x.txt").write_text("a cat sleeps near the river .\n" * 20)
    (tmp_path / "x.csv").write_bytes(bad_files.table())
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()


def _train(words, _):
    train_main.parse(["train", *words])
    if flags.FLAGS.seeds is not None:
        assert flags.FLAGS.seed is None
    plan = train_main.resolved()
    assert plan.model == flags.FLAGS.model
    # what a reader without the file types ends in a refusal: the line must say where it lies
    made = datasets.made_here(plan.dataset)
    assert made or flags.FLAGS.data_dir or flags.FLAGS.data, "its files are needed"


def _compare(words, capsys):
    assert compare.main([*words, "--print_only"]) == 0
    assert "train_main.py --model=" in capsys.readouterr().out


def _sweep(words, _):
    asked, rest = sweep._arguments().parse_known_args(words)
    assert sweep._search(asked, rest).space


def _curve(words, capsys):
    assert curve.main([*words, "--print_only"]) == 0
    assert "train_main.py --model=" in capsys.readouterr().out


PLANNED = {"train": _train, "compare": _compare, "curve": _curve, "sweep": _sweep}


@pytest.mark.parametrize("line", sorted(COMMANDS), ids=lambda line: line[:60])
def test_a_command_can_be_planned(line, capsys):
    command, *words = shlex.split(line)
    module = importlib.import_module(console.COMMANDS[command][1])
    if command in PLANNED and "--help" not in words:
        PLANNED[command](words, capsys)
    else:
        module._arguments().parse_args(words)


def test_what_is_no_command_of_ours_is_there():
    for page, (program, *words) in LINES:
        said = f"{page}: {program} {shlex.join(words)}"
        if program in ("pip", "mkdocs", "tfvae", "eval"):
            for extra in re.findall(r"(?:tfvae|\.)\[([\w,]+)\]", " ".join(words)):
                assert all(f'"{one}": [' in SETUP for one in extra.split(",")), said
        elif program == "jupyter":
            assert (ROOT / words[-1]).exists(), said
        elif program == "python" and words[0].endswith(".py"):
            source = (ROOT / words[0]).read_text(encoding="utf-8")
            assert all(f'"{f}"' in source for f in re.findall(r"--\w+", shlex.join(words))), said
        elif program in ("docker", "curl", "mkdir", "cp", "tensorflow_model_server"):
            continue  # somebody else's
        elif program == "pytest":
            assert all((ROOT / w).exists() for w in words if w.startswith("tests/")), said
        elif words[:2] == ["-m", "zoo.benchmarks"]:
            assert benchmarks._arguments().parse_args(words[2:]).name in benchmarks.NAMES, said
        else:
            raise AssertionError(f"nobody looks at it: {said}")


def test_commands_in_a_sentence_name_flags_that_are_there():
    for page, words in SAID:
        said = f"{page}: {shlex.join(words)}"
        if words[0] != "tfvae" or PLACEHOLDER.search(words[1]):
            continue
        assert words[1] in console.COMMANDS, said
        known = {"help", *completion.flags_of(console.COMMANDS[words[1]][1])}
        for word in words[2:]:
            flag = re.match(r"--(\w+)", word)
            assert flag is None or flag[1] in known, said


def test_the_commands_are_found():
    assert len(COMMANDS) > 40 and {line.split()[0] for line in COMMANDS} >= {"train", "diagnose"}


def test_the_guide_names_every_command():
    said = {words[1] for page, words in SAID if page == "docs/guide/command.md" and len(words) == 2}
    assert said == set(console.COMMANDS)
