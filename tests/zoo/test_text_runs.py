"""Runs on a user's own text: exact resume of every procedure, the run directory, refusals in a line."""

import json

import numpy as np
import pytest

import zoo
from tests.zoo.cut import ending
from tfvae import training
from tfvae.checks import UserError
from zoo.command import plan, report, run

WORDS = "the a cat dog bird sees eats finds old red big fish and never always house"
WORDS = WORDS.split()
SETS = ("embedding_width=8", "units=8", "latent_width=3", "min_count=1")


@pytest.fixture
def lines(tmp_path):
    """A folder with one text file of 60 lines."""
    rng = np.random.default_rng(0)
    text = [" ".join(rng.choice(WORDS, rng.integers(2, 9))) for _ in range(60)]
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "mine.txt").write_text("\n".join(text) + "\n")
    return folder


def _plan(model, lines, workdir, *sets, **given):
    given = {"train_steps": 12, "batch_size": 8, "eval_every": 5, "checkpoint_every": 2, **given}
    return plan.resolve(
        model,
        (*SETS, *sets),
        dataset="text",
        data=str(lines),
        workdir=str(workdir),
        nll_samples=5,
        nll_examples=4,
        **given,
    )


@pytest.mark.parametrize(
    ("model", "sets", "stages"),
    [
        pytest.param(  # by itself: tests/procedures/test_aggressive.py
            "aggressive_vae",
            (
                "inner_steps=4",
                "window=2",
                "check_every=3",
                "rate_weight=cyclical",
                "terms=+bag_of_words",
            ),
            1,
            marks=pytest.mark.slow,
        ),
        ("rate_target_vae", ("stages=+pretrain", "pretrain_steps=6", "word_keep=0.7"), 2),
        pytest.param("sa_vae", ("svi_steps=2",), 1, marks=pytest.mark.slow),  # it has no state
        pytest.param(  # two stages too
            "delta_vae",
            ("latent_positions=3", "auxiliary_steps=4", "auxiliary_layers=1", "terms=+cosine"),
            2,
            marks=pytest.mark.slow,
        ),
    ],
    ids=["aggressive", "dual and pretraining", "semi-amortised", "delta"],
)
def test_a_run_that_is_cut_short_ends_as_one_that_is_not(
    model, sets, stages, lines, tmp_path, monkeypatch
):
    """Bit for bit all that a checkpoint holds, and metrics.jsonl; cut in each of the stages."""
    whole, rows = ending(_plan(model, lines, tmp_path / "whole", *sets), monkeypatch)
    cut = _plan(model, lines, tmp_path / "cut", *sets)
    again, rows_again = ending(cut, monkeypatch, cuts=stages)
    assert whole.keys() == again.keys() and rows == rows_again
    for name, value in whole.items():
        np.testing.assert_array_equal(value, again[name], err_msg=name)
    assert len({row["stage"] for row in rows}) == stages


def test_the_run_directory_knows_its_words(lines, tmp_path):
    """Sentences in the report, the vocabulary beside the weights, a model that reads its own words."""
    resolved = _plan("sentence_vae", lines, tmp_path / "run")
    written = run.run(resolved)
    assert written["bits_per_dim"] is None
    tokens = written["tokens"]
    scored = written["nll"]
    assert written["perplexity"] == pytest.approx(np.exp(scored / tokens), rel=0.2)  # 4 sentences
    words, model = zoo.words(resolved.workdir), zoo.load(resolved.workdir)
    assert set(words.words[4:]) <= set(WORDS)
    drawn = words.decode(model.sample(3, seed=0).numpy())
    assert all(set(line.split()) <= {*WORDS, "<unk>"} for line in drawn)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Sentences from the prior" in page and "test sentences" in page
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["vocabulary"] == words.digest()


def test_words_that_do_not_fit_the_run_are_refused(lines, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "write", lambda *_: {})
    resolved = plan.resolve(
        "lm",
        ("embedding_width=8", "units=8"),
        dataset="text",
        data=str(lines),
        workdir=str(tmp_path / "run"),
        train_steps=2,
    )
    run.run(resolved)
    path = tmp_path / "run" / "vocabulary.txt"
    right = path.read_text()
    path.write_text(right.replace("fish", "wish"))
    with pytest.raises(UserError, match="vocabulary.txt does not fit the checkpoints"):
        run.run(resolved, resume=True)
    path.write_text(right.replace("<unk>", "unknown"))
    with pytest.raises(UserError, match="no vocabulary of a text model"):
        zoo.words(resolved.workdir)
    path.write_text(right)
    text = (lines / "mine.txt").read_text()
    (lines / "mine.txt").write_text(text.replace("fish", "wish"))
    with pytest.raises(UserError, match="holds another run: its source"):
        run.run(resolved, resume=True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "expected one sentence a line"),
        (b"a b c\n\xff\xfe\n" * 20, "expected UTF-8 text, found byte 0xff"),
    ],
    ids=["empty", "bytes"],
)
def test_text_that_cannot_be_read_leaves_no_run(content, says, lines, tmp_path):
    (lines / "mine.txt").write_bytes(content)
    with pytest.raises(UserError, match=says):
        run.run(plan.resolve("lm", dataset="text", data=str(lines), workdir=str(tmp_path / "r")))
    assert not (tmp_path / "r").exists()
    assert training.RunDirectory.refuse_other_run(str(tmp_path / "r")) is None
