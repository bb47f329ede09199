"""Bags of words: how they are counted, one's own, and a run on them."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.zoo.cut import ending
from tfvae import UserError, diagnosis, training
from zoo import modalities
from zoo.command import plan, run
from zoo.datasets import documents, own

SENTENCES = ["the cat saw the dog", "a dog saw a bird", "the bird flew", "the cat sat"] * 5


def test_words_are_counted_by_the_train_split():
    parts = [[s.split() for s in SENTENCES], [["cat", "cat", "zebra"], ["zebra"]], [["dog"]]]
    data = documents.from_words("mine", parts, vocabulary_size=5, skip_words=1)
    assert data.words == ("a", "bird", "cat", "dog", "saw")  # as often each; `the` is left out
    np.testing.assert_array_equal(data.train.x[:2], [[0, 0, 1, 1, 1], [2, 1, 0, 1, 1]])
    np.testing.assert_array_equal(data.valid.x, [[0, 0, 2, 0, 0]])  # no zebra, and then no document
    assert data.train.x.dtype == np.uint16 and data.length == 2  # 2.5
    with pytest.raises(UserError, match="skip_words=99 leaves none of the"):
        documents.from_words("mine", parts, skip_words=99)
    with pytest.raises(UserError, match="no document of the test split"):
        documents.from_words("mine", [parts[0], parts[1], [["zebra"]]])


@pytest.mark.slow
def test_the_embedded_documents():
    data = documents.load("pydoc_words", vocabulary_size=300)
    assert len(data.words) == 300 and "the" not in data.words
    assert all(any(map(str.isalpha, word)) for word in data.words)
    assert len(data.train.x) > 3000 and data.train.x.sum(1).min() == 1
    assert not {x.tobytes() for x in data.test.x} >= {x.tobytes() for x in data.train.x}


def _released(folder, **files):
    texts = {
        "train.feat": "".join(f"1 {1 + i % 3}:2 3:1\n" for i in range(30)),
        "test.feat": "1 1:1 9:4\n1 2:1\n",
        "vocab.new": "cat 30\ndog 20\nbird 10\n",
    }
    for name, text in {**texts, **files}.items():
        if text is not None:
            (folder / name).write_text(text)
    return str(folder)


def test_counts_as_released_with_the_nvdm(tmp_path):
    """Places from 1 on; what is beyond the vocabulary is left out; places that stand twice add up."""
    data = own.load("documents", _released(tmp_path))
    assert data.words == ("cat", "dog", "bird")
    np.testing.assert_array_equal(data.train.x[:3], [[2, 0, 1], [0, 2, 1], [0, 0, 3]])
    np.testing.assert_array_equal(data.test.x, [[1, 0, 0], [0, 1, 0]])
    assert (len(data.train.x), len(data.valid.x)) == (27, 3) and data.train.label is None
    kinds = "".join(f"{5 + 2 * (i % 2)} 1:1\n" for i in range(30))
    told = own.load(
        "documents", _released(tmp_path, **{"train.feat": kinds, "test.feat": "7 1:1\n"})
    )
    assert told.label_names == ("5", "7") and told.test.label.tolist() == [1]
    assert told.train.label[:3].tolist() == [0, 1, 0] and len(told.valid.label) == 3


@pytest.mark.parametrize(
    ("files", "settings", "says"),
    [
        ({"test.feat": None}, {}, "no test.feat beside"),
        ({"vocab.new": None}, {}, "no vocab.new or vocab.txt beside"),
        ({"train.feat": "1 1:2 x:1\n"}, {}, "train.feat, line 1: expected place:count.*'x:1'"),
        ({"test.feat": "1 1:1\n1 2:-4\n"}, {}, "test.feat, line 2: expected place:count.*'2:-4'"),
        ({"test.feat": "1 0:1\n"}, {}, "expected place:count.*'0:1'"),
        ({"test.feat": "1 1:70000\n"}, {}, "a word stands 70,000 times in one document"),
        ({"test.feat": "1 9:1\n"}, {}, "no document of the test split holds a word"),
        ({"test.feat": "news 1:1\n"}, {}, "test.feat, line 1: expected a label.*'news'"),
        ({"test.feat": "1 1:99999999999999999999\n"}, {}, "expected place:count"),
        ({"test.feat": ""}, {}, "found an empty file"),
        ({}, {"skip_words": 2}, "skip_words=2 is of a text"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_no_release(files, settings, says, tmp_path):
    with pytest.raises(UserError, match=says) as caught:
        own.load("documents", _released(tmp_path, **files), **settings)
    assert "\n" not in str(caught.value)


def test_a_run_on_ones_own_documents(tmp_path):
    """Trained, measured, shown, exported; its words are left beside it."""
    (tmp_path / "mine.txt").write_text("\n".join(SENTENCES))
    resolved = plan.resolve(
        "nvdm",
        ("latent_width=2", "posterior=vmf", "concentration=5", "skip_words=0"),
        dataset="documents",
        data=str(tmp_path / "mine.txt"),
        train_steps=2,
        batch_size=4,
        nll_samples=3,
        workdir=str(tmp_path / "run"),
    )
    report = run.run(resolved)
    assert report["perplexity"] == pytest.approx(np.exp(report["nll"] / report["tokens"]), rel=1e-6)
    assert report["bits_per_dim"] is None
    words, model = zoo.words(resolved.workdir), zoo.load(resolved.workdir)
    assert words.words[4] == "the"
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Topics" in page and "Documents from the prior" in page and "the" in page
    x = np.ones((2, len(words) - 4), np.float32)
    saved = tf.saved_model.load(str(tmp_path / "run" / "saved_model"))
    np.testing.assert_allclose(saved.encode(x), model.encode(x), atol=1e-6)
    shown = diagnosis.documents(model, x, words.words[4:], number=2)
    assert sorted(row[0] for row in shown["topics"]) == ["z_0 +", "z_0 -", "z_1 +", "z_1 -"]
    assert all(len(row) == 2 for rows in shown.values() for row in rows)


def test_the_space_of_documents():
    kind = modalities.of("pydoc_words")
    space = kind.Space(7, 3)
    assert space.example().shape == (2, 7) and space.numbers == 3
    model = zoo.build("nvdm", space=space, latent_width=2, decoder_layers=1, decoder_filters=4)
    assert [v.shape for v in model.decoder.trainable_variables] == [(2, 4), (4,), (4, 7), (7,)]
    with pytest.raises(UserError, match="a document must have a word"):
        model.fit(np.zeros((4, 7), np.float32), verbose=0)


def _plan(folder, workdir, *sets, **given):
    (folder / "mine.txt").write_text("\n".join(SENTENCES))
    return plan.resolve(
        "nvdm",
        ("latent_width=2", "skip_words=0", "decoder_layers=1", "decoder_filters=4", *sets),
        dataset="documents",
        data=str(folder / "mine.txt"),
        workdir=str(workdir),
        **{"batch_size": 4, "eval_every": 5, "checkpoint_every": 2, **given},
    )


@pytest.mark.slow
@pytest.mark.parametrize("sets", [(), ("posterior=vmf_learned",)], ids=["gaussian", "vmf"])
def test_a_run_on_documents_that_is_cut_short_ends_as_one_that_is_not(sets, tmp_path, monkeypatch):
    whole, rows = ending(_plan(tmp_path, tmp_path / "a", *sets, train_steps=12), monkeypatch)
    cut = _plan(tmp_path, tmp_path / "b", *sets, train_steps=12)
    again, rows_again = ending(cut, monkeypatch, cuts=1)
    assert whole.keys() == again.keys() and rows == rows_again
    for name, value in whole.items():
        np.testing.assert_array_equal(value, again[name], err_msg=name)


@pytest.mark.slow
def test_two_replicas_of_documents_end_as_one_device(tmp_path, monkeypatch, two_replicas):
    sets, given = ("optimizer=sgd",), {"train_steps": 6, "learning_rate": 1e-2}
    one, _ = ending(_plan(tmp_path, tmp_path / "a", *sets, **given), monkeypatch)
    monkeypatch.setattr(training.strategy, "make", lambda *_: two_replicas)
    two, _ = ending(_plan(tmp_path, tmp_path / "b", *sets, **given), monkeypatch)
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_allclose(value, two[name], rtol=1e-4, atol=2e-5, err_msg=name)
