"""What docs/guide/seeds.md says can be typed."""

import pathlib
import re
import shlex

import pytest
from absl import flags

import train_main
from zoo.command import console
from zoo.sweep import command, space

TEXT = (pathlib.Path(train_main.__file__).parent / "docs" / "guide" / "seeds.md").read_text()
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S)
    for line in block.splitlines()
]
ROWS = [
    row.replace("\\|", "|").strip("'") for row in re.findall(r"^\| `([\w']+=\S+)` \|", TEXT, re.M)
]


@pytest.fixture(autouse=True)
def no_flags():
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words)[:50])
def test_a_command_can_be_planned(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words[0] == "tfvae" and words[1] in console.COMMANDS
    if words[1] == "train":
        train_main.parse(words[1:])
        assert train_main.resolved().model == "vae" and flags.FLAGS.seeds == "3"
    elif words[1] == "compare":
        assert console.main([*words[1:], "--print_only"]) == 0
        assert capsys.readouterr().out.count("train_main.py") == 10
    else:
        asked, rest = command._arguments().parse_known_args(words[2:])
        assert [one.name for one in command._search(asked, rest).space] == [
            "learning_rate",
            "free_bits",
        ]


def test_what_can_be_varied_can_be():
    assert len(COMMANDS) == 4 and len(ROWS) == 5
    assert [space.of(row).name for row in ROWS] == [
        "beta", "learning_rate", "free_bits", "prior", "latent_grid",
    ]  # fmt: skip
