"""How commands end: whose fault it is says the status, what it is says one line, --debug says the rest."""

import errno
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

import tfvae
from tests import models
from tfvae.checks import UserError
from tfvae.guard import guarded
from tfvae.schedules import Linear
from zoo.datasets import data, pipeline
from zoo.modalities import images


def _raise(error):
    raise error


@pytest.mark.parametrize(
    ("work", "status", "says"),
    [
        (lambda: None, 0, ""),
        (lambda: 1, 1, ""),
        (lambda: _raise(UserError("--size must\nbe small")), 2, "x: --size must be small"),
        (
            lambda: pathlib.Path("/nowhere/a").read_text(),
            2,
            "x: '/nowhere/a': No such file or directory",
        ),
        (lambda: _raise(OSError(errno.ENOSPC, "No space left", "/a")), 2, "x: '/a': No space left"),
        (
            lambda: _raise(MemoryError()),
            2,
            "x: the memory is not enough; take a smaller --batch_size",
        ),
        (
            lambda: _raise(tf.errors.ResourceExhaustedError(None, None, "OOM at [9]")),
            2,
            "x: the memory is not enough; take a smaller --batch_size, --size or settings (OOM at [9])",
        ),
        (lambda: tf.io.read_file("/nowhere/a"), 2, "x: /nowhere/a; No such file"),
        (lambda: _raise(KeyboardInterrupt()), 130, "x: stopped here"),
        (
            lambda: Linear(0.0, 1.0, 5)("three"),
            1,
            "x: a fault of this program at tfvae/schedules.py:",
        ),
        (lambda: {}["a"], 1, "KeyError: 'a'; please report it with the command and what --debug"),
    ],
)
def test_every_end_is_a_status_and_a_line(capsys, work, status, says):
    assert guarded("x", work, stopped="stopped here") == status
    said = capsys.readouterr().err
    assert len(said.splitlines()) == bool(says) and says in said


def test_debug_adds_the_traceback(capsys):
    assert guarded("x", lambda: {}["a"], debug=True) == 1
    said = capsys.readouterr().err
    assert said.startswith("Traceback") and 'lambda: {}["a"]' in said
    assert said.splitlines()[-1].startswith("x: a fault of this program at ")


def test_a_reader_that_left_is_no_fault(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # which is closed, as Python does at its end
    assert guarded("x", lambda: _raise(BrokenPipeError())) == 141
    assert capsys.readouterr().err == ""


def test_an_import_prints_nothing():
    root = pathlib.Path(tfvae.__file__).parent.parent
    code = "import tfvae, sys; assert tfvae.VAE and 'tensorflow' in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=root, env={})
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_training_and_evaluation_make_tensorflow_log_no_errors(capfd):
    """Deterministic kernels undo parallel maps, and its C++ code then complains of their attributes."""
    x = models.images(16)
    split = data.Split(x, None)
    capfd.readouterr()
    next(iter(pipeline.training_stream(split, "binary_dynamic", 4, 0)))
    model = models.plain()
    model.evaluate(**images.batches(x, 8), verbose=0)
    assert "NodeDef" not in capfd.readouterr().err
