"""One's own data: what is found is what lies there, and is said (what is refused: bad_files.py)."""

import contextlib
import json
import os
import threading
import wave

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

import zoo
from tests.zoo.cut import ending
from tests.zoo.points import value
from tfvae.checks import UserError
from tfvae.likelihoods import mu_law_encode
from zoo import datasets
from zoo.command import plan, run
from zoo.datasets import disk, labels, own, pipeline

RNG = np.random.default_rng(0)
PARTS = ("train", "valid", "test")


def pictures(folder, names, shape=(7, 5, 3), mode=None, high=256):
    """{name: pixels}, written as files."""
    held = {}
    for name in names:
        pixels = RNG.integers(0, high, shape, dtype=np.uint8) * (255 // (high - 1))
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(pixels)
        (image.convert(mode) if mode else image).save(path, "PNG")
        held[name] = pixels.reshape(*shape[:2], -1)
    return held


def rows(data):
    """(part, row) of each image of a set."""
    return {x.tobytes(): (p, i) for p in PARTS for i, x in enumerate(getattr(data, p).x)}


def test_every_image_is_once_in_one_part_with_the_label_of_its_folder(tmp_path):
    held = pictures(tmp_path, [f"{'cat' if i % 3 else 'dog'}/{i}.png" for i in range(30)])
    data = datasets.load("images", str(tmp_path))
    where = rows(data)
    assert len(where) == 30 and data.label_names == ("cat", "dog")
    for name, pixels in held.items():
        part, i = where[pixels.tobytes()]
        assert data.label_names[getattr(data, part).label[i]] == name.split("/")[0]
    assert data.description == (
        "30 images of 7 x 5, RGB, 8 bits: logistic mixture; 24 / 3 / 3 to train, validate and test, "
        "drawn with seed 0; 2 labels (cat, dog)"
    )
    assert labels.count_of(data, "condition=labels") == 2 and data.kind == "rgb8"


def test_the_seed_draws_the_parts_and_a_changed_file_has_another_checksum(tmp_path):
    from zoo.datasets.own import images

    names = [f"{i}.png" for i in range(20)]
    held = pictures(tmp_path, names, (4, 4))
    first, again, other = (images.load(str(tmp_path), seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.test.x, again.test.x)
    assert rows(first) != rows(other) and rows(first).keys() == rows(other).keys()
    before = datasets.load("images", str(tmp_path))
    assert before.source == first.source and list(before.source) == ["20 files"]
    Image.fromarray(255 - held["3.png"][..., 0]).save(tmp_path / "3.png")
    assert datasets.load("images", str(tmp_path)).source != before.source
    os.rename(tmp_path / "4.png", tmp_path / "04.png")
    assert datasets.load("images", str(tmp_path)).source != first.source


def test_parts_are_given_by_folders(tmp_path):
    for part, number in zip(PARTS, (5, 3, 2)):
        pictures(tmp_path, [f"{part}/{'ab'[i % 2]}/{i}.png" for i in range(number)], (4, 4))
    data = datasets.load("images", str(tmp_path))
    assert [len(getattr(data, part).x) for part in PARTS] == [5, 3, 2]
    np.testing.assert_array_equal(data.test.label, [0, 1])
    assert "5 / 3 / 2 to train, validate and test, as given" in data.description
    pictures(tmp_path, ["valid/c/1.png"], (4, 4))
    with pytest.raises(UserError, match=r"valid must have the labels .* a, b; it has a, b, c"):
        datasets.load("images", str(tmp_path))


@pytest.mark.parametrize(
    ("mode", "high", "kind", "said"),
    [
        ("L", 256, "grey8", "grey, 8 bits: logistic mixture"),
        ("1", 2, "binary_fixed", "grey, 1 bit: Bernoulli"),
        ("L", 2, "binary_fixed", "grey, 1 bit: Bernoulli"),
        ("LA", 256, "grey8", "grey, 8 bits: logistic mixture"),
    ],
)
def test_the_kind_of_the_pixels_is_found_out(tmp_path, mode, high, kind, said):
    held = pictures(tmp_path, [f"{i}.png" for i in range(12)], (6, 4), mode, high)
    data = datasets.load("images", str(tmp_path))
    assert data.kind == kind and f"12 images of 6 x 4, {said};" in data.description
    top = 255 if kind == "binary_fixed" else 1
    assert set(rows(data)) == {
        (pixels // top).astype(np.uint8).tobytes() for pixels in held.values()
    }


def test_sizes_and_colours_are_made_one_when_asked(tmp_path):
    """The middle of a wide image: its bright ends are cut off before it is resized."""
    wide = np.full((8, 24), 200, np.uint8)
    wide[:, 8:16] = 8 * np.arange(8)
    for i in range(10):
        Image.fromarray(wide + i).save(tmp_path / f"{i}.png")
    pictures(tmp_path, ["colour.png"], (8, 8, 3))
    asked = {"image_size": (4, 4)}
    with pytest.raises(UserError, match="10 images are grey and 1 have colours"):
        datasets.load("images", str(tmp_path), **asked)
    data = datasets.load("images", str(tmp_path), colour="grey", **asked)
    assert data.image_shape == (4, 4, 1) and "11 were resized" in data.description
    x = np.concatenate([getattr(data, part).x for part in PARTS])
    cut = x[x.max((1, 2, 3)) < 100][..., 0].astype(int)
    assert len(cut) == 10 and np.all(np.diff(cut, axis=2) > 8) and not np.diff(cut, axis=1).any()
    with pytest.raises(UserError, match=r"2 sizes \(10 of 8 x 24, 1 of 8 x 8\).*image_size=8,24"):
        datasets.load("images", str(tmp_path), colour="grey")


def test_what_is_transparent_is_white_and_photographs_are_upright(tmp_path):
    pixels = np.dstack([np.zeros((4, 4, 3), np.uint8), np.eye(4, dtype=np.uint8) * 255])
    for i in range(10):
        pixels[0, 0, :3] = i
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    x = datasets.load("images", str(tmp_path)).train.x
    assert np.all((x[..., 0] == 255) == (np.eye(4) == 0))
    turned = tmp_path / "turned"
    turned.mkdir()
    for i in range(10):
        image = Image.fromarray(np.repeat(np.uint8([20 * i, 255]), 16).reshape(4, 8).T)
        exif = image.getexif()
        exif[0x0112] = 6  # to be turned to the right by a quarter
        image.save(turned / f"{i}.jpg", exif=exif, quality=100)
    x = datasets.load("images", str(turned)).train.x.astype(int)
    assert x.shape[1:] == (4, 8, 1) and np.all(x[:, 0] <= 185) and np.all(x[:, -1] >= 250)


# ------------------------------------------------------------------ arrays


@pytest.mark.parametrize(
    ("x", "kind", "shape", "said"),
    [
        (RNG.integers(0, 256, (20, 6, 4)), "grey8", (6, 4, 1), "6 x 4, grey, 8 bits"),
        (RNG.integers(0, 256, (20, 6, 4, 3), np.uint8), "rgb8", (6, 4, 3), "6 x 4, RGB, 8 bits"),
        (RNG.integers(0, 2, (20, 6, 4)) > 0, "binary_fixed", (6, 4, 1), "grey, 1 bit: Bernoulli"),
        (RNG.integers(0, 2, (20, 6, 4, 2)) * 1.0, "binary_fixed", (6, 4, 2), "2 channels, 1 bit"),
        (RNG.normal(size=(20, 9)), "real", (1, 9, 1), "1 x 9, grey, real numbers: Gaussian"),
    ],
)
def test_arrays_keep_their_numbers_labels_and_factors(tmp_path, x, kind, shape, said):
    label, factors = RNG.integers(0, 5, 20), RNG.integers(0, 3, (20, 2))
    np.savez(tmp_path / "x.npz", x=x, label=label.astype(np.float64), factors=factors)
    data = datasets.load("arrays", str(tmp_path / "x.npz"))
    assert (
        (data.kind, data.image_shape) == (kind, shape)
        and f"20 images of {shape[0]} x " in said
        or (said in data.description)
    )
    where = {np.asarray(row, data.train.x.dtype).tobytes(): i for i, row in enumerate(x)}
    seen = []
    for part in PARTS:
        split = getattr(data, part)
        own = [where[row.tobytes()] for row in split.x]
        np.testing.assert_array_equal(split.label, label[own])
        np.testing.assert_array_equal(split.factors, factors[own])
        seen += own
    assert sorted(seen) == list(range(20)) and "; 2 factors" in data.description


def test_parts_of_arrays_may_be_files(tmp_path):
    x = RNG.normal(size=(3, 4, 5, 2)).astype(np.float32)
    for part, held in zip(PARTS, x):
        np.save(tmp_path / f"{part}.npy", held)
    data = datasets.load("arrays", str(tmp_path))
    np.testing.assert_array_equal([getattr(data, part).x[..., 0] for part in PARTS], x)
    (tmp_path / "test.npy").unlink()
    with pytest.raises(UserError, match="found train, valid, no test"):
        datasets.load("arrays", str(tmp_path))


# ------------------------------------------------------------------ the command


def test_the_place_of_the_data_is_named_by_the_flag_of_its_kind():
    with pytest.raises(UserError, match="--data is of one's own data"):
        plan.resolve("vae", dataset="digits", data="here")
    with pytest.raises(UserError, match="'images' is one's own: say --data="):
        plan.resolve("vae", dataset="images", data_dir="here")
    with pytest.raises(UserError, match="'arrays' is one's own: --data must name an .npz"):
        plan.resolve("vae", dataset="arrays")


def test_a_model_is_built_for_what_lies_there(tmp_path):
    pictures(tmp_path, [f"{'abc'[i % 3]}/{i}.png" for i in range(30)], (9, 6), None)
    model = zoo.build(
        "vae",
        dataset="images",
        data=str(tmp_path),
        backbone="mlp",
        image_size=(5, 4),
        condition="labels",
    )
    assert model.decoder.data_shape == (5, 4, 1) and model.condition.size == 3
    resolved = plan.resolve("vae", dataset="images", data=str(tmp_path), backbone="mlp")
    assert f"--data={tmp_path}" in resolved.command() and "data" not in resolved.config()
    assert value(resolved.point, "mixture_components") == 10


# ------------------------------------------------------------------ tables


def table(path, number=40, header="age;job;smokes;class"):
    """(rows of cells as they stand in the file, its path)."""
    jobs = ("cook", "clerk", "smith")
    held = [
        [f"{1e9 + RNG.normal():.3f}", jobs[RNG.integers(3)], str(RNG.integers(2)), str(i % 11)]
        for i in range(number)
    ]
    path.write_text("\n".join([header, *(";".join(row) for row in held)]), encoding="utf-8-sig")
    return held, str(path)


def test_a_table_is_standardised_one_hot_and_back(tmp_path):
    held, path = table(tmp_path / "x.csv")
    data = own.load("table", path, label_column="class")
    assert data.columns.groups == (1, 3, 2) and data.label_names == tuple(map(str, range(11)))
    assert data.description == (
        "40 rows of 3 columns: 1 number (age): Gaussian, standardised, 2 categories (job (3), smokes "
        "(2)): categorical, label class (0, 1, 2 and 8 more); 32 / 4 / 4 to train, validate and test, "
        "drawn with seed 0"
    )
    x = data.train.x
    np.testing.assert_allclose([x[:, 0].mean(), x[:, 0].std()], [0, 1], atol=1e-6)
    ages = {f"{float(row[0]):.6g}": row for row in held}
    assert len(ages) < 40, "the numbers differ in what float32 does not hold"
    wanted = sorted((row[1], row[2], row[3]) for row in held)
    found = []
    for part in PARTS:
        split = getattr(data, part)
        rows_of = data.columns.decode(split.x)
        found += [(r["job"], r["smokes"], str(l)) for r, l in zip(rows_of, split.label)]
    assert sorted(found) == wanted
    rows_of = [dict(zip(("age", "job", "smokes", "class"), row)) for row in held]
    z = {x.tobytes() for part in PARTS for x in getattr(data, part).x}
    assert {x.tobytes() for x in data.columns.encode(rows_of)} == z and len(z) == 40


def test_a_run_on_a_table_leaves_what_serves_it(tmp_path):
    """Trained, measured, exported; rows of words go in and come out."""
    held, path = table(tmp_path / "x.csv", header="age;job;smokes;label")
    resolved = plan.resolve(
        "vae",
        ("latent_width=2", "condition=labels"),
        dataset="table",
        data=path,
        train_steps=2,
        batch_size=8,
        nll_samples=3,
        workdir=str(tmp_path / "run"),
    )
    report = run.run(resolved)
    assert report["bits_per_dim"] is None and np.isfinite(report["nll"])
    columns, model = zoo.columns(resolved.workdir), zoo.load(resolved.workdir)
    x = columns.encode([{"age": 1e9, "job": "cook", "smokes": 0}])
    label = tf.constant([3])
    z = model.encode(x, label=label)
    saved = tf.saved_model.load(str(tmp_path / "run" / "saved_model"))
    np.testing.assert_allclose(saved.encode(x, label), z, atol=1e-6)
    drawn = columns.decode(model.sample(20, seed=0, label=tf.zeros(20, tf.int32)))
    assert {row["job"] for row in drawn} == {"cook", "clerk", "smith"}
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Rows from the prior" in page and "smith" in page
    held = json.loads((tmp_path / "run" / "columns.json").read_text())
    held[0]["mean"] += 1
    (tmp_path / "run" / "columns.json").write_text(json.dumps(held))
    with pytest.raises(UserError, match="does not fit the checkpoints"):
        zoo.columns(resolved.workdir)
    with pytest.raises(UserError, match=r"label_column of .* 'class'; .*age, job, label, smokes"):
        own.load("table", path, label_column="class")


# ------------------------------------------------------------------ sound


def recording(path, amplitude, width=2, channels=1, rate=8000):
    """A .wav file of amplitudes in [-1, 1)."""
    path.parent.mkdir(exist_ok=True)
    whole = np.round(np.asarray(amplitude) * 2.0 ** (8 * width - 1)).astype(np.int64)
    whole = whole + 128 if width == 1 else whole
    raw = whole.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :width].tobytes()
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(channels)
        stream.setsampwidth(width)
        stream.setframerate(rate)
        stream.writeframes(raw)


@pytest.mark.parametrize(("width", "channels"), [(1, 1), (2, 1), (2, 2), (3, 1), (4, 2)])
def test_recordings_are_the_levels_of_their_samples(tmp_path, width, channels):
    """Whatever the bits; of two channels the mean; each told by its own middle sample."""
    heard = {}
    for i in range(20):
        one = np.array([0.5, -0.25, -0.5 + i / 32, 0.5])  # of any width without rounding
        both = np.stack([one, one + (-1) ** i / 8], 1) if channels == 2 else one[:, None]
        folder = tmp_path / ("low", "high")[i % 2]
        recording(folder / f"{i}.wav", both.ravel(), width, channels, 16000)
        mean = both.mean(1)
        heard[mu_law_encode(mean / np.abs(mean).max()).tobytes()] = i % 2
    data = own.load("sound", str(tmp_path), max_samples=8)
    assert (data.kind, data.rate, data.label_names) == ("mu_law8", 16000, ("high", "low"))
    found = {}
    for part in PARTS:
        split = getattr(data, part)
        assert split.x.shape[1:] == (8,) and np.all(split.x[:, 4:] == mu_law_encode(np.zeros(1)))
        found |= {x[:4].tobytes(): 1 - label for x, label in zip(split.x, split.label)}
    assert found == heard
    mixed = ", 20 of them the mean of their channels" if channels == 2 else ""
    assert data.description == (
        f"20 recordings at 16,000 Hz, 256 mu-law levels{mixed}, peak 1, silence cut off, 8 samples; "
        "16 / 2 / 2 to train, validate and test, drawn with seed 0; 2 labels (high, low)"
    )


def test_recordings_of_several_rates_are_refused_and_counted(tmp_path):
    for i in range(12):
        recording(tmp_path / f"{i}.wav", [0.5, -0.5, i / 12], rate=8000 if i < 9 else 44100)
    with pytest.raises(UserError, match=r"2 rates \(9 of 8,000 Hz, 3 of 44,100 Hz\)"):
        own.load("sound", str(tmp_path))


def test_a_model_is_built_for_recordings(tmp_path):
    for i in range(12):
        recording(tmp_path / "ab"[i % 2] / f"{i}.wav", np.sin(np.arange(200) * (i + 1) / 20) / 2)
    given = {"max_samples": 128, "size": "tiny", "downsampling": 32, "condition": "labels"}
    model = zoo.build("vae", dataset="sound", data=str(tmp_path), **given)
    assert model.decoder.data_shape == (128,) and model.condition.size == 2


# ------------------------------------------------------------------ TensorFlow Datasets


class OwnTiles(tfds.core.GeneratorBasedBuilder):
    """30 train and 8 test images, each of one level, which its label tells."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        image = tfds.features.Image(shape=(5, 6, 1))
        label = tfds.features.ClassLabel(names=["dark", "light"])
        features = tfds.features.FeaturesDict({"image": image, "label": label})
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, dl_manager):
        return {"train": self._rows(range(30)), "test": self._rows(range(100, 108))}

    def _generate_examples(self, levels):
        yield from self._rows(levels)

    def _rows(self, levels):
        for i in levels:
            yield i, {"image": np.full((5, 6, 1), 2 * i, np.uint8), "label": i % 2}


@pytest.mark.parametrize("form", ["tfrecord", "array_record"])
def test_a_set_of_tensorflow_datasets_in_memory_and_on_disk(form, tmp_path, monkeypatch):
    OwnTiles(data_dir=str(tmp_path), file_format=form).download_and_prepare()
    data = datasets.load("tfds:own_tiles", str(tmp_path))
    assert data.label_names == ("dark", "light") and data.image_shape == (5, 6, 1)
    assert data.description.startswith(
        "38 images of 5 x 6, grey, 8 bits: logistic mixture; 27 / 3 / 8 "
    )
    levels = {part: getattr(data, part).x[:, 0, 0, 0] for part in PARTS}
    assert sorted([*levels["train"], *levels["valid"]]) == list(range(0, 60, 2))
    np.testing.assert_array_equal(np.sort(levels["test"]), np.arange(200, 216, 2))
    for part in PARTS:
        np.testing.assert_array_equal(getattr(data, part).label, levels[part] // 2 % 2)
    assert datasets.load("tfds:own_tiles", str(tmp_path), image_size=(2, 2)).image_shape == (
        2,
        2,
        1,
    )
    own._read.cache_clear()
    monkeypatch.setattr(disk, "room", lambda: 300)
    if form == "tfrecord":
        with pytest.raises(UserError, match="prepare it with file_format='array_record'"):
            datasets.load("tfds:own_tiles", str(tmp_path))
        return
    far = datasets.load("tfds:own_tiles", str(tmp_path))
    assert isinstance(far.train.x, disk.Rows) and far.source == data.source
    for part in PARTS:
        x, label = getattr(far, part).x[:], getattr(far, part).label
        np.testing.assert_array_equal(x[:, 0, 0, 0] // 2 % 2, label)
    assert sorted(far.train.x[:][:, 0, 0, 0]) == sorted(levels["train"])


def test_a_set_that_tensorflow_datasets_does_not_have_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no set 'mnits'; did you mean .*mnist"):
        datasets.load("tfds:mnits", str(tmp_path))
    with pytest.raises(UserError, match="'tfds:NAME'|tfds:mnist' is one's own: --data must name"):
        plan.resolve("vae", dataset="tfds:mnist")


# ------------------------------------------------------------------ larger than memory


@pytest.fixture
def little(monkeypatch, tmp_path):
    """1,000 bytes of memory for a set."""
    monkeypatch.setattr(disk, "room", lambda: 1000)
    monkeypatch.setenv("TFVAE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "own"


def _written(kind, folder):
    """--data of 40 examples."""
    folder.mkdir()
    if kind.startswith("arrays"):
        x = {"arrays": RNG.integers(0, 256, (40, 5, 7)), "arrays 1": RNG.integers(0, 2, (40, 5, 7))}
        x["arrays real"] = RNG.normal(size=(40, 5, 7))
        np.save(folder / "x.npy", x[kind])
        return "arrays", str(folder / "x.npy")
    pictures(
        folder, [f"{i % 2}/{i}.png" for i in range(40)], (5, 7), None, 2 if "1" in kind else 256
    )
    return "images", str(folder)


@pytest.mark.parametrize("kind", ["images", "images 1", "arrays", "arrays 1", "arrays real"])
def test_a_set_on_disk_is_streamed_as_it_is_from_memory(kind, tmp_path, little, monkeypatch):
    """Bit for bit: batches from any step, in both shards, with what lies beside; what is measured."""
    name, path = _written(kind, tmp_path / "data")
    far = datasets.load(name, path)
    own._read.cache_clear()
    monkeypatch.undo()
    near = datasets.load(name, path)
    assert isinstance(far.train.x, disk.Rows) and isinstance(near.train.x, np.ndarray)
    assert far.kind == near.kind and far.source == near.source
    assert far.description.startswith(near.description) and "read from disk" in far.description
    np.testing.assert_array_equal(far.train.x[:], near.train.x)
    np.testing.assert_array_equal(far.train.x[3], near.train.x[3])
    assert far.train.x.shape == near.train.x.shape and far.train.x.nbytes == near.train.x.nbytes
    for part in ("valid", "test"):
        np.testing.assert_array_equal(getattr(far, part).x, getattr(near, part).x)
    for start, shard in ((0, (0, 1)), (13, (1, 2))):
        two = [
            pipeline.training_stream(d.train, d.kind, 6, 3, start, shard, "index").take(9)
            for d in (far, near)
        ]
        for (x, row), (again, same) in zip(*two):
            assert x.dtype == again.dtype == tf.float32
            np.testing.assert_array_equal(x, again)
            np.testing.assert_array_equal(row, same)


def test_images_are_written_once_and_anew_when_damaged_or_changed(tmp_path, little):
    name, path = _written("images", tmp_path / "data")
    first = datasets.load(name, path)
    x = first.train.x[:]
    (made,) = little.iterdir()
    written = (made / "x.array_record").stat().st_mtime_ns
    own._read.cache_clear()
    assert datasets.load(name, path).source == first.source
    assert (made / "x.array_record").stat().st_mtime_ns == written
    (made / "x.array_record").write_bytes(b"no records")
    own._read.cache_clear()
    np.testing.assert_array_equal(datasets.load(name, path).train.x[:], x)
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(tmp_path / "data" / "0" / "0.png")
    assert datasets.load(name, path).source != first.source
    assert len(list(little.iterdir())) == 2
    (tmp_path / "data" / "0" / "2.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"1 of 40 images cannot be taken: .*2\.png is no image"):
        datasets.load(name, path)
    assert len(list(little.iterdir())) == 2, "what was begun is gone"


def test_a_limit_of_the_process_counts(monkeypatch):
    whole = disk.room()
    assert 2**20 < whole <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4
    taken = {kind: disk._taken(column) for kind, column in disk._TAKEN.items()}
    assert all(0 < each < 2**45 for each in taken.values())
    monkeypatch.setattr(disk, "_taken", {v: taken[k] for k, v in disk._TAKEN.items()}.get)
    left = 4_000_000
    monkeypatch.setattr(disk.resource, "getrlimit", lambda kind: (taken[kind] + left, -1))
    assert disk.room() == left // 4
    monkeypatch.setattr(disk.resource, "getrlimit", lambda kind: (taken[kind] - 1, -1))
    assert disk.room() == 0


def _run(path, workdir, **given):
    return plan.resolve(
        "vae",
        ("latent_width=2",),
        dataset="arrays",
        data=path,
        backbone="mlp",
        train_steps=7,
        batch_size=8,
        eval_every=4,
        checkpoint_every=2,
        workdir=str(workdir),
        **given,
    )


def _equal(one, other):
    (weights, rows_of), (again, same) = one, other
    assert weights.keys() == again.keys() and rows_of == same
    for name, held in weights.items():
        np.testing.assert_array_equal(held, again[name], err_msg=name)


def test_a_run_on_disk_that_is_cut_short_ends_as_one_in_memory(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", RNG.integers(0, 2, (60, 3, 4)))
    near = ending(_run(str(tmp_path / "x.npy"), tmp_path / "near"), monkeypatch)
    own._read.cache_clear()
    monkeypatch.setattr(disk, "room", lambda: 1000)
    _equal(near, ending(_run(str(tmp_path / "x.npy"), tmp_path / "far"), monkeypatch, cuts=1))
    assert isinstance(own.load("arrays", str(tmp_path / "x.npy")).train.x, disk.Rows)


@contextlib.contextmanager
def _memory():
    """A list; behind the block it holds the most bytes that the process took in it beyond what it had.

    Those of its own: what the system keeps of files may be taken away at any moment. (A limit that the
    system enforces counts addresses, of which TensorFlow takes gigabytes that it never uses.)
    """
    seen, over, found = [], threading.Event(), []

    def look():
        while not over.wait(0.01):
            seen.append(_anonymous())

    before, thread = _anonymous(), threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
    found.append(max(seen) - before)


def _anonymous():
    with open("/proc/self/status") as stream:
        return 1024 * next(int(line.split()[1]) for line in stream if line.startswith("RssAnon"))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["npy", "array_record"])
def test_a_set_four_times_as_large_as_the_memory_trains_and_resumes(form, tmp_path, monkeypatch):
    """512 MiB of images in less than 128 MiB, bit for bit what a run in memory gives (in more than 512)."""
    limit, shape = 2**27, (64, 64, 1)
    little, large = (
        _parts_of(tmp_path / "little", 200, shape),
        _parts_of(tmp_path / "x", 2**17, shape),
    )
    ending(_run(little, tmp_path / "first"), monkeypatch)  # what TensorFlow takes for itself
    with monkeypatch.context() as patch:
        patch.setattr(disk, "room", lambda: limit // 4)
        if form == "array_record":
            writer = disk.Writer(str(tmp_path / "x.array_record"))
            for row in np.load(f"{large}/train.npy", mmap_mode="r"):
                writer.append(row)
            writer.close()
            records = disk.Records(str(tmp_path / "x.array_record"), shape, np.uint8)
            read = own.load("arrays", large)
            read = read._replace(train=read.train._replace(x=disk.Rows(records)))
            patch.setattr(own, "load", lambda name, data, **options: read)
        with _memory() as on_disk:
            cut = ending(_run(large, tmp_path / "cut"), monkeypatch, cuts=1)
    own._read.cache_clear()
    with _memory() as in_memory:
        _equal(cut, ending(_run(large, tmp_path / "whole"), monkeypatch))
    assert on_disk[0] < limit < 4 * limit < in_memory[0], (on_disk, in_memory)


def _parts_of(folder, number, shape):
    """So many images to train on, written a part at a time, and a few that are held out."""
    folder.mkdir()
    x = np.lib.format.open_memmap(folder / "train.npy", "w+", np.uint8, (number, *shape))
    for start in range(0, number, 4096):
        x[start : start + 4096] = RNG.integers(0, 2, x[start : start + 4096].shape, np.uint8)
    x.flush()
    for part in PARTS[1:]:
        np.save(folder / f"{part}.npy", x[:50])
    return str(folder)
