"""A few steps of every system by its command: every figure as it was recorded (slow: 13 minutes)."""

import json

import pytest

from tests.goldens import systems
from zoo import models

GOLDEN = json.loads(systems.FILE.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", models.names())
def test_figures_are_as_recorded(name, tmp_path):
    """To float32 rounding, which training magnifies."""
    got, golden = systems.figures(name, str(tmp_path / "run")), GOLDEN[name]
    assert got.keys() == golden.keys()
    for figure, value in golden.items():
        wanted = None if value is None else pytest.approx(value, rel=1e-3, abs=1e-3)
        assert got[figure] == wanted, figure
