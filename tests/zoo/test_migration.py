"""Runs that were made before there were parts: their config.json is read, setting for setting.

`older_runs.json` holds what that version wrote for every flagfile, every model and some points more.
"""

import json
import pathlib

import pytest

import train_main
from tfvae.checks import UserError
from tfvae.training import RunDirectory
from zoo import models
from zoo.command import plan

HERE = pathlib.Path(__file__).parent
OLD = json.loads((HERE / "older_runs.json").read_text())
FLAGFILES = sorted((HERE.parents[1] / "zoo" / "flagfiles").glob("*.flags"))
FLAGFILES = [
    path for path in FLAGFILES if path.stem in OLD["runs"]
]  # later ones have no older runs
MODELS = [name for name in models.names() if f"model:{name}" in OLD["runs"]]


def older(name):
    """The config.json of that run."""
    held = OLD["runs"][name]
    return {**held["fields"], "settings": {**OLD["bases"][held["base"]], **held["settings"]}}


def _same(name, asked):
    held = json.loads(json.dumps(plan.current(older(name))))
    budget = dict.fromkeys(("eval_every", "checkpoint_every", "nll_samples", "nll_examples"))
    config = {**asked.config(), **{k: held[k] for k in (*budget, "train_steps", "batch_size")}}
    config |= {k: held[k] for k in ("learning_rate", "seed", "information_batch", "precision")}
    config |= {k: held[k] for k in ("deterministic", "jit_compile")}
    if config["parts"]["likelihood"]["part"] == "bernoulli" and config["backbone"] == "mlp":
        config["parts"]["likelihood"]["binary_inputs"] = "symmetric"  # what it saw then
    assert RunDirectory.difference(held, config) is None


@pytest.mark.parametrize("path", FLAGFILES, ids=lambda p: p.stem)
def test_an_older_run_of_a_flagfile_is_one_of_today_s(path):
    train_main.FLAGS.unparse_flags()
    train_main.parse(["x", f"--flagfile={path}"])
    _same(path.stem, train_main.resolved())


@pytest.mark.parametrize("name", MODELS)
def test_an_older_run_of_a_model_is_one_of_today_s(name):
    _same(f"model:{name}", plan.resolve(name))


@pytest.mark.parametrize(
    ("name", "model", "sets", "dataset"),
    [
        ("extra:a", "vae", ["prior=ar1"], "digits"),
        ("extra:b", "vae", ["rate_budget=capacity", "capacity=5"], "digits"),
        ("extra:c", "vae", ["posterior=vq", "num_codes=8", "upkeep=pulled_codes"], "digits"),
        ("extra:d", "vae", ["condition=labels", "prior=label"], "digits"),
        ("extra:e", "vae", ["rate_budget=target_distortion", "target_distortion=20"], "digits"),
        ("extra:f", "vae", ["on_collapse=aggressive"], "pydoc"),
        (
            "extra:g",
            "vae",
            ["rate_budget=free_bits", "on_collapse=free_bits", "free_bits=.5"],
            "digits",
        ),
        (
            "extra:h",
            "aggressive_vae",
            ["encoder_optimizer=adam", "encoder_learning_rate=.001"],
            "pydoc",
        ),
        ("extra:i", "delta_vae", [], "pydoc"),
        ("extra:j", "vae", ["code=sequence"], "fsdd"),
        ("extra:k", "vae", ["kept_weights=best", "terms=+cosine", "cosine_weight=.1"], "digits"),
        ("extra:l", "vae", ["clip_norm=none"], "digits"),
        ("extra:m", "vae", ["code=sequence", "latent_positions=3"], "pydoc"),
    ],
)
def test_old_words_and_new_ones_say_the_same(name, model, sets, dataset):
    _same(name, plan.resolve(model, sets, dataset=dataset))


@pytest.mark.parametrize(
    ("backbone", "saw"),
    [("mlp", "symmetric"), ("gated_mlp", "symmetric"), ("deconvolutional", None)],
)
def test_networks_of_version_2_go_on_with_the_pixels_that_they_saw(backbone, saw):
    config = json.loads(
        json.dumps(plan.resolve("vae", dataset="mnist", backbone=backbone).config())
    )
    assert config["parts"]["likelihood"].pop("binary_inputs") is None
    read = plan.current({**config, "version": 2})
    assert (read["version"], read["parts"]["likelihood"]["binary_inputs"]) == (3, saw)
    assert {**read["parts"], "likelihood": None} == {**config["parts"], "likelihood": None}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": 99}, "of version 99, and this reads 3 and those before"),
        ({"settings": None}, "'settings' must be an object"),
        ({"model": "gone"}, "cannot be read any more .unknown model 'gone'.*name another --workdir"),
        ({"settings": {"beta": 1.0}}, "settings of an older run lack 'optimizer'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_how_to_go_on(changes, says):
    with pytest.raises(UserError, match=says):
        plan.current({**older("model:vae"), **changes})
