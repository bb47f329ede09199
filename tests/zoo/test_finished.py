"""Trained from Python: what the command leaves, and what a notebook shows of it."""

import io
import json
import pathlib
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tfvae import UserError
from zoo.command import cell

SMALL = {"train_steps": 4, "nll_examples": 2, "nll_samples": 2, "latent_width": 2}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workdir = str(tmp_path_factory.mktemp("runs") / "a")
    return zoo.train("vae", workdir=workdir, backbone="linear", beta=0.5, **SMALL)


def test_it_is_a_run_with_all_that_was_said(run):
    workdir = pathlib.Path(run.workdir)
    config = json.loads((workdir / "config.json").read_text())
    assert config["train_steps"] == 4 and config["backbone"] == "linear"
    assert config["parts"]["rate_weight"]["beta"] == 0.5
    assert run.report == json.loads((workdir / "report.json").read_text())
    assert repr(run).startswith(f"{run.workdir}: Too early to say")  # four steps


def test_its_model_and_examples_are_those_of_the_directory(run):
    x, label = run.examples()
    assert label is None and set(np.unique(x)) == {0.0, 1.0}
    code = tf.reshape(run.model().encode(x[:5]), [5, -1])
    np.testing.assert_array_equal(code, tf.reshape(zoo.load(run.workdir).encode(x[:5]), [5, -1]))
    assert code.shape == (5, 2)


def test_its_figures_are_pictures(run):
    path = pathlib.Path(run.workdir, "figures", "samples.png")
    assert run.figure("samples")._repr_png_() == path.read_bytes()
    assert {"curves", "samples", "reconstructions"} <= set(run.figures())
    with pytest.raises(UserError, match="unknown figure 'sample'; did you mean samples"):
        run.figure("sample")


def test_a_finished_run_is_left_as_it_is(run):
    path = pathlib.Path(run.workdir, "report.json")
    before = path.stat().st_mtime_ns
    again = zoo.train("vae", workdir=run.workdir, resume=True, backbone="linear", beta=0.5, **SMALL)
    assert again.report == run.report and path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"modle": 1}, "modle"),
        ({"train_steps": 0}, "--train_steps must be from 1"),
        ({"resume": True}, "a run is resumed in its workdir"),
        ({"keep_example": False}, "keep_example"),
    ],
)
def test_what_cannot_be_is_refused(given, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=says):
        zoo.train("vae", **given)
    assert list(tmp_path.iterdir()) == []


def test_the_precision_of_a_run_is_not_that_of_what_is_made_next(tmp_path):
    with pytest.raises(UserError, match="no whole report|not empty"):
        (tmp_path / "x").write_text("")
        zoo.train("vae", workdir=str(tmp_path), precision="mixed_bfloat16")
    assert keras.config.dtype_policy().name == "float32"


def test_no_run_is_said(tmp_path):
    with pytest.raises(UserError, match="no finished run"):
        zoo.Run(str(tmp_path))


def _shell(kernel):
    return types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=kernel))


@pytest.mark.parametrize("kernel", [None, object()])
def test_only_in_a_notebook_it_speaks_below_the_cell(kernel, monkeypatch):
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setitem(sys.modules, "IPython", _shell(kernel))
    with cell.speaking():
        print("\rtrain 3/4\033[K", end="", file=sys.stderr, flush=True)
        rewrites = sys.stderr.isatty()
    assert sys.stderr is err
    if kernel is None:
        assert (out.getvalue(), err.getvalue()) == ("", "\rtrain 3/4\033[K") and not rewrites
    else:
        assert (out.getvalue().rstrip(" "), err.getvalue()) == ("\rtrain 3/4", "") and rewrites
