"""Tables of the zoo: sizes, what is sensitive, files of their formats made here and the real ones."""

import gzip
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tfvae.checks import UserError
from zoo import modalities
from zoo.command import plan, run
from zoo.datasets import uci

ROOT = pathlib.Path(__file__).parent.parent.parent
REAL = pathlib.Path(os.environ.get("TFVAE_DATA", ROOT.parent / "shared" / "data"))
WORDS = (
    ("Wed", "Single"),
    ("Sales", "Other"),
    ("Wife", "Child"),
    ("White", "Black"),
    ("Male", "Female"),
)
SINKS = {"terms": "kitchen_sinks", "sinks_between": "sensitive"}


def loaded(dataset, folder=None, **sets):
    given = {"data": "sensitive_rows", **sets}
    folder = None if folder is None else str(folder)
    resolved = plan.resolve("vae", (), given, dataset=dataset, data_dir=folder)
    kind = modalities.of(dataset)
    data = kind.load(dataset, resolved.files, resolved.point)
    return data, kind.space_of(data)


def numbers(data):
    return {p: len(getattr(data, p).x) for p in ("train", "valid", "test")}


def test_the_embedded_table():
    data, space = loaded("diabetes")
    assert numbers(data) == {"train": 300, "valid": 42, "test": 100}
    assert data.label_names == ("fast", "slow") and space.sensitive_span == (1, 2)
    every = np.concatenate([data.train.label, data.valid.label, data.test.label])
    assert np.bincount(every).tolist() == [221, 221]
    np.testing.assert_allclose(data.train.x[:, [0, 3]].mean(0), 0, atol=1e-6)
    sex = np.concatenate([getattr(data, p).x[:, 1:3] for p in ("train", "valid", "test")])
    assert sex.sum(0).tolist() == [235, 207]
    again, plain = loaded("diabetes", sensitive_column="sex")[0], loaded("diabetes", data="rows")
    np.testing.assert_array_equal(again.train.x, data.train.x)
    assert plain[0].sensitive is None and plain[1].sensitive is None


def test_files_of_the_published_form_are_read(tmp_path, monkeypatch):
    monkeypatch.setitem(uci._SETS, "adult", uci._SETS["adult"]._replace(valid=5))
    rows = []
    for i in range(30):
        own = [f"{20 + i % 9}", ("Private", "?")[i % 2], f"{i}", ("1th", "2th")[i % 2], f"{i % 3}"]
        own += [(a, b)[i % 2] for a, b in WORDS]
        own += [f"{i % 5}", f"{i % 7}", f"{i % 4}", ("Peru", "?")[i % 2], (">50K", "<=50K")[i % 2]]
        rows.append(", ".join(own))
    (tmp_path / "adult.data").write_text("\n".join(rows) + "\n\n")
    test = "|1x3 Cross validator\n" + "".join(f"{row}.\n" for row in rows[:20])
    (tmp_path / "adult.test.gz").write_bytes(gzip.compress(test.encode()))
    data, space = loaded("adult", tmp_path)
    assert numbers(data) == {"train": 25, "valid": 5, "test": 20}
    assert data.label_names == ("<=50K", ">50K") and space.sensitive_span[1] == 2
    assert data.columns.columns[1].kinds == ("?", "Private")
    start = space.sensitive_span[0]
    np.testing.assert_array_equal(data.test.x[:, start], np.arange(20) % 2)  # Female comes first
    np.testing.assert_array_equal(data.test.label, 1 - np.arange(20) % 2)
    (tmp_path / "adult.data").write_text("\n".join([*rows, "39, State-gov"]))
    with pytest.raises(UserError, match="line 31: 15 cells are wanted, got 2"):
        loaded("adult", tmp_path)


@pytest.mark.skipif(not (REAL / "adult").is_dir(), reason="set TFVAE_DATA to the folder of adult/")
def test_the_real_tables():
    data, space = loaded("adult", REAL)
    assert numbers(data) == {"train": 29_561, "valid": 3_000, "test": 16_281}
    assert space.numbers == 108 and space.sensitive_span[1] == 2
    assert data.test.label.mean() == pytest.approx(1 - 0.7638, abs=5e-5)
    begin = space.sensitive_span[0]
    assert data.test.x[:, begin + 1].mean() == pytest.approx(0.6670, abs=5e-5)
    german, _ = loaded("german", REAL)
    every = np.concatenate([german.train.label, german.valid.label, german.test.label])
    assert numbers(german) == {"train": 700, "valid": 100, "test": 200} and every.sum() == 700


def own_table(folder, train=("a M", "b F"), held=("a M", "b F")):
    """train.csv, valid.csv and test.csv of rows of these labels and sexes, in turn."""
    for part, kinds in (("train", train), ("valid", held), ("test", held)):
        rows = [f"{i % 7}.5,{kind[2]},{kind[0]}" for i in range(12) for kind in kinds]
        (folder / f"{part}.csv").write_text("\n".join(["age,sex,label", *rows]))
    return str(folder)


@pytest.mark.parametrize(
    ("train", "model", "said"),
    [
        (("a M", "b M"), "vfae", "sensitive_column of .* must differ between train rows, and 'sex' is 'M'"),
        (("a M", "a F"), "vfae", "needs labels that differ, and every train example of table has 'a'"),
        (("a M", "a F"), "vae", None),  # reads no labels: rows that are usual alone may be learned
    ],
)  # fmt: skip
def test_one_kind_alone_in_the_train_rows_is_refused_by_what_reads_it(tmp_path, train, model, said):
    given = {"dataset": "table", "data": own_table(tmp_path, train), "batch_size": 4}
    values = {"data": "sensitive_rows", "latent_width": 2}
    resolved = plan.resolve(model, (), values, **given, train_steps=1)
    kind, strategy = modalities.of("table"), tf.distribute.get_strategy()
    if said is None:
        run.prepare(resolved, kind, strategy)
        return
    with pytest.raises(UserError, match=said) as caught:
        run.prepare(resolved, kind, strategy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: loaded("diabetes", sensitive_column="bmi"), "must be a category, and 'bmi' is a column"),
        (lambda: loaded("diabetes", sensitive_column="sxe"), "sensitive_column of .*did you mean sex"),
        (lambda: loaded("diabetes", label_column="sex"), "sensitive_column of diabetes"),
        (lambda: loaded("adult"), "'adult' is read from files: --data_dir must name"),
        (lambda: loaded("german", "/nowhere"), "no german.data in /nowhere"),
        (
            lambda: plan.resolve("vae", (), SINKS, dataset="diabetes"),
            "needs a sensitive column of a table.*data=sensitive_rows",
        ),
        (lambda: plan.resolve("vfae", (), {}, dataset="digits"), "needs a sensitive column of a table"),
        (
            lambda: plan.resolve("vae", (), {"terms": "kitchen_sinks"}, dataset="sprites"),
            "needs data with labels",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_in_one_line(make, said):
    with pytest.raises(UserError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
