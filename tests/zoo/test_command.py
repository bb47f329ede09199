"""The command: flags, flagfiles, refusals in one line, settings."""

import shlex
import subprocess
import sys
import time

import pytest

import train_main
from tests.zoo.points import value
from tfvae.checks import UserError
from zoo import models
from zoo.command import plan

ROOT = train_main.pathlib.Path(train_main.__file__).parent
FLAGFILES = sorted((ROOT / "zoo" / "flagfiles").glob("*.flags"))


def _command(*words):
    return subprocess.run(
        [sys.executable, str(ROOT / "train_main.py"), *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


def test_help_answers_in_about_a_second_and_imports_no_tensorflow():
    start = time.time()
    words = [sys.executable, "-X", "importtime", str(ROOT / "train_main.py"), "--help"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert "--model" in done.stdout
    assert "absl" in done.stderr and "tensorflow" not in done.stderr
    assert time.time() - start < 5  # 0.1 s on an idle machine


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--modle=vae"], "Did you mean: model"),
        ([], "--model is missing"),
        (["--model=vae", "stray"], "unexpected 'stray'"),
        (["--model=vae", "--train_steps=many"], "train_steps"),
        (["--flagfile=nowhere"], "no flagfile 'nowhere'; shipped: acn_mnist, "),
        (["--flagfile=delta_vae_minst"], "'delta_vae_minst'; did you mean delta_vae_mnist,"),
        (["--model=vae", "--resume"], "--resume needs the --workdir"),
    ],
)
def test_wrong_flags_are_one_line_and_status_2(words, says):
    done = _command(*words)
    assert done.returncode == 2
    assert says in done.stderr and len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"model": "delta_va"}, "unknown model 'delta_va'; did you mean delta_vae?"),
        ({"model": "vae", "dataset": "mnst"}, "unknown dataset 'mnst'; did you mean mnist"),
        (
            {"model": "vae", "backbone": "gated_pixlcnn"},
            "unknown backbone of images .*did you mean gated_pixelcnn",
        ),
        ({"model": "vae", "size": "big"}, "unknown size 'big'"),
        (
            {"model": "vae", "sets": ["latent_widht=3"]},
            "unknown setting 'latent_widht'; did you mean latent_width",
        ),
        (
            {"model": "vae", "sets": ["latent_width=three"]},
            "'latent_width' must be a whole number, got 'three'",
        ),
        (
            {"model": "vae", "sets": ["latent_width=0"]},
            "'latent_width' must be from 1 to 4096, got 0",
        ),
        ({"model": "vae", "sets": ["latent_width"]}, "--set wants name=value"),
        ({"model": "vae", "sets": ["beta=nan"]}, r"'beta' must be from 0 to 1e\+30, got nan"),
        (
            {"model": "delta_vae", "sets": ["encoder=both"]},
            "'both'; .*known: anti_causal, dense, full",
        ),
        (
            {"model": "vae", "backbone": "lstm"},
            "unknown backbone of images 'lstm'; known: deconvolutional, gated_mlp",
        ),
        (
            {"model": "pooled_vae", "dataset": "digits"},
            "'pooled_vae' stands on encoder=max, which images does not have",
        ),
        (
            {"model": "cnn_vae", "dataset": "digits"},
            "'cnn_vae' stands on cnn=scnn, which images does not have",
        ),
        (
            {"model": "skip_vae", "backbone": "gated_pixelcnn"},
            "'skip_vae' stands on decoder_skips=true, which backbone=gated_pixelcnn does not have: take "
            "deconvolutional or mlp",
        ),
        (
            {"model": "lid_vae", "backbone": "mlp"},
            "'lid_vae' stands on inverse_lipschitz=0.1, which backbone=mlp does not have: take injective",
        ),
        (
            {"model": "vae", "values": {"latent_width": 2.5}},
            "'latent_width' must be a whole number",
        ),
        ({"model": "vae", "batch_size": 0}, "--batch_size must be from 1 to 1000000, got 0"),
        (
            {"model": "vae", "batch_size": 9, "cpu_replicas": 2},
            "multiple of --cpu_replicas=2, got 9",
        ),
    ],
)
def test_refusals_name_argument_expectation_and_value(given, says):
    with pytest.raises(UserError, match=says):
        plan.resolve(**given)


def test_the_command_line_wins_over_the_flagfile_wherever_it_stands():
    words = ["x", "--train_steps=7", "--flagfile=delta_vae_digits", "--set=committed_rate=1"]
    ordered = train_main.flagfiles_first(words)
    assert ordered[1] == "--model=delta_vae" and "--set=committed_rate=2" in ordered
    assert ordered[-2:] == ["--train_steps=7", "--set=committed_rate=1"]


def test_a_flagfile_may_name_others_whose_flags_it_overrules(tmp_path):
    (tmp_path / "a.flags").write_text(f"--seed=1  \n\n# why\n--flagfile={tmp_path}/b.flags\n")
    (tmp_path / "b.flags").write_text("--seed=2\n--size=tiny\n")
    ordered = train_main.flagfiles_first(["x", f"--flagfile={tmp_path}/a.flags"])
    assert ordered == ["x", "--seed=2", "--size=tiny", "--seed=1"]


def test_sets_are_typed_and_later_ones_win():
    words = ["latent_grid=3,5", "clip_norm=none", "latent_width=2", "latent_width=6"]
    point = plan.resolve("delta_vae", [*words, "stages=-auxiliary_prior"]).point
    assert [value(point, n) for n in ("latent_grid", "clip_norm", "latent_width")] == [
        (3, 5),
        None,
        6,
    ]
    assert point["stages"] == ()


@pytest.mark.parametrize("name", models.names())
def test_the_command_of_a_plan_makes_the_same_plan(name):
    asked = plan.resolve(name, ["clip_norm=3", "optimizer=sgd", "learning_rate_schedule=plateau"])
    words = shlex.split(asked.command())
    train_main.FLAGS.unparse_flags()
    train_main.parse(["x", *words[2:]])
    assert train_main.resolved() == asked


def test_the_command_of_a_plan_says_all_that_decides_its_figures():
    moved = {
        "precision": "mixed_bfloat16",
        "eval_every": 7,
        "nll_samples": 3,
        "deterministic": False,
    }
    asked = plan.resolve("vae", train_steps=50, information_batch=20, **moved)
    words = shlex.split(asked.command())
    train_main.FLAGS.unparse_flags()
    train_main.parse(["x", *words[2:]])
    assert train_main.resolved() == asked
    assert "--checkpoint_every" not in asked.command()  # as usual
    for word in ("--precision=mixed_bfloat16", "--eval_every=7", "--deterministic=false"):
        assert word in shlex.split(asked.beside())


@pytest.mark.parametrize("path", FLAGFILES, ids=lambda p: p.stem)
def test_every_flagfile_resolves(path):
    train_main.FLAGS.unparse_flags()
    train_main.parse(["x", f"--flagfile={path}"])
    resolved = train_main.resolved()
    assert resolved.command().startswith(f"python train_main.py --model={resolved.model}")


@pytest.mark.slow  # a hundred million weights
def test_describe_of_a_paper_flagfile_counts_parameters():
    done = _command("--flagfile=delta_vae_cifar10_paper", "--describe")
    assert done.returncode == 0, done.stderr
    assert "113,179,100" in done.stdout and "committed rate: 16.0000 nats" in done.stdout
