"""What docs/guide/seeds.md says can be varied; its commands are planned by tests/test_typed.py."""

import pathlib
import re

import train_main
from zoo.sweep import space

TEXT = (pathlib.Path(train_main.__file__).parent / "docs" / "guide" / "seeds.md").read_text()
ROWS = [
    row.replace("\\|", "|").strip("'") for row in re.findall(r"^\| `([\w']+=\S+)` \|", TEXT, re.M)
]


def test_what_can_be_varied_can_be():
    assert len(ROWS) == 5
    assert [space.of(row).name for row in ROWS] == [
        "beta", "learning_rate", "free_bits", "prior", "latent_grid",
    ]  # fmt: skip
