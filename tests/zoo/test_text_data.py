"""Text sets: real files where they are, small made ones everywhere; generators against oracles."""

import functools
import gzip
import hashlib
import itertools
import math
import os
import pathlib

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfvae.checks import UserError
from zoo.datasets import text
from zoo.datasets.data import Split
from zoo.datasets.text import mixmarkov, published, pydoc, synthetic
from zoo.datasets.text.vocabulary import PAD, SPECIAL, START, UNKNOWN, Vocabulary, build

ROOT = pathlib.Path(__file__).parent.parent.parent
REAL = pathlib.Path(os.environ.get("TFVAE_DATA", ROOT.parent / "shared" / "data"))
real = pytest.mark.skipif(
    not (REAL / "ptb").is_dir(),
    reason="the real files are not here; set TFVAE_DATA to their folder",
)

load = functools.lru_cache(text.load)


def _splits(data):
    return data.train, data.valid, data.test


def _words(x):
    """Real tokens without `</s>`."""
    return int((x != PAD).sum() - len(x))


def _lines(path):
    return gzip.open(REAL / path, "rt", encoding="utf-8").read().splitlines()


# ------------------------------------------------------------------ the real files


@real
@pytest.mark.parametrize(
    ("name", "sizes", "words", "vocabulary", "longest"),
    [
        ("ptb", (42_068, 3_370, 3_761), (887_521, 70_390, 78_669), 9_998, 82),
        ("yahoo", (16_000, 2_000, 2_000), 790_680 + 788_673, None, 200),
        # the files' 798,544 tokens count the label of each of 16,444 lines
        ("yelp", (12_444, 2_000, 2_000), 798_544 - 16_444, None, 50),
        ("yelp_sentences", (100_000, 10_000, 10_000), None, 9_119, 15),
        ("snli", (50_000, 6_000, 6_000), (489_125, 58_636, 59_094), 12_618, 60),
    ],
)
def test_real_sets_have_the_sizes_of_their_files(name, sizes, words, vocabulary, longest):
    data = load(name, str(REAL))
    parts = _splits(data)
    assert tuple(len(split.x) for split in parts) == sizes
    found = tuple(_words(split.x) for split in parts)
    if words is not None:
        assert (found if isinstance(words, tuple) else sum(found)) == words
    if vocabulary is not None:
        assert len(data.vocabulary) == vocabulary + 4
    assert data.max_length == longest + 1 and data.kind == "tokens"
    for split in parts:
        x = split.x
        assert x.dtype == np.int32 and x.shape[1] == data.max_length
        assert not (x == START).any() and x.max() < len(data.vocabulary)
        ends = (x == 2).argmax(1)
        assert np.all((x == 2).sum(1) == 1) and ends.min() > 0
        assert np.array_equal(x == PAD, np.arange(x.shape[1]) > ends[:, None])
    if name not in ("yahoo", "yelp"):  # whose published form is that of files that are not here
        assert text.form(name) in ((None, None), (len(data.vocabulary), data.max_length))
    assert all(len(digest) == 64 for digest in data.source.values())


@real
@pytest.mark.parametrize(
    ("name", "split", "row", "path", "line", "label"),
    [
        ("ptb", "train", 0, "ptb/ptb.train.txt.gz", 0, ""),
        ("ptb", "test", -1, "ptb/ptb.test.txt.gz", -1, ""),
        # train: all of valid, then lines 1 to 6,000 of test
        ("yahoo", "train", 9_999, "yahoo/yahoo.valid.txt.gz", -1, ""),
        ("yahoo", "train", 15_999, "yahoo/yahoo.test.txt.gz", 5_999, ""),
        ("yahoo", "valid", 0, "yahoo/yahoo.test.txt.gz", 6_000, ""),
        ("yahoo", "test", 0, "yahoo/yahoo.test.txt.gz", 8_000, ""),
        ("yelp", "train", 7_773, "yelp13/yelp13.test.txt.gz", 0, " "),
        ("yelp", "test", -1, "yelp13/yelp13.test.txt.gz", -1, " "),
        ("yelp_sentences", "valid", 17, "yelp_sentences/short_yelp.valid.txt.gz", 17, "\t"),
        ("snli", "valid", 3, "snli/snli_sentences.valid.txt.gz", 3, ""),
    ],
)
def test_rows_are_the_lines_of_the_files(name, split, row, path, line, label):
    data = load(name, str(REAL))
    wanted = _lines(path)[line].strip()
    part = getattr(data, split)
    if label:
        mark, _, wanted = wanted.partition(label)
        assert part.label[row] == int(mark)
    else:
        assert part.label is None
    known = set(data.vocabulary.words[4:])
    wanted = " ".join(word if word in known else "<unk>" for word in wanted.split())
    assert data.vocabulary.decode(part.x[row]) == [wanted]


@real
def test_unknown_words_of_the_real_sets():
    ptb, snli, yahoo = (load(name, str(REAL)) for name in ("ptb", "snli", "yahoo"))
    marked = sum(line.split().count("<unk>") for line in _lines("ptb/ptb.train.txt.gz"))
    assert (ptb.train.x == UNKNOWN).sum() == marked
    assert round(ptb.extras["unknown"]["train"], 6) == round(marked / (887_521 + 42_068), 6)
    assert "_UNK" not in yahoo.vocabulary.words and yahoo.extras["unknown"]["train"] > 0.03
    # 1.1 % of the words of valid and test are not in train
    held_out = np.concatenate([snli.valid.x, snli.test.x])
    assert round(100 * (held_out == UNKNOWN).sum() / _words(held_out), 1) == 1.1
    assert snli.extras["unknown"]["train"] == 0


@real
def test_no_yelp_sentence_is_in_two_splits():
    data = load("yelp_sentences", str(REAL))
    rows = [set(map(bytes, split.x)) for split in _splits(data)]
    assert [len(part) for part in rows[:1]] == [100_000]
    # valid and test hold words that train lacks: rows of them may look alike
    assert not any(
        UNKNOWN not in np.frombuffer(row, np.int32)
        for one, two in itertools.combinations(rows, 2)
        for row in one & two
    )
    assert set(np.unique(data.train.label)) == {0, 1}
    assert round(_words(data.train.x) / 100_000, 1) == 9.5


@real
def test_the_note_says_that_a_set_was_cut_out_and_the_published_sets_are_recognised(capsys):
    data = text.load("yelp", str(REAL / "yelp13"))
    assert data.description.startswith("Yelp13-12k (12,444 / 2,000 / 2,000), cut out")
    assert "yelp13.valid.txt has no train file beside it" in capsys.readouterr().err
    assert data.extras["split"] == {
        "rule": "Yelp13-12k",
        "train": 12_444,
        "valid": 2_000,
        "test": 2_000,
    }
    text.load("ptb", str(REAL / "ptb"))
    assert capsys.readouterr().err == ""  # sha256 as published: nothing to say
    assert "drawn for this project" in load("snli", str(REAL)).description


# ------------------------------------------------------------------ words


def test_words_are_counted_in_train_and_numbered_by_frequency():
    sentences = [s.split() for s in ("b c b a", "a b <unk> _UNK", "c </s> d")]
    assert build(sentences).words == (*SPECIAL, "b", "a", "c", "d")  # ties alphabetical
    assert build(sentences, size=6).words == (*SPECIAL, "b", "a")
    assert build(sentences, min_count=2).words == (*SPECIAL, "b", "a", "c")


def test_encoding_and_decoding():
    vocabulary = build([["the", "cat", "sat", "the"]])
    x = vocabulary.encode([["the", "cat"], ["the", "dog", "sat", "_UNK", "</s>"], []])
    assert x.tolist() == [[4, 5, 2, 0, 0, 0], [4, 3, 6, 3, 3, 2], [2, 0, 0, 0, 0, 0]]
    assert x.dtype == np.int32
    assert vocabulary.decode(x) == ["the cat", "the <unk> sat <unk> <unk>", ""]
    assert vocabulary.decode(x[0]) == ["the cat"]
    assert vocabulary.encode([["the", "cat", "sat"]], max_length=3).tolist() == [[4, 5, 2]]
    for bad in (-1, 7):
        with pytest.raises(UserError, match=rf"tokens must be from 0 to 6, got {bad}"):
            vocabulary.decode(np.array([bad]))


def test_vocabulary_as_text_and_its_digest():
    vocabulary = Vocabulary((*SPECIAL, "déjà", "b"))
    written = "<pad>\n<s>\n</s>\n<unk>\ndéjà\nb\n"
    assert vocabulary.to_text() == written and Vocabulary.from_text(written) == vocabulary
    assert vocabulary.digest() == hashlib.sha256(written.encode()).hexdigest()
    assert Vocabulary((*SPECIAL, "b", "déjà")).digest() != vocabulary.digest()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a", "b"), "must begin with <pad>, <s>, </s>, <unk>, got a, b"),
        ((*SPECIAL, "a", "b", "a"), "line 7: 'a' stands on line 5 too"),
        ((*SPECIAL, "a b"), "line 5: expected one word without blanks, got 'a b'"),
        ((*SPECIAL, ""), "line 5: expected one word without blanks, got ''"),
    ],
)
def test_damaged_vocabularies_are_refused(words, message):
    with pytest.raises(UserError, match=message):
        Vocabulary(words)


# ------------------------------------------------------------------ the user's own text


def _own(folder, **parts):
    for split, lines in parts.items():
        body = (
            lines if isinstance(lines, bytes) else "".join(f"{line}\n" for line in lines).encode()
        )
        (folder / f"{split}.txt").write_bytes(body)
    return str(folder)


_THREE = {"train": ["a b c", "a b"], "valid": ["a c", "a b"], "test": ["b d"]}


def test_own_text_of_three_files(tmp_path):
    data = text.load("text", _own(tmp_path, **_THREE))
    assert data.vocabulary.words[4:] == ("a", "b", "c")
    assert data.train.x.tolist() == [[4, 5, 6, 2], [4, 5, 2, 0]]
    assert data.test.x.tolist() == [[5, 3, 2, 0]] and data.extras["unknown"]["test"] == 1 / 3
    # one of two valid sentences was trained on
    assert data.extras["split"] == {
        "rule": "given",
        "train": 2,
        "valid": 2,
        "test": 1,
        "valid_seen_in_train": 1,
        "test_seen_in_train": 0,
    }
    train = b"a b c\na b\n"
    assert data.source["train.txt"] == hashlib.sha256(train).hexdigest()
    (tmp_path / "train.txt").unlink()
    (tmp_path / "train.txt.gz").write_bytes(gzip.compress(train))
    again = text.load("text", str(tmp_path))
    np.testing.assert_array_equal(again.train.x, data.train.x)
    assert again.source["train.txt.gz"] == data.source["train.txt"]


def test_own_text_of_one_file_is_split_by_chance_and_says_so(tmp_path, capsys):
    path = pathlib.Path(_own(tmp_path, poems=[f"w{i}" for i in range(57)])) / "poems.txt"
    for place in (path, tmp_path):
        data = text.load("text", str(place))
        seen = [data.vocabulary.decode(data.train.x)]
        assert [len(split.x) for split in _splits(data)] == [47, 5, 5]
        assert data.extras["split"]["rule"] == "80/10/10, drawn with seed 0"
        assert f"{path} was split into 47 / 5 / 5 lines (seed 0)" in capsys.readouterr().err
    assert len(set(seen[0])) == 47 and seen[0] != sorted(seen[0], key=lambda w: int(w[1:]))


def test_empty_lines_are_skipped_and_noted(tmp_path, capsys):
    folder = _own(tmp_path, **{**_THREE, "train": b"\xef\xbb\xbfa b\r\n \t\n\nb\n\n"})
    data = text.load("text", folder)
    assert data.vocabulary.decode(data.train.x) == ["a b", "b"]
    assert capsys.readouterr().err == f"note: {folder}/train.txt: 3 empty lines skipped\n"


def test_a_line_of_10000_tokens_is_cut_and_nothing_else_is_lost(tmp_path, capsys):
    train = ["a b c", " ".join(f"w{i}" for i in range(10_000)), "c a"]
    folder = _own(tmp_path, **{**_THREE, "train": train})
    data = text.load("text", folder)
    assert data.max_length == 200 and data.extras["cut"] == {"train": 1, "valid": 0, "test": 0}
    assert "sentences cut to 200 tokens with </s>: 1 of train" in capsys.readouterr().err
    cut = " ".join(f"w{i}" for i in range(199))
    assert data.vocabulary.decode(data.train.x) == ["a b c", cut, "c a"]
    assert data.train.x[1, -1] == 2
    assert len(data.vocabulary) == 4 + 3 + 199  # words behind the cut are not counted
    assert text.load("text", folder, max_length=10_001).max_length == 10_001
    capsys.readouterr()
    (tmp_path / "snli").mkdir()
    for split, lines in {**_THREE, "train": train}.items():
        _own(tmp_path / "snli", **{f"snli.{split}": lines})
    assert text.load("snli", str(tmp_path)).max_length == published.MAX_LENGTH
    assert "cut to 500 tokens" in capsys.readouterr().err


def test_sizes_of_the_vocabulary_and_of_sentences(tmp_path):
    folder = _own(tmp_path, **_THREE)
    data = text.load("text", folder, vocabulary_size=5)
    assert data.vocabulary.words[4:] == ("a",)
    assert data.train.x.tolist() == [[4, 3, 3, 2], [4, 3, 2, 0]]
    assert text.load("text", folder, min_count=2).vocabulary.words[4:] == ("a", "b")
    assert text.load("text", folder, max_length=3).train.x.tolist() == [[4, 5, 2], [4, 5, 2]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vocabulary_size": 4}, r"vocabulary_size must be a whole number above 4 .*, got 4"),
        ({"vocabulary_size": -1}, "vocabulary_size must be a whole number above 4 .*, got -1"),
        ({"vocabulary_size": 10.5}, "vocabulary_size must be a whole number above 4 .*, got 10.5"),
        ({"min_count": 0}, "min_count must be a number above 0, got 0"),
        ({"min_count": 3}, "at most the count of the most frequent word, 2, got 3"),
        ({"max_length": 1}, "max_length must be a whole number from 2 on, got 1"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path, settings, message):
    with pytest.raises(UserError, match=message):
        text.load("text", _own(tmp_path, **_THREE), **settings)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"", "expected one sentence a line, found an empty file"),
        (b"\n \n", "expected one sentence a line, found empty lines only"),
        (b"a b\nc \xe9 d\n", "line 2: expected UTF-8 text, found byte 0xe9 at offset 6"),
        ("a\n".encode("utf-16"), "line 1: expected UTF-8 text, found byte 0xff at offset 0"),
        (b"a\n\nb\0c\n", "line 3: expected UTF-8 text, found byte 0x00 at offset 4"),
        (b"a\nb <s> c\n", "line 2: expected words of the text, found the reserved '<s>'"),
        (gzip.compress(b"a\n" * 999, mtime=0)[:-9], "is truncated or corrupt"),
    ],
)
def test_bad_files_are_one_line_that_names_file_and_place(tmp_path, bad, message):
    folder = _own(tmp_path, **{**_THREE, "valid": bad})
    with pytest.raises(UserError, match=message) as caught:
        text.load("text", folder)
    assert str(caught.value).startswith(f"{folder}/valid.txt") and "\n" not in str(caught.value)


def test_missing_text_is_one_line(tmp_path):
    with pytest.raises(UserError, match="'text' needs --data"):
        text.load("text")
    with pytest.raises(UserError, match="nowhere is no file and no folder"):
        text.load("text", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"one \.txt file in .*, found none"):
        text.load("text", str(tmp_path))
    _own(tmp_path, train=["a"], valid=["a"])
    with pytest.raises(UserError, match=r"missing split: no test.txt beside .*train.txt"):
        text.load("text", str(tmp_path))
    (tmp_path / "valid.txt").unlink()
    with pytest.raises(UserError, match="expected 10 lines or more to split 80/10/10, found 1"):
        text.load("text", str(tmp_path))
    (tmp_path / "train.txt").rename(tmp_path / "b.txt")
    _own(tmp_path, a=["a"])
    with pytest.raises(UserError, match="found a.txt, b.txt"):
        text.load("text", str(tmp_path))


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.HTML"])
def test_a_table_is_not_taken_for_sentences(tmp_path, name):
    """Its commas and quotes would be learned as words."""
    (tmp_path / name).write_text("id,text\n" + '1,"a b"\n' * 20)
    with pytest.raises(
        UserError, match=rf"{name}: expected plain text, .* found a \.\w+ file: write"
    ):
        text.load("text", str(tmp_path / name))


def test_a_column_of_a_csv_is_the_text_and_label_its_label(tmp_path):
    """Commas and quotes of the file are none of the sentence's; rows keep their labels."""
    said = {f"w{i % 4}, v{i // 4}": ("bad", "good")[i % 3 == 0] for i in range(20)}
    rows = [f'{i},"{words}",{label}' for i, (words, label) in enumerate(said.items())]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(["id,text,label", *rows]))
    data = text.load("text", str(path))
    found = {}
    for split in _splits(data):
        for sentence, label in zip(data.vocabulary.decode(split.x), split.label):
            found[sentence] = ("bad", "good")[label]
    assert (
        found == said and "20 sentences of up to 2 words; 16 / 2 / 2 to train" in data.description
    )
    ids = text.load("text", str(path), text_column="id")
    assert set(ids.vocabulary.decode(ids.train.x)) <= set(map(str, range(20)))
    with pytest.raises(UserError, match="text_column of .* 'words'; .*id, label, text"):
        text.load("text", str(path), text_column="words")
    path.write_text("\n".join(["a,b", *(f"x{i},y" for i in range(20))]))
    with pytest.raises(UserError, match="text_column must say which column is the text: a, b"):
        text.load("text", str(path))
    with pytest.raises(UserError, match="text_column=a is of one's own .csv"):
        text.load("mixmarkov", text_column="a")


def test_ten_lines_leave_two_to_each_split_that_is_measured(tmp_path):
    folder = _own(tmp_path, mine=[f"w{i}" for i in range(10)])
    assert [len(split.x) for split in _splits(text.load("text", folder))] == [6, 2, 2]


def test_a_sentence_that_is_a_string_is_no_list_of_letters():
    words = Vocabulary((*SPECIAL, "a", "b"))
    for wrong in (["a b"], "a b", [["a"], "b"]):
        with pytest.raises(UserError, match="a sentence must be a list of words, got '"):
            words.encode(wrong)
        with pytest.raises(UserError, match="a sentence must be a list of words, got '"):
            build(wrong)
    assert words.encode([["a", "b"]]).tolist() == [[4, 5, 2]]


def test_unknown_names_list_the_near_ones():
    with pytest.raises(UserError, match="did you mean yahoo"):
        text.load("yaho")
    with pytest.raises(UserError, match="did you mean mixmarkov"):
        text.form("mixmarkow")


# ------------------------------------------------------------------ published files, full or cut


def _write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_full_files_go_before_cut_ones(tmp_path, capsys):
    cut = {"yahoo.valid.txt": ["x"] * 5, "yahoo.test.txt": ["y"] * 4_001}
    _write(tmp_path / "yahoo", **cut)
    data = text.load("yahoo", str(tmp_path))
    assert [len(split.x) for split in _splits(data)] == [6, 2_000, 2_000]
    assert data.vocabulary.decode(data.train.x) == ["x"] * 5 + ["y"]
    assert "yahoo.valid.txt is not the published file" in capsys.readouterr().err
    _write(tmp_path / "yahoo", **{"yahoo.train.txt": ["_UNK x"] * 3})
    data = text.load("yahoo", str(tmp_path / "yahoo"))
    assert [len(split.x) for split in _splits(data)] == [3, 5, 4_001]
    assert data.train.x.tolist() == [[3, 4, 2]] * 3 and data.train.label is None
    assert "cut out" not in data.description


def test_a_cut_needs_its_4000_held_out_lines(tmp_path):
    _write(tmp_path, **{"yahoo.valid.txt": ["x"], "yahoo.test.txt": ["y"] * 3_999})
    with pytest.raises(UserError, match="yahoo.test.txt must hold 4000 lines, got 3999"):
        text.load("yahoo", str(tmp_path))


_TWO_KINDS = {f"short_yelp.{s}.txt": [f"{i % 2}\ta b", "1\tc"] for i, s in enumerate("abc")}


@pytest.mark.parametrize(
    ("name", "files", "labels"),
    [
        ("yelp", {f"yelp.{s}.txt": [f"{i}\ta b", "4\tc"] for i, s in enumerate("abc")}, True),
        ("yelp", {f"yelp13.{s}.txt": [f"{i} a b", "4 c"] for i, s in enumerate("abc")}, True),
        ("yahoo", {f"{s}.txt": [f"{i}\ta b", "4\tc"] for i, s in enumerate("abc")}, True),
        ("yahoo", {f"{s}.txt": ["a b", "c"] for s in "abc"}, False),
        ("yelp_sentences", _TWO_KINDS, True),
    ],
)  # fmt: skip
def test_labels_of_each_layout(tmp_path, name, files, labels):
    named = dict(zip("abc", ("train", "valid", "test")))
    for file, lines in files.items():
        stem, letter, end = file.rpartition(".txt")[0][:-1], file[-5], ".txt"
        _write(tmp_path, **{f"{stem}{named[letter]}{end}": lines})
    data = text.load(name, str(tmp_path))
    kinds = 2 if name == "yelp_sentences" else 5
    for i, split in enumerate(_splits(data)):
        assert data.vocabulary.decode(split.x) == ["a b", "c"]
        assert (split.label is None) != labels
        if labels:
            assert split.label.dtype == np.int64 and split.label.tolist() == [i % kinds, kinds - 1]


def test_the_six_files_of_the_full_yelp_sentences(tmp_path):
    for i, (split, mark) in enumerate(itertools.product(("train", "dev", "test"), "01")):
        _write(tmp_path, **{f"sentiment.{split}.{mark}": ["a"] * (i + 1)})
    data = text.load("yelp_sentences", str(tmp_path))
    assert [len(split.x) for split in _splits(data)] == [1 + 2, 3 + 4, 5 + 6]
    assert [split.label.tolist() for split in _splits(data)][1] == [0] * 3 + [1] * 4
    assert "drawn for this project" not in data.description


@pytest.mark.parametrize(
    ("name", "file", "line", "message"),
    [
        ("yelp_sentences", "short_yelp.valid.txt", "1 no tab", "line 2: expected label.*, found '1 no tab'"),
        ("yelp_sentences", "short_yelp.valid.txt", "good\tx", "line 2: expected label<TAB>sentence"),
        ("yelp_sentences", "short_yelp.valid.txt", "1\t ", "line 2: expected label<TAB>sentence"),
        ("yelp", "yelp.test.txt", "very good", "line 2: expected label<TAB>.*, found 'very good'"),
        ("yelp", "yelp13.test.txt", "good 4", "line 2: expected label and sentence"),
    ],
)  # fmt: skip
def test_a_line_without_its_label_is_one_line(tmp_path, name, file, line, message):
    stem, split, _ = file.split(".")
    blank = " " if stem == "yelp13" else "\t"
    for each in ("train", "valid", "test"):
        last = [line] if each == split else []
        _write(tmp_path, **{f"{stem}.{each}.txt": [f"1{blank}good", *last]})
    with pytest.raises(UserError, match=message) as caught:
        text.load(name, str(tmp_path))
    assert str(tmp_path / file) in str(caught.value) and "\n" not in str(caught.value)


def test_labels_in_some_of_the_files_only_are_refused(tmp_path):
    _write(tmp_path, **{"yelp.train.txt": ["good"], "yelp.valid.txt": ["1\ta"]})
    _write(tmp_path, **{"yelp.test.txt": ["1\tb"]})
    with pytest.raises(UserError, match=r"in all three files or in none, .* of .*yelp.train.txt$"):
        text.load("yelp", str(tmp_path))


def test_missing_published_files_are_one_line(tmp_path):
    with pytest.raises(UserError, match="'ptb' must be given with --data_dir: ptb.train.txt, ptb"):
        text.load("ptb")
    with pytest.raises(UserError, match=r"'ptb': no ptb.train.txt, .* in .* put the published"):
        text.load("ptb", str(tmp_path))
    _write(tmp_path / "ptb", **{"ptb.train.txt": ["a"], "ptb.test.txt": ["a"]})
    with pytest.raises(UserError, match=r"missing split: no ptb.valid.txt beside .*ptb.train.txt"):
        text.load("ptb", str(tmp_path))
    _write(tmp_path, **{"yahoo.valid.txt": ["a"]})
    with pytest.raises(UserError, match=r"split: no yahoo.test.txt beside .*yahoo.valid.txt"):
        text.load("yahoo", str(tmp_path))


# ------------------------------------------------------------------ the embedded default


def test_sentences_of_a_page_of_documentation(monkeypatch):
    """Running text is taken; code, tables, headings and what is no whole sentence are not."""
    page = """
The heading
***********

The *assert* statement isn't a ``function``. It is used in
version 3.11 (see below). "Quoted" sentences are as good as others are. (Those in
parentheses count as sentences, too.) He said "never say never."

   >>> run()  # This is code.
   This is what the code prints, and no sentence of the page.

+------+-----------------------------------+
| This | is a table, and no sentence.      |
+------+-----------------------------------+

* The first item of a list stands alone.

* The second item of it too,
  on two lines.

assert_stmt ::= "assert". This is what a rule of the grammar says.

without a capital this is no sentence. Too short. A sentence that does not end
"""
    topics = pytest.importorskip("pydoc_data.topics")
    monkeypatch.setattr(topics, "topics", {"assert": page})
    monkeypatch.setattr(pydoc, "_docstrings", lambda: ["Docstrings are read for sentences, too."])
    found = {" ".join(words) for words in pydoc.sentences()}
    assert found == {
        "the assert statement isn't a function .",
        "it is used in version 3.11 ( see below ) .",
        '" quoted " sentences are as good as others are .',
        "( those in parentheses count as sentences , too . )",
        'he said " never say never . "',
        "the first item of a list stands alone .",
        "the second item of it too , on two lines .",
        "docstrings are read for sentences , too .",
    }


def test_docstrings_are_found_wherever_a_statement_may_stand(tmp_path, monkeypatch):
    nested = '''"""One."""
try:
    def f():
        """Two."""
except ValueError:
    class A:
        """Three."""
        async def g(self):
            """Four."""
else:
    if f:
        pass
    else:
        with f:
            for _ in f:
                def h():
                    """Five."""
                    "no docstring"
finally:
    match f:
        case 1:
            def i(x=lambda: "none"):
                """Six."""
'''
    (tmp_path / "a.py").write_text(nested)
    (tmp_path / "b.py").write_text("this is no Python")
    monkeypatch.setattr(pydoc.sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})
    found = sorted(text for text in pydoc._docstrings() if text)
    assert found == sorted(["One.", "Two.", "Three.", "Four.", "Five.", "Six."])


def test_the_embedded_default():
    """Parses the standard library once, which takes about 2 s."""
    data = load("pydoc")
    sizes = [len(split.x) for split in _splits(data)]
    assert sum(sizes) > 5_000 and 0.75 < sizes[0] / sum(sizes) < 0.85
    assert data.max_length <= 31 and data.train.label is None
    lengths = (data.train.x != PAD).sum(1)
    assert lengths.min() >= 5  # 4 tokens and </s>
    assert 0 < data.extras["unknown"]["train"] < 0.03
    # a word of train that is there once is <unk>
    assert (np.bincount(data.train.x.ravel())[4:] >= 2).all()
    # the topics of the interpreter are in it
    pytest.importorskip("pydoc_data.topics")
    whole = {s for split in _splits(data) for s in data.vocabulary.decode(split.x)}
    rule = "an object's identity never changes once it has been created"
    assert any(s.startswith(rule) for s in whole)
    assert len(data.source["documentation"]) == 64


def test_a_sentence_stays_in_its_split_whatever_else_is_there(monkeypatch):
    words = [f"sentence number {i} of the text .".split() for i in range(300)]
    monkeypatch.setattr(pydoc, "sentences", lambda: words)
    data = text.load("pydoc", min_count=1)
    monkeypatch.setattr(pydoc, "sentences", lambda: words[150:][::-1])
    less = text.load("pydoc", min_count=1)
    for split, part in zip(_splits(data), _splits(less)):
        all_of_it = set(data.vocabulary.decode(split.x))
        # numbers that train lacks become <unk>
        assert set(less.vocabulary.decode(part.x)) <= all_of_it
    assert sum(len(split.x) for split in _splits(less)) == 150
    assert less.source != data.source


# ------------------------------------------------------------------ MixMarkov

_AFFINE = [(1, 1), (1, 2), (1, 3), (1, 4), (2, 0), (2, 1), (3, 0), (3, 1)]


def test_the_exact_likelihood_is_that_of_an_enumeration(monkeypatch):
    monkeypatch.setattr(mixmarkov, "LENGTH", 5)
    chains = list(itertools.product(range(5), repeat=5))
    wanted = []
    for chain in chains:
        total = 0.0
        for a, b in _AFFINE:
            p = 1 / 8 * 1 / 5
            for one, two in zip(chain, chain[1:]):
                p *= 0.7 if two == (a * one + b) % 5 else 0.075
            total += p
        wanted.append(math.log(total))
    got = mixmarkov.exact_log_prob(np.array(chains) + 4)
    np.testing.assert_allclose(got, wanted, rtol=1e-13)
    assert abs(np.exp(got).sum() - 1) < 1e-12


def test_published_likelihoods_of_mixmarkov():
    steps = np.arange(24)
    x = np.stack([0 * steps, steps % 5, steps % 2]) + 4
    np.testing.assert_allclose(
        mixmarkov.exact_log_prob(x), [-11.1992560, -11.8924032, -35.3282140], atol=5e-8
    )
    assert round(mixmarkov.ENTROPY_GIVEN_CLASS, 7) == 25.2247480
    assert mixmarkov.exact_log_prob(np.full((1, 24), 9)) == -np.inf
    assert mixmarkov.exact_log_prob(np.full((1, 24), 3)) == -np.inf
    with pytest.raises(ValueError, match=r"x must be \[N, 24\], got \[2, 23\]"):
        mixmarkov.exact_log_prob(np.full((2, 23), 4))


@pytest.mark.statistical
def test_entropy_and_transitions_of_mixmarkov():
    """50,000 sequences; 6 standard errors each (false-fail rate below 1e-7).

    H(x) = H(x | c) + E[log p(x | c) - log p(x)]; the difference varies by 0.06 only.
    """
    number = 50_000
    x, label = mixmarkov.generate(number, seed=1)
    a, b = np.array(_AFFINE)[label].T
    follows = (a[:, None] * (x[:, :-1] - 4) + b[:, None]) % 5 == x[:, 1:] - 4
    kept = follows.sum(1)
    given = kept * math.log(0.7) + (23 - kept) * math.log(0.075) - math.log(5)
    gain = given - mixmarkov.exact_log_prob(x)
    error = gain.std() / number**0.5
    found = mixmarkov.ENTROPY_GIVEN_CLASS + gain.mean()
    assert abs(found - mixmarkov.ENTROPY) < 6 * math.hypot(error, 1e-4) < 3e-3
    for which in range(8):
        rate, count = follows[label == which].mean(), (label == which).sum()
        assert abs(rate - 0.7) < 6 * (0.21 / (23 * count)) ** 0.5
        assert abs(count - number / 8) < 6 * (number * 7 / 64) ** 0.5
    # what does not follow is each of the four others alike
    wrong = ((x[:, 1:] - 4 - (a[:, None] * (x[:, :-1] - 4) + b[:, None])) % 5)[~follows]
    assert scipy.stats.chisquare(np.bincount(wrong)[1:]).pvalue > 1e-7
    assert scipy.stats.chisquare(np.bincount(x[:, 0] - 4)).pvalue > 1e-7


def test_the_mixmarkov_set():
    data = text.load("mixmarkov")
    assert [split.x.shape for split in _splits(data)] == [(8000, 24), (1000, 24), (2000, 24)]
    assert set(np.unique(data.train.x)) == {4, 5, 6, 7, 8}
    assert data.vocabulary.decode(data.train.x[0]) == [" ".join(map(str, data.train.x[0] - 4))]
    assert data.extras["fixed_length"] == 24 and text.form("mixmarkov") == (9, 24)
    exact = -mixmarkov.exact_log_prob(data.test.x).mean()
    assert data.extras["exact_nll"]["test"] == exact and abs(exact - 27.3022) < 6 * 0.11
    assert np.any(data.train.x[:2000] != data.test.x)
    again = text.load("mixmarkov")
    np.testing.assert_array_equal(again.train.x, data.train.x)
    assert np.any(mixmarkov.load("mixmarkov", seed=1).train.x != data.train.x)


@pytest.mark.parametrize("name", ["mixmarkov", "synthetic", "synthetic_small"])
def test_generated_sets_refuse_settings_of_read_ones(name):
    for setting in ("vocabulary_size", "min_count", "max_length"):
        with pytest.raises(UserError, match=f"is generated: {setting} must be left out, got 7"):
            text.load(name, **{setting: 7})


# ------------------------------------------------------------------ the random LSTM


def test_the_random_lstm_is_that_of_keras(monkeypatch):
    """Conditional entropies by a Keras LSTM of the same weights; sequences are drawn from it.

    E[-log p(x_t | x_<t, z)] = E[H(x_t | x_<t, z)]: 2,000 sequences of 9 draws; 6 standard errors
    (false-fail rate below 1e-8).
    """
    kept, draw = [], synthetic._draw
    monkeypatch.setattr(
        synthetic, "_draw", lambda weights, *rest: kept.append(weights) or draw(weights, *rest)
    )
    number, words, width = 2_000, 40, 12
    x, z, _, entropy = synthetic.generate(number, words, width, seed=3)
    w = kept[0]
    for name, array in w.items():
        wide = np.abs(array)[-2:] if name == "out" else array
        bound = {"out": 5, "bias": 2}.get(name, 1)
        assert 0.9 * bound < np.abs(wide).max() <= bound, name
    assert np.abs(w["out"][:-2]).max() <= 1

    layer = keras.layers.LSTM(width, return_sequences=True)
    before = np.concatenate([w["embedding"][x[:, :-1]], np.repeat(z[:, None], 9, 1)], -1)
    layer.build(before.shape)
    layer.set_weights([w["lstm"][: width + 2], w["lstm"][width + 2 :], w["bias"]])
    cell = z @ w["start"]
    states = layer(before, initial_state=[np.tanh(cell), cell]).numpy()
    logits = (states @ w["out"][:-2] + (z @ w["out"][-2:])[:, None]).astype(np.float64)
    log_p = logits - scipy.special.logsumexp(logits, -1, keepdims=True)
    wanted = math.log(words) - (np.exp(log_p) * log_p).sum((1, 2))
    np.testing.assert_allclose(entropy, wanted, atol=2e-4)

    drawn = np.take_along_axis(log_p, x[:, 1:, None].astype(int), -1)[..., 0]
    excess = -drawn.sum(1) - (wanted - math.log(words))
    assert abs(excess.mean()) < 6 * excess.std() / number**0.5 < 0.5
    assert scipy.stats.chisquare(np.bincount(x[:, 0], minlength=words)).pvalue > 1e-7


@pytest.mark.statistical
def test_the_mixture_behind_the_random_lstm():
    """4,000 latents; 6 standard errors each (false-fail rate below 1e-7)."""
    _, z, component, _ = synthetic.generate(4_000, 8, 4, seed=0)
    centres = []
    for which in range(4):
        part = z[component == which]
        assert abs(len(part) - 1_000) < 6 * (4_000 * 3 / 16) ** 0.5
        centre = np.round(part.mean(0) / 2) * 2
        assert np.all(np.abs(part.mean(0) - centre) < 6 / len(part) ** 0.5)
        assert np.all(np.abs(part.var(0) - 1) < 6 * (2 / len(part)) ** 0.5)
        assert abs(np.corrcoef(part.T)[0, 1]) < 6 / len(part) ** 0.5
        centres.append(tuple(centre.tolist()))
    assert sorted(centres) == [(-2, -2), (-2, 2), (2, -2), (2, 2)]


def test_sequences_do_not_hang_on_how_many_are_drawn(monkeypatch):
    monkeypatch.setattr(synthetic, "_BLOCK", 50)
    few, more = (synthetic.generate(number, 20, 8, seed=5) for number in (50, 120))
    for one, two in zip(few, more):
        np.testing.assert_array_equal(one, two[:50])
    assert len(more[0]) == 120 and np.any(more[0][:50] != more[0][50:100])
    assert np.any(synthetic.generate(50, 20, 8, seed=6)[0] != few[0])


def test_the_small_synthetic_set():
    data = load("synthetic_small")
    assert [len(split.x) for split in _splits(data)] == [8_000, 2_000, 2_000]
    assert text.form("synthetic_small") == (len(data.vocabulary), data.max_length) == (204, 11)
    assert text.form("synthetic") == (1_004, 11)
    assert np.all(data.test.x[:, -1] == 2) and data.test.x[:, :-1].min() >= 4
    # another draw of the generator had 19.06 nats; draws differ by about a nat
    assert abs(data.extras["oracle"]["mean"] - 19.06) < 3
    assert data.extras["oracle"]["standard_error"] < 0.3
    assert data.extras["z"]["test"].shape == (2_000, 2)
    # the sentences tell of z: each component has words of its own
    counts = [np.bincount(data.train.x[data.train.label == c, 1:10].ravel()) for c in range(4)]
    shares = [np.pad(c, (0, 204 - len(c))) / c.sum() for c in counts]
    for one, two in itertools.combinations(shares, 2):
        assert 0.5 * np.abs(one - two).sum() > 0.3


# ------------------------------------------------------------------ the stream


def _numbered(number, seed=0):
    """Row i is the word i + 4, once to twelve times, then `</s>`."""
    length = np.random.default_rng(seed).integers(1, 13, number)
    x = np.full((number, 14), PAD, np.int32)
    for i, count in enumerate(length):
        x[i, :count], x[i, count] = i + 4, 2
    return Split(x, None)


def _take(stream, steps):
    return [batch.numpy() for batch in itertools.islice(iter(stream), steps)]


@pytest.fixture
def pipeline(monkeypatch):
    """The module, with chunks of 3 batches at most."""
    from zoo.datasets import text_pipeline

    monkeypatch.setattr(text_pipeline, "_WIDEST", 3)
    return text_pipeline


@pytest.mark.parametrize(("number", "batch"), [(40, 8), (53, 8), (53, 53), (5, 8), (20, 1)])
def test_each_epoch_holds_each_example_once(pipeline, number, batch):
    split = _numbered(number)
    batches = _take(pipeline.training_stream(split, batch, 0), -(-4 * number // batch))
    seen = np.concatenate([rows[:, 0] - 4 for rows in batches])
    epochs = seen[: 4 * number].reshape(4, number)
    np.testing.assert_array_equal(np.sort(epochs, 1), np.tile(np.arange(number), (4, 1)))
    assert number == 1 or not np.array_equal(epochs[0], epochs[1])
    for rows in batches:
        # whole sentences, and no column of padding alone
        np.testing.assert_array_equal(rows, split.x[rows[:, 0] - 4][:, : rows.shape[1]])
        assert rows.dtype == np.int32 and rows[:, -1].any()
        assert np.all((rows == 2).sum(1) == 1)


def test_a_stream_from_any_step_is_the_uninterrupted_one(pipeline):
    split = _numbered(53)
    whole = _take(pipeline.training_stream(split, 8, 3), 22)  # three epochs
    for start in range(20):
        late = _take(pipeline.training_stream(split, 8, 3, start_step=start), 2)
        for one, two in zip(late, whole[start:]):
            np.testing.assert_array_equal(one, two)
    far = _take(pipeline.training_stream(split, 8, 3, start_step=10**9), 1)[0]
    assert far.shape[0] == 8


@pytest.mark.parametrize("count", [2, 4])
def test_shards_partition_each_batch_and_are_equally_wide(pipeline, count):
    split = _numbered(53)
    whole = _take(pipeline.training_stream(split, 8, 1, start_step=4), 12)
    parts = [
        _take(pipeline.training_stream(split, 8, 1, start_step=4, shard=(i, count)), 12)
        for i in range(count)
    ]
    for step, batch in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([part[step] for part in parts]), batch)


def test_rows_of_a_batch_are_about_equally_long_but_in_no_order():
    from zoo.datasets import text_pipeline

    split = _numbered(640)
    batches = _take(text_pipeline.training_stream(split, 32, 0), 40)
    padding = np.mean(np.concatenate([(b == PAD).ravel() for b in batches]))
    assert padding < 0.05  # 12 lengths in 20 batches an epoch; random batches have 0.40
    lengths = [text_pipeline.lengths(b) for b in batches]
    assert np.std([length.mean() for length in lengths]) > 2
    first = [length[:16].mean() - length[16:].mean() for length in lengths]
    assert any(f > 0 for f in first) and any(f < 0 for f in first)
    means = [length.mean() for length in lengths]
    assert means[:20] not in (sorted(means[:20]), sorted(means[:20], reverse=True))
    assert np.any(np.abs(np.subtract(means[:20], means[20:])) > 2)  # another order an epoch


def test_the_order_hangs_on_the_seed_only(pipeline):
    split = _numbered(40)
    one = np.concatenate(_take(pipeline.training_stream(split, 40, 7), 1))
    np.random.seed(0)
    tf.random.set_seed(1)
    np.testing.assert_array_equal(one, _take(pipeline.training_stream(split, 40, 7), 1)[0])
    for other in (8, -7):
        assert np.any(one != _take(pipeline.training_stream(split, 40, other), 1)[0])


def test_streams_that_cannot_be(pipeline):
    with pytest.raises(UserError, match="batch_size must be a multiple of the 3 workers, got 8"):
        pipeline.training_stream(_numbered(9), 8, 0, shard=(0, 3))
    with pytest.raises(UserError, match="the training split is empty"):
        pipeline.training_stream(Split(np.zeros((0, 4), np.int32), None), 8, 0)
    with pytest.raises(UserError, match="batch_size must be a number above 0, got 0"):
        pipeline.training_stream(_numbered(9), 0, 0)
    with pytest.raises(UserError, match="batch_size must be a number above 0, got -1"):
        pipeline.evaluation_batches(_numbered(9).x, -1)


def test_replicas_get_the_halves_of_a_batch(pipeline, two_replicas):
    split = _numbered(53)
    whole = _take(pipeline.training_stream(split, 8, 1), 4)
    spread = two_replicas.experimental_distribute_dataset(pipeline.training_stream(split, 8, 1))
    for wanted, batch in zip(whole, spread):
        halves = [part.numpy() for part in two_replicas.experimental_local_results(batch)]
        assert [len(half) for half in halves] == [4, 4]
        np.testing.assert_array_equal(np.concatenate(halves), wanted)
    # the way of several workers, which cut their rows into those of their replicas
    rows = _take(pipeline.training_stream(split, 8, 1).unbatch().batch(4, drop_remainder=True), 8)
    for step, wanted in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate(rows[2 * step : 2 * step + 2]), wanted)


def test_evaluation_batches_hold_each_example_once(pipeline):
    split = _numbered(53)
    batches = pipeline.evaluation_batches(split.x, 8)
    assert [len(rows) for rows, _ in batches] == [8] * 6 + [5]
    found = np.zeros_like(split.x)
    for rows, x in batches:
        found[rows, : x.shape[1]] = x
        assert x[:, -1].any()
    np.testing.assert_array_equal(found, split.x)
    assert sorted(np.concatenate([rows for rows, _ in batches])) == list(range(53))
    widths = [x.shape[1] for _, x in batches]
    assert widths == sorted(widths)


def test_lengths_count_the_end(pipeline):
    x = np.array([[5, 6, 2, 0], [2, 0, 0, 0], [5, 5, 5, 2], [0, 0, 0, 0], [5, 0, 2, 0]])
    assert pipeline.lengths(x).tolist() == [3, 1, 4, 0, 3]
