"""Data sets: real files where they are, made files of the true formats everywhere."""

import gzip
import io
import os
import pathlib
import tarfile

import numpy as np
import pytest
import scipy.io
import tensorflow_datasets as tfds
from PIL import Image

from tfvae.checks import UserError
from zoo import datasets
from zoo.datasets import diabetes, ellipsoids, files, text
from zoo.datasets.data import Data, Split, checked, refuse_too_few
from zoo.datasets.matlab import matrices
from zoo.datasets.mnist import Mnist

ROOT = pathlib.Path(__file__).parent.parent.parent
REAL = pathlib.Path(os.environ.get("TFVAE_DATA", ROOT.parent / "shared" / "data"))
real = pytest.mark.skipif(
    not (REAL / "mnist").is_dir(),
    reason="the real files are not here; set TFVAE_DATA to their folder",
)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    """Prepared copies of the tests' own."""
    before = os.environ.get("TFVAE_CACHE")
    os.environ["TFVAE_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("TFVAE_CACHE")
    if before is not None:
        os.environ["TFVAE_CACHE"] = before


@real
@pytest.mark.parametrize(
    ("name", "sizes", "train_and_valid", "test"),
    [
        ("mnist", (50_000, 10_000, 10_000), 0.1307, 0.1325),
        pytest.param(
            *("fashion_mnist", (50_000, 10_000, 10_000), 0.2860, 0.2868), marks=pytest.mark.slow
        ),  # the reader of mnist
        ("omniglot", (23_000, 1_345, 8_115), 0.081, 0.080),
        pytest.param("cifar10", (11_250, 1_250, 2_500), None, None, marks=pytest.mark.slow),
    ],
)
def test_real_sets_have_the_published_sizes_and_means(name, sizes, train_and_valid, test):
    data = datasets.load(name, str(REAL))
    assert tuple(len(s.x) for s in (data.train, data.valid, data.test)) == sizes
    assert (data.image_shape, data.kind) == datasets.form(name)
    assert data.train.label.min() == 0 and len(data.train.label) == sizes[0]
    if test:
        both = (data.train.x.sum(dtype=float) + data.valid.x.sum(dtype=float)) / 255
        both /= (sizes[0] + sizes[1]) * np.prod(data.image_shape)
        digits = 3 if name == "omniglot" else 4
        assert round(both, digits) == train_and_valid
        assert round(data.test.x.mean() / 255, digits) == test


@real
@pytest.mark.slow
def test_the_fixed_binarisation_has_the_published_means():
    data = datasets.load("mnist_fixed", str(REAL))
    means = [round(float(s.x.mean()), 4) for s in (data.train, data.valid, data.test)]
    assert means == [0.1306, 0.1311, 0.1325]
    assert data.kind == "binary_fixed" and data.train.label is None and data.train.x.max() == 1


@real
def test_images_stand_upright():
    """The ones of MNIST are taller than wide; a transposed image would not be."""
    data = datasets.load("mnist", str(REAL / "mnist"))
    ones = data.test.x[data.test.label == 1][..., 0].mean(0)
    assert ones.mean(1).nonzero()[0].size > 0
    y, x = np.mgrid[:28, :28]
    weight = ones / ones.sum()
    spread = [np.sqrt((weight * (axis - (weight * axis).sum()) ** 2).sum()) for axis in (y, x)]
    assert spread[0] > 1.5 * spread[1]


@real
def test_the_prepared_copy_is_read_again_and_made_anew_when_damaged():
    first = datasets.load("omniglot", str(REAL))
    prepared = next(pathlib.Path(os.environ["TFVAE_CACHE"]).rglob("*omniglot*train*tfrecord*"))
    prepared.write_bytes(prepared.read_bytes()[:1000])
    again = datasets.load("omniglot", str(REAL))
    np.testing.assert_array_equal(first.train.x, again.train.x)


def test_processes_that_prepare_the_same_set_at_once_do_not_disturb_each_other(
    tmp_path, monkeypatch
):
    """A second load begins and ends in the middle of the first one: each prepares once."""
    monkeypatch.setenv("TFVAE_CACHE", str(tmp_path / "cache"))
    _mnist(tmp_path)
    began, loaded, read = [], [], Mnist.read

    def slow(builder):
        began.append(builder)
        if len(began) == 1:
            loaded.append(datasets.load("mnist", str(tmp_path)))
        return read(builder)

    monkeypatch.setattr(Mnist, "read", slow)
    loaded += [datasets.load("mnist", str(tmp_path)) for _ in range(2)]
    assert len(began) == 2
    for found in loaded[1:]:
        np.testing.assert_array_equal(found.train.x, loaded[0].train.x)
    assert len(list((tmp_path / "cache" / "tfds").iterdir())) == 1


def _idx(array):
    header = bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


def _mnist(folder, number=30, side=28):
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for stem in ("train", "t10k"):
        images = rng.integers(0, 256, (number, side, side), dtype=np.uint8)
        labels = rng.integers(0, 10, number, dtype=np.uint8)
        (folder / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(_idx(images)))
        (folder / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(_idx(labels)))


def test_idx_files_unpacked_or_packed_in_the_folder_or_its_parent(tmp_path, capsys):
    _mnist(tmp_path / "mnist")
    data = datasets.load("mnist", str(tmp_path))
    assert [len(s.x) for s in (data.train, data.valid, data.test)] == [25, 5, 30]
    assert "is not the published file" in capsys.readouterr().err
    packed = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    (tmp_path / "mnist" / "train-images-idx3-ubyte").write_bytes(
        gzip.decompress(packed.read_bytes())
    )
    packed.unlink()
    again = datasets.load("mnist", str(tmp_path / "mnist"))
    np.testing.assert_array_equal(data.train.x, again.train.x)
    assert again.source == data.source


@pytest.mark.parametrize("damage", ["gzip", "short", "magic"])
def test_damaged_idx_files_are_one_line(tmp_path, damage):
    _mnist(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    raw = gzip.decompress(path.read_bytes())
    changed = {"gzip": path.read_bytes()[:-20], "short": raw[:-5], "magic": b"abcd" + raw[4:]}[
        damage
    ]
    path.write_bytes(changed if damage == "gzip" else gzip.compress(changed))
    with pytest.raises(UserError, match="truncated or corrupt|no idx file") as caught:
        datasets.load("mnist", str(tmp_path))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_missing_files_and_wrong_shapes_are_one_line(tmp_path):
    with pytest.raises(UserError, match=r"'mnist': no train-images-idx3-ubyte.gz in .* needed"):
        datasets.load("mnist", str(tmp_path))
    _mnist(tmp_path, side=27)
    with pytest.raises(
        UserError,
        match=r"train-images-idx3-ubyte.gz must be uint8 \[N, 28, 28\], got uint8 \[30, 27, 27\]",
    ):
        datasets.load("mnist", str(tmp_path))
    with pytest.raises(UserError, match="'imagenet32' must be given with --data_dir"):
        datasets.load("imagenet32")


def test_published_files_are_downloaded_once(tmp_path, monkeypatch):
    monkeypatch.setenv("TFVAE_CACHE", str(tmp_path / "cache"))
    _mnist(tmp_path / "far")
    asked = []

    def download(manager, urls):
        asked.append(urls)
        return {file: tmp_path / "far" / file for file in urls}

    monkeypatch.setattr(tfds.download.DownloadManager, "download", download)
    first, again = datasets.load("mnist", None), datasets.load("mnist", None)
    assert len(asked) == 1 and len(first.train.x) == 25
    np.testing.assert_array_equal(first.train.x, again.train.x)
    held = [path.name for path in (tmp_path / "cache" / "downloads" / Mnist.FOLDER).iterdir()]
    assert sorted(held) == sorted(asked[0])


def test_no_network_says_which_files_to_put_where(monkeypatch):
    def fail(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr(tfds.download.DownloadManager, "download", fail)
    with pytest.raises(
        UserError, match=r"could not be downloaded \(ConnectionError\); put chardata.mat"
    ):
        datasets.load("omniglot")


def _upright(number):
    """Images whose top row alone is white."""
    x = np.zeros((number, 28, 28))
    x[:, 0] = 1
    return x


def test_chardata_is_column_major(tmp_path):
    held = {
        "data": _upright(20).transpose(0, 2, 1).reshape(20, 784).T,
        "testdata": _upright(6).transpose(0, 2, 1).reshape(6, 784).T,
        "targetchar": np.arange(20)[None],
    }
    scipy.io.savemat(tmp_path / "chardata.mat", held)
    data = datasets.load("omniglot", str(tmp_path))
    assert np.all(data.train.x[:, 0] == 255) and np.all(data.train.x[:, 1:] == 0)
    assert len(data.train.x) + len(data.valid.x) == 20 and len(data.test.x) == 6
    assert data.test.label is None
    path = tmp_path / "chardata.mat"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match="chardata.mat is truncated or corrupt"):
        datasets.load("omniglot", str(tmp_path))


@pytest.mark.parametrize("packed", [False, True])
def test_matrices_are_those_that_scipy_reads(tmp_path, packed):
    """All types of numbers, sizes from none to three axes; what is no real number is passed over."""
    rng, path = np.random.default_rng(0), str(tmp_path / "m.mat")
    held = {
        k: rng.integers(0, 99, (3, 5)).astype(k) for k in ("int8", "uint16", "int64", "float32")
    }
    held |= {"one": np.array([[7.0]]), "none": np.zeros((4, 0)), "deep": rng.normal(size=(2, 3, 4))}
    others = {"word": "abc", "struct": {"a": 1.0}, "turning": np.array([[1j]])}
    scipy.io.savemat(path, held | others, do_compression=packed)
    for name, found, want in zip(held, matrices(path, *held), held.values()):
        assert found.dtype == want.dtype and found.shape == want.shape, name
        np.testing.assert_array_equal(found, want)
    assert matrices(path, optional=("not there",)) == [None]
    for name in others:
        with pytest.raises(UserError, match=f"no array of real numbers '{name}', but int8, uint16"):
            matrices(path, optional=(name,))


def test_text_of_the_fixed_binarisation(tmp_path):
    rng = np.random.default_rng(0)
    for split, number in (("train", 4), ("valid", 3), ("test", 2)):
        rows = rng.integers(0, 2, (number, 784))
        lines = "\n".join(" ".join(map(str, row)) for row in rows) + "\n"
        (tmp_path / f"binarized_mnist_{split}.amat").write_text(lines)
    data = datasets.load("mnist_fixed", str(tmp_path))
    np.testing.assert_array_equal(data.test.x.reshape(2, 784), rows)
    (tmp_path / "binarized_mnist_test.amat").write_text("0 1 0")
    with pytest.raises(UserError, match="3 bits are no rows of 784"):
        datasets.load("mnist_fixed", str(tmp_path))


def _cifar_row(label, red):
    return bytes([label]) + bytes([red]) * 1024 + bytes([1]) * 1024 + bytes([2]) * 1024


def test_cifar10_archive_folder_and_truncation(tmp_path):
    batches = {
        f"data_batch_{i}.bin": b"".join(_cifar_row(i, 10 * i) for _ in range(4))
        for i in range(1, 6)
    }
    batches["test_batch.bin"] = _cifar_row(7, 99)
    path = tmp_path / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    data = datasets.load("cifar10", str(tmp_path))
    assert [len(s.x) for s in (data.train, data.valid, data.test)] == [18, 2, 1]
    assert data.test.x[0, 3, 4].tolist() == [99, 1, 2] and data.test.label.tolist() == [7]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="truncated or corrupt"):
        datasets.load("cifar10", str(tmp_path))


def test_imagenet32_of_the_true_format(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(1, 11):
        rows = rng.integers(0, 256, (3, 3072), dtype=np.uint8)
        np.savez(tmp_path / f"train_data_batch_{i}.npz", data=rows, labels=[1, 500, 1000])
    planes = np.concatenate([np.full((2, 1024), v, np.uint8) for v in (5, 6, 7)], 1)
    np.savez(tmp_path / "val_data.npz", data=planes, labels=[1, 1000])
    data = datasets.load("imagenet32", str(tmp_path))
    assert [len(s.x) for s in (data.train, data.valid, data.test)] == [27, 3, 2]
    assert data.test.x[1, 9, 9].tolist() == [5, 6, 7] and data.test.label.tolist() == [0, 999]
    np.savez(tmp_path / "val_data.npz", data=planes[:, :-1], labels=[1, 1000])
    with pytest.raises(UserError, match=r"'data' must be uint8 \[N, 3072\], got uint8 \[2, 3071\]"):
        datasets.load("imagenet32", str(tmp_path))
    (tmp_path / "val_data.npz").write_bytes(b"PK not a zip")
    with pytest.raises(UserError, match="val_data.npz is truncated or corrupt"):
        datasets.load("imagenet32", str(tmp_path))


def test_sheets_are_cut_row_by_row(tmp_path):
    sheet = np.zeros((4, 6, 3), np.uint8)
    sheet[0:2, 2:4] = 1
    sheet[2:4, 4:6] = 5
    Image.fromarray(sheet).save(tmp_path / "s.png")
    cut = files.sheet(str(tmp_path / "s.png"), 2)
    assert cut.shape == (6, 2, 2, 3) and cut[:, 0, 0, 0].tolist() == [0, 1, 0, 0, 0, 5]


def test_unknown_names_list_the_near_ones():
    with pytest.raises(UserError, match="did you mean mnist"):
        datasets.load("mnits")


def _extent(mask):
    """(first, last) place along each axis of what is white."""
    lines = [np.flatnonzero(mask.any(axis)) for axis in (1, 0)]
    return [(line[0], line[-1]) for line in lines]


@pytest.mark.parametrize(("name", "number", "corner"), [("squares", 300, 0), ("sprites", 3840, 8)])
def test_sprites_are_what_their_factors_say(name, number, corner):
    """All combinations once, all images different; place and size read off the image itself."""
    data = datasets.load(name)
    x, factors = data.train.x[..., 0], data.train.factors
    assert len(x) == len(np.unique(x.reshape(len(x), -1), axis=0)) == number
    assert len(np.unique(factors, axis=0)) == np.prod(factors.max(0) + 1) == number
    assert data.image_shape == datasets.form(name)[0] and set(np.unique(x)) == {0.0, 1.0}
    for image, (*shape, size, row, column) in zip(x[::7], factors[::7]):
        (top, bottom), (left, right) = _extent(image)
        side = 2 * (size + (3 if shape else 1)) + 1
        assert bottom - top + 1 == right - left + 1 == side
        place = ((top + bottom) // 2, (left + right) // 2) if shape else (top, left)
        assert place == (row + corner, column + corner)
        filled = image.sum() / side**2
        assert {0: filled == 1, 1: 0.5 <= filled < 0.6, 2: 0.3 < filled < 0.7}[(shape or [0])[0]]


def test_inverted_squares_are_squares_twice():
    plain, both = datasets.load("squares").train, datasets.load("inverted_squares").train
    first, second = both.x[:300], both.x[300:]
    np.testing.assert_array_equal(first, plain.x)
    np.testing.assert_array_equal(first + second, 1.0)
    assert both.label is not None and both.factors is not None and plain.factors is not None
    np.testing.assert_array_equal(both.label, both.factors[:, 0])
    np.testing.assert_array_equal(both.label, np.arange(600) >= 300)
    np.testing.assert_array_equal(both.factors[300:, 1:], plain.factors)


def test_a_pixel_of_an_ellipsoid_golden():
    """A = diag(4, 1, 1), u = (0.25, 0.5), light from the viewer: depth sqrt(1/2), 0.2 + 0.8 * 0.53452248."""
    places = np.array([[0.25, 0.5], [0.6, 0.0]])
    depth, bright = ellipsoids.shaded(np.diag([4.0, 1.0, 1.0]), places, (0.0, 0.0, 1.0))
    np.testing.assert_allclose([depth[0], bright[0]], [0.70710678, 0.62761799], atol=1e-8)
    assert depth[1] == -np.inf and bright[1] == 0.0


def test_ellipsoids_turn_and_are_lit_as_their_factors_say():
    data = datasets.load("ellipsoids")
    x, factors = data.train.x[..., 0].astype(float), data.train.factors
    assert len(np.unique(x.reshape(len(x), -1), axis=0)) == len(x) == 12 * 5 * 7 * 10
    assert len(np.unique(factors, axis=0)) == len(x) and data.kind == "grey8"
    # a light from the left and one from the right, over all poses: the brighter half changes sides
    sides = x[:, :, 16:].sum((1, 2)) - x[:, :, :16].sum((1, 2))
    means = [sides[factors[:, 2] == light].mean() for light in range(7)]
    assert means[0] < -100 and means[-1] > 100 and np.all(np.diff(means[1:-1]) > 0)
    # a turn about the upright axis moves no row's reach; the light moves no outline
    by = {tuple(f): image for f, image in zip(factors, x)}
    for shape in range(10):
        outlines = [by[3, 2, light, shape] > 0 for light in range(7)]
        assert all((outlines[0] == other).all() for other in outlines)
        rows = [(by[azimuth, 2, 3, shape] > 0).any(1) for azimuth in (0, 5, 11)]
        assert all(abs(int(rows[0].sum()) - int(other.sum())) <= 1 for other in rows)


def _dsprites(path, number=40, **other):
    rng = np.random.default_rng(0)
    held = {
        "imgs": rng.integers(0, 2, (number, 64, 64), dtype=np.uint8),
        "latents_classes": rng.integers(0, 3, (number, 6)),
    }
    path.mkdir(parents=True, exist_ok=True)
    np.savez(path / "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz", **held | other)
    return held


def test_dsprites_has_its_images_and_the_factors_that_vary(tmp_path):
    held = _dsprites(tmp_path / "dsprites")
    data = datasets.load("dsprites", str(tmp_path))
    np.testing.assert_array_equal(data.train.x[..., 0], held["imgs"])
    np.testing.assert_array_equal(data.train.factors, held["latents_classes"][:, 1:])
    rows = [np.flatnonzero((held["imgs"] == x[..., 0]).all((1, 2)))[0] for x in data.test.x]
    np.testing.assert_array_equal(held["latents_classes"][rows, 1:], data.test.factors)
    assert data.kind == "binary_fixed" and data.image_shape == datasets.form("dsprites")[0]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"imgs": np.zeros((5, 32, 32), np.uint8)}, r"'imgs' must be uint8 \[N, 64, 64\]"),
        ({"imgs": np.full((5, 64, 64), 7, np.uint8)}, "from 0 to 1, got uint8 .* from 7 to 7"),
        (
            {"latents_classes": np.zeros((4, 6))},
            r"'latents_classes' must be whole numbers \[40, 6\].*, got float64 \[4, 6\]",
        ),
    ],
)
def test_a_wrong_dsprites_file_is_refused(tmp_path, other, says):
    _dsprites(tmp_path, **other)
    with pytest.raises(UserError, match=says):
        datasets.load("dsprites", str(tmp_path))


def test_dsprites_must_be_given(tmp_path):
    with pytest.raises(UserError, match="must be given with --data_dir: dsprites_ndarray"):
        datasets.load("dsprites")
    with pytest.raises(UserError, match="dataset 'dsprites': no dsprites_ndarray"):
        datasets.load("dsprites", str(tmp_path))


def _data(name="mnist", kind="grey8", x=None, **other):
    x = np.zeros((4, 2, 2, 1), np.uint8) if x is None else x
    good = Split(np.zeros((4, 2, 2, 1), np.uint8), np.arange(4))
    return Data(name, good, good._replace(x=x, **other), good, kind, "", "", {})


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("the valid split holds no example", {"x": np.zeros((0, 2, 2, 1), np.uint8)}),
        (r"its labels must be whole numbers \[4\] from 0 to 9, .* to 10$", {"label": [0, 1, 2, 10]}),
        (r"its labels must be .* from -1 to 2$", {"label": [0, 1, 2, -1]}),
        (r"its labels must be .* from nan to nan$", {"label": [0, 1, np.nan, 2]}),
        (r"its labels must be .* with fractions$", {"label": [0, 1, 0.5, 2]}),
        (r"its labels must be .* got int64 \[3\]$", {"label": [0, 1, 2]}),
        (r"its conditions must be .* from 0 to 5, .* from 0 to 6$", {"name": "fsdd", "told": [0, 1, 2, 6]}),
        (r"its factors must be .* from nan to nan$", {"factors": np.full((4, 2), np.nan)}),
        (r"split must be finite .* to inf$", {"kind": "real", "x": np.full((4, 2, 2, 1), np.inf)}),
        (r"from 0 to 1, got float64 .* to 2", {"kind": "binary_dynamic", "x": np.full((4, 2, 2, 1), 2.0)}),
    ],
)  # fmt: skip
def test_what_is_read_is_looked_at_whatever_read_it(said, wrong):
    wrong = {k: np.asarray(v) if isinstance(v, list) else v for k, v in wrong.items()}
    with pytest.raises(UserError, match=rf"the valid split.*{said}|{said}"):
        checked(_data(**wrong))
    good = _data()
    assert checked(good) is good


@pytest.mark.parametrize(
    ("sizes", "batch_size", "says"),
    [
        ((4, 1, 2), 4, "the valid split must hold 2 examples or more to be measured, got 1"),
        ((4, 2, 1), 4, "the test split must hold 2 examples or more to be measured, got 1"),
        (
            (4, 2, 2),
            5,
            "--batch_size must be at most the 4 examples that 'x' has to train on, got 5",
        ),
        ((4, 2, 2), 4, None),
    ],
)
def test_too_few_examples_are_said_before_training(sizes, batch_size, says):
    data = Data("x", *(Split(np.zeros((n, 1)), None) for n in sizes), "real", "", "", {})
    if says is None:
        return refuse_too_few(data, batch_size)
    with pytest.raises(UserError, match=says):
        refuse_too_few(data, batch_size)


@pytest.mark.parametrize(
    "name", ["digits", "gaussian", "squares", "diabetes", "pydoc", "mixmarkov", "synthetic_small"]
)
def test_a_folder_that_nothing_would_read_is_refused(name):
    load = text.load if name in text.NAMES else datasets.load
    load = diabetes.load if name == "diabetes" else load
    with pytest.raises(
        UserError, match=f"'{name}' is read from no files: data_dir must be left out"
    ):
        load(name, "/somewhere")


def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(tmp_path, monkeypatch):
    _mnist(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TFVAE_CACHE", str(tmp_path / "file"))
    said = rf"cannot keep the prepared data in {tmp_path}/file.*TFVAE_CACHE$"
    with pytest.raises(UserError, match=said) as caught:
        datasets.load("mnist", str(tmp_path))
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=rf"in {tmp_path}/file/downloads.*TFVAE_CACHE$"):
        datasets.load("mnist")


def test_a_folder_that_may_not_be_looked_into_is_named(tmp_path, monkeypatch):
    _mnist(tmp_path / "mnist")
    monkeypatch.setattr(os, "access", lambda path, mode: not path.endswith("mnist"))
    with pytest.raises(UserError, match=rf"cannot read {tmp_path}/mnist: Permission denied"):
        datasets.load("mnist", str(tmp_path))
