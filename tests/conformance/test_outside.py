"""A package of somebody else, laid down as pip lays it, is found by its entry points and by its names.

And what it takes to add a thing here, which CONTRIBUTING.md says too: one source file each.
"""

import importlib
import json
import pathlib
import re
import sys

import numpy as np
import pytest

import zoo
from tfvae import parts
from tfvae.checks import UserError
from tfvae.outside import entry_points
from zoo import datasets, models
from zoo.command import plan, run

OUTSIDE = pathlib.Path(__file__).parent.parent / "outside"
ROOT = OUTSIDE.parent.parent


@pytest.fixture
def installed(monkeypatch):
    """As after `pip install outside-vae`; forgotten afterwards."""
    monkeypatch.syspath_prepend(str(OUTSIDE))
    known = {key: list(held) for key, held in parts._KNOWN.items()}
    entry_points.cache_clear()
    yield
    sys.modules.pop("outside_vae", None)
    parts._KNOWN.clear()
    parts._KNOWN.update(known)
    entry_points.cache_clear()


def test_it_is_found_trained_and_left_as_everything_else(installed, tmp_path):
    assert "stripes" in datasets.names() and datasets.modality("stripes") == "images"
    resolved = plan.resolve("wide_vae", ["spread=3"], workdir=str(tmp_path / "run"))
    assert resolved.dataset == "stripes" and resolved.backbone == "mlp"
    report = run.run(resolved)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["parts"]["prior"] == {"part": "wide", "spread": 3.0}
    assert config["parts"]["terms"] == {"energy": {"energy_weight": 1.0}}
    assert report["model"] == "wide_vae" and np.isfinite(report["nll"])
    assert zoo.load(resolved.workdir).latent.prior.spread == 3.0
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").open()]
    assert "term/energy" in rows[-1]["train"]


def test_it_is_named_by_module_and_attribute_too(installed):
    resolved = plan.resolve("outside_vae:RECIPE", dataset="outside_vae:STRIPES")
    again = plan.resolve(
        "vae",
        ["prior=outside_vae:Wide", "terms=outside_vae:Energy", "latent_width=2"],
        dataset="digits",
    )
    assert resolved.point["prior"] == again.point["prior"]
    told = zoo.build("vae", "stripes", condition="labels", prior="wide", backbone="mlp")
    assert told.latent.prior.spread == 2.0 and told.condition.size == 3


def test_what_it_needs_is_looked_at(installed):
    with pytest.raises(UserError, match="prior=wide needs a latent of one vector, .*code=sequence"):
        plan.resolve("wide_vae", ["code=sequence"])
    with pytest.raises(UserError, match="spread belongs to prior=wide, and this model has prior=n"):
        plan.resolve("vae", ["spread=3"], dataset="digits")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("raise RuntimeError('a\\nb')", "cannot be imported: RuntimeError: a b"),
        ("import nothing_of_the_kind", "ModuleNotFoundError: No module named 'nothing_of"),
        ("RECIPE = 3", "must be a zoo.recipe.Recipe, got int"),
        ("", "has no 'RECIPE'"),
    ],
)
def test_a_recipe_that_cannot_be_imported_says_its_own_error_in_a_line(
    tmp_path, monkeypatch, text, says
):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "broken_vae.py").write_text(text)
    sys.modules.pop("broken_vae", None)
    importlib.invalidate_caches()
    with pytest.raises(UserError, match=says) as caught:
        models.load("broken_vae:RECIPE")
    assert "\n" not in str(caught.value)
    sys.modules.pop("broken_vae", None)


# what is added: (a file that holds one, the other source files that say its name)
ADDED = {
    "a prior": ("tfvae/latents/priors/ar1.py", r"\bCommittedRate\b"),
    "a posterior": ("tfvae/latents/posteriors/shared_scale.py", r"\bSharedScale\b"),
    "a quantiser": ("tfvae/latents/codebooks/nearest.py", r"\bNearest\b"),
    "a term": ("tfvae/objectives/cosine.py", r"\bCosine\(TermPart"),
    "a critic's term": ("tfvae/objectives/density_ratio.py", r"\bRatio\b"),
    "a schedule of the rate": ("tfvae/schedules.py", r"\bCyclicalWeight\b"),
    "a stage": ("tfvae/procedures/pretraining.py", r"\bPretraining\b"),
    "a backbone": ("zoo/backbones/deconvolutional.py", r"\bDeconvolutional\b"),
    "a model": ("zoo/models/delta_vae.py", r"zoo\.models\.delta_vae"),
}


@pytest.mark.parametrize("what", ADDED)
def test_a_part_stands_in_one_source_file_and_nothing_else_names_it(what):
    file, named = ADDED[what]
    sources = [p for folder in ("tfvae", "zoo") for p in (ROOT / folder).rglob("*.py")]
    naming = {str(p.relative_to(ROOT)) for p in sources if re.search(named, p.read_text())}
    # a model is found by its file: nothing says its name at all
    assert naming == (set() if what == "a model" else {file}) and (ROOT / file).exists()


def test_a_set_of_images_is_a_file_and_a_row():
    sources = [p for p in (ROOT / "zoo" / "datasets").rglob("*.py")]
    naming = {p.name for p in sources if re.search(r"\bomniglot\b", p.read_text())}
    assert naming == {"omniglot.py", "registry.py"}
