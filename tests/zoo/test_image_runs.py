"""Runs of the systems with state beside their weights: codebooks, memories, critics, stages before.

Exact resume of each, and 1 device = 2 replicas, as the command runs them.
"""

import numpy as np
import pytest

from tests.zoo.cut import ending
from tfvae import training
from zoo.command import plan

MLP = {"backbone": "mlp"}
GATED = {"backbone": "gated_mlp"}
GRID = {"backbone": "deconvolutional"}
CODES = ("decoder_filters=8", "num_codes=8", "latent_width=3")
PRIOR = ("auxiliary_steps=4", "auxiliary_layers=1", "auxiliary_filters=8")
NO_PRIOR = ("stages=none",)
CRITIC = ("critic_layers=1", "critic_units=8", "critic_steps=2")
# (model, fields, settings, stages)
SYSTEMS = {
    "vq_vae": ("vq_vae", GRID, (*CODES, *PRIOR, "revive_below=0.5"), 2),
    "vq_vae by gradient": ("vq_vae", GRID, (*CODES, *NO_PRIOR, "upkeep=pulled_codes"), 1),
    "acn": ("acn", MLP, ("transition_units=8", *PRIOR), 2),
    "wae_mmd": ("wae_mmd", MLP, ("moment_steps=6",), 2),
    "wae_gan": ("wae_gan", MLP, (*CRITIC, "moment_steps=6", "adversary_offset=true"), 2),
    "info_vae": ("info_vae", MLP, (), 1),
    "vlae": ("vlae", {}, ("decoder_filters=8", "maf_units=16"), 1),
    "vae, a map of its codes": (
        "vae",
        MLP,
        ("code=sequence", "stages=+auxiliary_pixelcnn", "auxiliary_steps=4", "prior_filters=8"),
        2,
    ),
    "joint attention": ("vae", MLP, ("prior=attention", "prior_filters=8"), 1),
    "factor_vae": ("factor_vae", MLP, CRITIC, 1),
    "factor_vae, narrow": ("factor_vae", MLP, (*CRITIC, "bottleneck_rate=0.1"), 1),
    "beta_tcvae": ("beta_tcvae", MLP, (), 1),
    "hfvae": ("hfvae", MLP, (), 1),
    "joint_vae": (
        "joint_vae",
        MLP,
        ("categories=3,4", "latent_width=9", "concrete_last_temperature=0.3"),
        1,
    ),
    "hfvae of categories": (
        "hfvae",
        MLP,
        ("posterior=concrete", "latent_width=14", "latent_groups=10,2,2"),
        1,
    ),
    "skip_vae": ("skip_vae", MLP, (), 1),
    "lid_vae": ("lid_vae", {}, (), 1),
    "dc_ign": ("dc_ign", {**MLP, "dataset": "squares"}, (), 1),
    "dip_vae": ("dip_vae", MLP, (), 1),
    "mae_vae": ("mae_vae", MLP, ("maf_units=8",), 1),
    "hsic_vae": ("hsic_vae", MLP, ("hsic_between=both",), 1),
    "bn_vae": ("bn_vae", MLP, (), 1),
    "m2_vae": ("m2_vae", MLP, ("labelled_examples=20",), 1),
    "information_dropout": ("information_dropout", MLP, (), 1),
    "information_dropout in the encoder": (
        "information_dropout",
        GRID,
        ("encoder=information_dropout", "layer_activation=softplus", "noise_weight=0.01"),
        1,
    ),
    "vfae": ("vfae", {**MLP, "dataset": "diabetes"}, ("batches=partly_labelled",), 1),
    "vib": ("vib", MLP, ("classifier_units=8",), 1),
    "contrastive_vae": (
        "contrastive_vae",
        MLP,
        ("contrastive_scores=network", "contrastive_units=8", "contrastive_width=4"),
        1,
    ),
    "flow_vae": ("flow_vae", MLP, ("iaf_units=8", "maf_units=8"), 1),
    "auxiliary_maf": ("vae", MLP, ("stages=auxiliary_maf", "auxiliary_steps=4", "maf_units=8"), 2),
    "vamp_vae": ("vamp_vae", GATED, ("num_pseudo_inputs=9", "pseudo_inputs=from_examples"), 1),
    "hvae and a VampPrior": ("hvae", GATED, ("prior=vamp", "num_pseudo_inputs=9"), 1),
    "aux_vae": ("aux_vae", MLP, ("auxiliary_units=8",), 1),
    "vmf_vae": ("vmf_vae", MLP, ("latent_width=6", "posterior=vmf_learned", "spheres=2"), 1),
    "power spherical": ("vmf_vae", MLP, ("posterior=power_spherical_learned",), 1),
    "iwae": ("iwae", MLP, ("sample_gradient=doubly_reparameterised",), 1),
}


# The default tests take one system: the other rows are of the same parts, whose exactness has tests of its
# own, and two stages of a command are cut in tests/zoo/test_text_runs.py.
def _rows(*few):
    return [n if n in few else pytest.param(n, marks=pytest.mark.slow) for n in SYSTEMS]


def _plan(name, workdir, *sets, **given):
    model, fields, own, _ = SYSTEMS[name]
    shared = {"train_steps": 12, "batch_size": 8, "eval_every": 5, "checkpoint_every": 2}
    return plan.resolve(
        model,
        (*own, *sets),
        workdir=str(workdir),
        **{"dataset": "digits", **shared, **fields, **given},
    )


@pytest.mark.parametrize("name", _rows("info_vae"))
def test_a_run_that_is_cut_short_ends_as_one_that_is_not(name, tmp_path, monkeypatch):
    """Bit for bit all that a checkpoint holds, and metrics.jsonl; cut in each of the stages."""
    stages = SYSTEMS[name][-1]
    whole, rows = ending(_plan(name, tmp_path / "whole"), monkeypatch)
    again, rows_again = ending(_plan(name, tmp_path / "cut"), monkeypatch, cuts=stages)
    assert len({row["stage"] for row in rows}) == stages
    assert whole.keys() == again.keys() and rows == rows_again
    for key, value in whole.items():
        np.testing.assert_array_equal(value, again[key], err_msg=key)


@pytest.mark.parametrize("name", _rows("info_vae", "bn_vae"))
def test_two_replicas_end_as_one_device(name, tmp_path, monkeypatch, two_replicas):
    """Weights, codebook or memory, critics and their moments: the same up to rounding."""
    sets = ("optimizer=sgd",)
    given = {"train_steps": 6, "learning_rate": 1e-4}
    one, _ = ending(_plan(name, tmp_path / "one", *sets, **given), monkeypatch)
    monkeypatch.setattr(training.strategy, "make", lambda *_: two_replicas)  # slow to set up
    two, _ = ending(_plan(name, tmp_path / "two", *sets, **given), monkeypatch)
    assert one.keys() == two.keys()
    for key, value in one.items():
        np.testing.assert_allclose(value, two[key], rtol=1e-4, atol=2e-5, err_msg=key)
