"""Every public name of the axes without Keras configs is under test by its name, and reachable."""

import pathlib
import re

import pytest

from tfvae import inference, objectives, procedures, schedules
from zoo import models
from zoo.command import plan

TESTS = pathlib.Path(__file__).parent.parent
NOT_PARTS = {"Procedure", "Schedule", "STOPPING"}


@pytest.mark.parametrize("module", [inference, objectives, procedures, schedules])
def test_every_public_name_has_a_test_that_names_it(module):
    text = "".join(p.read_text() for p in TESTS.rglob("test_*.py") if p.name != "test_axes.py")
    missing = [name for name in module.__all__ if name not in text and name not in NOT_PARTS]
    assert not missing, f"{module.__name__}: no test names {missing}"


@pytest.mark.parametrize("name", models.names())
def test_every_model_has_its_formula_its_paper_and_a_point_that_is_one(name):
    text, described = models.documentation(name), models.load(name)
    assert text.startswith(f"`{name}`: ") and re.search(r"( = |<-|>=)", text)
    assert any(year in described.citation for year in map(str, range(2005, 2027)))
    plain = plan.resolve("vae", dataset=described.defaults.dataset).point
    assert name == "vae" or plan.resolve(name).point != plain, f"{name} is the plain VAE"


@pytest.mark.parametrize("name", models.names())
def test_every_model_has_a_flagfile(name):
    shipped = (TESTS.parent / "zoo" / "flagfiles").glob("*.flags")
    assert any(f"--model={name}\n" in path.read_text() for path in shipped)
