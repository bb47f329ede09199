"""Tiny valid files of every reader, and what may become of a file: the rows of files of test_bad_input.py.

A reader is (what writes its folder, what reads it). A row names a reader, one of its files, and what
becomes of that file.
"""

import gzip
import io
import json
import os
import pathlib
import shutil
import struct
import tarfile
import tempfile
import wave
import zipfile
import zlib

import numpy as np
import scipy.io
from PIL import Image

from tests import models
from tests.zoo import spoken
from tests.zoo.test_datasets import _idx
from tests.zoo.test_migration import older
from tfvae import examination
from tfvae.training import RunDirectory, reading
from zoo import datasets, modalities
from zoo.command import plan
from zoo.datasets import fsdd, text

RNG = np.random.default_rng(0)


def _bytes(*shape, high=256):
    return RNG.integers(0, high, shape, dtype=np.uint8)


def table(header="age,job,label", rows=12, **other):
    """A .csv; `other` is {line from 2 on: what stands there}, as `l5="..."`."""
    kept = [header, *(f"{i % 7 + 0.5},{('cook', 'smith')[i % 2]},{i % 3}" for i in range(rows))]
    for line, cells in other.items():
        kept[int(line[1:]) - 1] = cells
    return "".join(f"{row}\n" for row in kept).encode()


def npz(**held):
    stream = io.BytesIO()
    np.savez(stream, **held)
    return stream.getvalue()


def npy(value):
    stream = io.BytesIO()
    np.save(stream, value, allow_pickle=True)
    return stream.getvalue()


def keras_file(model):
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model.keras")
        return pathlib.Path(folder, "model.keras").read_bytes()


def mat(**held):
    stream = io.BytesIO()
    scipy.io.savemat(stream, held)
    return stream.getvalue()


def tar(**files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, raw in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return stream.getvalue()


def png(height=64, width=64):
    stream = io.BytesIO()
    Image.fromarray(_bytes(height, width, 3)).save(stream, "PNG")
    return stream.getvalue()


def picture(mode="RGB", height=6, width=5, level=None):
    """A PNG of one's own."""
    stream, channels = io.BytesIO(), (3,) if mode == "RGB" else ()
    shape, bits = (height, width, *channels), np.uint16 if mode == "I;16" else np.uint8
    x = _bytes(*shape) if level is None else np.full(shape, level)
    Image.fromarray(x.astype(bits)).save(stream, "PNG")
    return stream.getvalue()


def bomb(side=100_000):
    """A few bytes that say they are 10^10 pixels."""
    raw = png()
    head = b"IHDR" + struct.pack(">II", side, side) + raw[24:29]
    return raw[:12] + head + struct.pack(">I", zlib.crc32(head)) + raw[33:]


def wav(frames=b"\1\2" * 300, channels=1, width=2, rate=fsdd.RATE):
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(width)
        sound.setframerate(rate)
        sound.writeframes(frames)
    return stream.getvalue()


def zipped(**files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, raw in files.items():
            archive.writestr(f"{name}.wav", raw)
    return stream.getvalue()


def lines(*rows):
    return "".join(f"{row}\n" for row in rows).encode()


# ------------------------------------------------------------------ valid files

_ROWS = {f"data_batch_{i}": bytes([i]) + _bytes(3072).tobytes() for i in range(1, 6)}
_ROWS["test_batch"] = bytes([7]) + _bytes(3072).tobytes()
_SHAPES = {"imgs": _bytes(4, 64, 64, high=2), "latents_classes": np.arange(24).reshape(4, 6)}
_CONFIG = {**older("model:vae"), "vocabulary": text.load("mixmarkov").vocabulary.digest()}
_CARD = {"title": "vae", "command": "python train_main.py", "beta": 1.0, "rate_weight": None}
_CHARACTERS = {
    "train_x": _bytes(10, 28, 28),
    "train_character": np.arange(10),
    "test_x": _bytes(4, 28, 28),
    "test_character": np.arange(4),
}
_DRAWINGS = {
    "data": RNG.random((784, 10)),
    "targetchar": np.arange(10.0)[None],
    "testdata": RNG.random((784, 4)),
    "testtargetchar": np.arange(4.0)[None],
}
_IMAGES, _LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"

# reader: {file: content}
FILES = {
    "mnist": {
        _IMAGES: _idx(_bytes(12, 28, 28)),
        _LABELS: _idx(_bytes(12, high=10)),
        "t10k-images-idx3-ubyte": _idx(_bytes(4, 28, 28)),
        "t10k-labels-idx1-ubyte": _idx(_bytes(4, high=10)),
    },
    "mnist_fixed": {
        "binarized_mnist.npz": npz(
            **{f"{s}_bits": _bytes(3, 98) for s in ("train", "valid", "test")}
        )
    },
    "mnist_fixed text": {
        f"binarized_mnist_{s}.amat": lines(*(" ".join("01" * 392) for _ in range(3)))
        for s in ("train", "valid", "test")
    },
    "omniglot": {"omniglot28.npz": npz(**_CHARACTERS)},
    "omniglot mat": {"chardata.mat": mat(**_DRAWINGS)},
    "cifar10": {"cifar-10-binary.tar.gz": tar(**_ROWS)},
    "cifar10 batches": {f"{name}.bin": raw for name, raw in _ROWS.items()},
    "cifar10 sheets": {
        "train_0.png": png(),
        "test_0.png": png(32, 64),
        "labels.npz": npz(train_label=np.arange(4), test_label=np.arange(2)),
    },
    "dsprites": {"dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz": npz(**_SHAPES)},
    "imagenet32": {
        name: npz(data=_bytes(2, 3072), labels=[1, 1000])
        for name in (*(f"train_data_batch_{i}.npz" for i in range(1, 11)), "val_data.npz")
    },
    "ptb": {f"ptb.{s}.txt": lines("a b <unk>", "b c") for s in ("train", "valid", "test")},
    "yelp": {f"yelp.{s}.txt": lines("0\ta b", "4\tb") for s in ("train", "valid", "test")},
    "snli": {
        f"snli.{s}.txt.gz": gzip.compress(lines("a b", "c")) for s in ("train", "valid", "test")
    },
    "text": {"mine.txt": lines(*(f"a b c{i % 3}" for i in range(20)))},
    "images": {f"{i:02d}.png": picture() for i in range(12)},
    "arrays": {"x.npz": npz(x=_bytes(12, 6, 5), label=np.arange(12), factors=_bytes(12, 3))},
    "arrays parts": {
        f"{s}.npz": npz(x=_bytes(3, 6, 5), label=np.arange(3)) for s in ("train", "valid", "test")
    },
    "table": {"x.csv": table()},
    "table parts": {f"{s}.csv": table(rows=4) for s in ("train", "valid", "test")},
    "sound": {f"{i}.wav": wav(bytes([i, 1]) * 300) for i in range(12)},
    "text csv": {"mine.csv": lines("text,label", *(f"a b{i},{i % 2}" for i in range(20)))},
    "npy": {"x.npy": npy(np.zeros((4, 8, 8, 1), np.float32))},
    "npz": {"x.npz": npz(x=np.zeros((4, 8, 8, 1)), label=np.arange(4))},
    "config": {"config.json": json.dumps(_CONFIG).encode()},
    "card": {
        "config.json": b"{}",
        "report.json": b'{"verdict": "healthy"}',
        "model.keras": keras_file(models.plain()),
        "examples.npz": npz(x=models.images(4)),
        "card.json": json.dumps(_CARD).encode(),
    },
    "vocabulary": {
        "config.json": json.dumps(_CONFIG).encode(),
        "vocabulary.txt": text.load("mixmarkov").vocabulary.to_text().encode(),
    },
}


def write(reader, folder):
    """Its valid files."""
    folder.mkdir()
    if reader == "fsdd":
        spoken.zipped(folder)
    for name, content in FILES.get(reader, {}).items():
        (folder / name).write_bytes(content)


def read(reader, folder):
    """What the project makes of the folder."""
    name, place = reader.split()[0], str(folder)
    if name in ("npy", "npz"):
        return reading.data(os.path.join(place, f"x.{name}"))
    if name == "config":
        return RunDirectory.config_of(place, plan.current)
    if name == "card":
        return examination.read(place)
    if name == "vocabulary":
        return modalities.of("pydoc").words(place)
    if name == "fsdd":
        return modalities.of("fsdd").load("fsdd", place, {"data": SETTINGS})
    if reader in ("arrays", "table"):
        place = os.path.join(place, {"arrays": "x.npz", "table": "x.csv"}[reader])
    if name == "table":
        return modalities.of("table").load("table", place, {"data": SETTINGS})
    if name == "sound":
        return modalities.of("sound").load("sound", place, {"data": SETTINGS})
    if reader == "text csv":
        place = os.path.join(place, "mine.csv")
    return (text if name in text.NAMES else datasets).load(name, place)


class SETTINGS:
    """Of speech and of tables."""

    max_samples = 640

    @staticmethod
    def columns():
        return {"label_column": None}


# ------------------------------------------------------------------ what becomes of a file


def _folder(path):
    path.unlink()
    path.mkdir()


def _to_nowhere(path):
    path.unlink()
    path.symlink_to(path.with_name("gone"))


def _without(path):
    path.unlink()


_NOISE = np.random.default_rng(1).integers(128, 256, 400, dtype=np.uint8).tobytes()
_OF_ANY = {
    "empty": lambda path: path.write_bytes(b""),
    "noise": lambda path: path.write_bytes(_NOISE),
    "a folder": _folder,
    "a link to nowhere": _to_nowhere,
    "not there": _without,
    "half a gz": lambda path: path.write_bytes(gzip.compress(_NOISE)[:100]),
}
_OF_BINARIES = {
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "but for a byte": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "text": lambda path: path.write_bytes(b"what is this?\n"),
    "an empty zip": lambda path: path.write_bytes(zipped()),
}
_FIRST = {  # reader: the files that are damaged
    **{reader: list(files)[-1:] for reader, files in FILES.items()},
    "mnist": [_IMAGES, _LABELS],
    "cifar10 sheets": ["train_0.png", "labels.npz"],
    "fsdd": ["recordings.zip"],
}
# where what is left is a file all the same, or a byte less is not missed
_HARMLESS = {
    ("mnist_fixed text", "but for a byte"),
    ("cifar10", "but for a byte"),
    ("cifar10 sheets", "but for a byte"),
    ("snli", "text"),
    ("images", "not there"),  # one of many
    ("images", "but for a byte"),
    ("sound", "not there"),
    ("config", "not there"),
}
_TEXTS = ("ptb", "yelp", "text", "vocabulary", "table", "table parts", "text csv")


def _damages():
    for reader, names in _FIRST.items():
        kinds = _OF_ANY if reader in _TEXTS else _OF_ANY | _OF_BINARIES
        for name in names:
            for said, damage in kinds.items():
                if (reader, said) not in _HARMLESS:
                    yield reader, name, said, damage


def _content(raw):
    return lambda path: path.write_bytes(raw)


def _shifted(**other):
    return _content(npz(**(_CHARACTERS | other)))


def _drawn(**other):
    return _content(mat(**(_DRAWINGS | other)))


def _factors(**other):
    return _content(npz(**(_SHAPES | other)))


def _header(*sizes):
    return bytes((0, 0, 8, len(sizes))) + b"".join(n.to_bytes(4, "big") for n in sizes)


def _archive(**other):
    return _content(tar(**(_ROWS | other)))


def _bits(value):
    return _content(npz(train_bits=value, valid_bits=_bytes(3, 98), test_bits=_bytes(3, 98)))


def _fixed_labels(train, test=(0, 1)):
    return _content(npz(train_label=train, test_label=test))


def _config(**other):
    return _content(json.dumps(_CONFIG | other).encode())


def _card(**other):
    return _content(json.dumps(_CARD | other).encode())


def _recording(name="0_theo_1", **other):
    """Beside valid ones: a bad one must not pass because there are good ones."""
    return _content(zipped(**{"0_theo_9": wav(), name: wav(**other)}))


def _beside(content, *names):
    """Further files in the folder."""

    def write(path):
        for name in names:
            (path.parent / name).parent.mkdir(exist_ok=True)
            (path.parent / name).write_bytes(content)

    return write


def _fewer(number):
    def remove(path):
        for each in sorted(path.parent.iterdir())[:number]:
            each.unlink()

    return remove


def _same(path):
    for each in path.parent.iterdir():
        each.write_bytes(picture(level=7))


_NAN, _TEXT = np.full(10, np.nan), np.array(["a"] * 10)
_DSPRITES = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
_NETS = "train_data_batch_3.npz"


def _pictures(data=None, labels=(1, 1000)):
    return _content(npz(data=_bytes(2, 3072) if data is None else data, labels=labels))


# (reader, file, what it holds, how it comes to hold that)
WRONG = [
    ("mnist", _IMAGES, "sizes beyond int64", _content(_header(2**32 - 1, 2**32 - 1, 2**32 - 1))),
    ("mnist", _IMAGES, "sizes whose product is 0 mod 2^64", _content(_header(2**31, 2**31, 4))),
    ("mnist", _IMAGES, "no images", _content(_header(0, 28, 28))),
    ("mnist", _IMAGES, "images of no width", _content(_header(12, 28, 0))),
    ("mnist", _IMAGES, "labels", _content(_idx(_bytes(12, high=10)))),
    ("mnist", _IMAGES, "images of 27 x 27", _content(_idx(_bytes(12, 27, 27)))),
    ("mnist", _LABELS, "too few labels", _content(_idx(_bytes(11, high=10)))),
    ("mnist", _LABELS, "a label of 10", _content(_idx(np.full(12, 10, np.uint8)))),
    ("mnist", "t10k-labels-idx1-ubyte", "a label of 255", _content(_idx(np.full(4, 255, np.uint8)))),
    ("mnist_fixed", "binarized_mnist.npz", "floats", _bits(np.zeros((3, 98)))),
    ("mnist_fixed", "binarized_mnist.npz", "one axis", _bits(_bytes(98))),
    ("mnist_fixed", "binarized_mnist.npz", "no rows", _bits(_bytes(0, 98))),
    ("mnist_fixed", "binarized_mnist.npz", "rows of 97", _bits(_bytes(3, 97))),
    ("mnist_fixed", "binarized_mnist.npz", "objects", _bits(np.array([[{}]] * 3))),
    ("mnist_fixed", "binarized_mnist.npz", "other names", _content(npz(x=_bytes(3, 98)))),
    ("mnist_fixed text", "binarized_mnist_test.amat", "no bits", _content(b"2 3 4\n")),
    ("omniglot", "omniglot28.npz", "text labels", _shifted(train_character=_TEXT)),
    ("omniglot", "omniglot28.npz", "labels that are NaN", _shifted(train_character=_NAN)),
    ("omniglot", "omniglot28.npz", "labels below 0", _shifted(train_character=-np.arange(10))),
    ("omniglot", "omniglot28.npz", "labels and a half", _shifted(train_character=np.arange(10) / 2)),
    ("omniglot", "omniglot28.npz", "labels of 2^40", _shifted(train_character=np.arange(10) + 2**40)),
    ("omniglot", "omniglot28.npz", "too few labels", _shifted(test_character=np.arange(3))),
    ("omniglot", "omniglot28.npz", "two axes", _shifted(train_x=_bytes(10, 784))),
    ("omniglot", "omniglot28.npz", "floats", _shifted(test_x=np.zeros((4, 28, 28)))),
    ("omniglot", "omniglot28.npz", "no test", _shifted(test_x=_bytes(0, 28, 28))),
    ("omniglot mat", "chardata.mat", "labels that are NaN", _drawn(targetchar=_NAN[None])),
    ("omniglot mat", "chardata.mat", "text labels", _drawn(targetchar=_TEXT)),
    ("omniglot mat", "chardata.mat", "too few labels", _drawn(testtargetchar=np.arange(3.0))),
    ("omniglot mat", "chardata.mat", "no columns", _drawn(data=np.zeros((784, 0)))),
    ("omniglot mat", "chardata.mat", "other rows", _drawn(testdata=np.zeros((783, 4)))),
    ("omniglot mat", "chardata.mat", "grey levels to 255", _drawn(data=np.full((784, 10), 255.0))),
    ("omniglot mat", "chardata.mat", "NaN", _drawn(data=np.full((784, 10), np.nan))),
    ("omniglot mat", "chardata.mat", "text", _drawn(data="images")),
    ("omniglot mat", "chardata.mat", "a struct", _drawn(data={"a": 1.0})),
    ("omniglot mat", "chardata.mat", "complex numbers", _drawn(data=np.zeros((784, 10), complex))),
    ("omniglot mat", "chardata.mat", "other names", _content(mat(x=np.zeros(3)))),
    ("cifar10", "cifar-10-binary.tar.gz", "a batch less", _content(tar(data_batch_1=b"x"))),
    ("cifar10", "cifar-10-binary.tar.gz", "an empty batch", _archive(test_batch=b"")),
    ("cifar10", "cifar-10-binary.tar.gz", "a byte more", _archive(data_batch_2=_bytes(3074).tobytes())),
    ("cifar10", "cifar-10-binary.tar.gz", "a label of 10", _archive(test_batch=bytes([10]) * 3073)),
    ("cifar10 batches", "data_batch_4.bin", "a label of 255", _content(bytes([255]) * 3073)),
    ("cifar10 sheets", "labels.npz", "text labels", _fixed_labels(np.array(list("abcd")))),
    ("cifar10 sheets", "labels.npz", "a label of 10", _fixed_labels([0, 1, 2, 10])),
    ("cifar10 sheets", "labels.npz", "labels of tenths", _fixed_labels([0.1, 1.0, 2.0, 3.0])),
    ("cifar10 sheets", "labels.npz", "too few labels", _fixed_labels([0, 1, 2, 3], [0])),
    ("cifar10 sheets", "labels.npz", "a column of labels", _fixed_labels([[0], [1], [2], [3]])),
    ("cifar10 sheets", "train_0.png", "no rows of 32", _content(png(33, 64))),
    ("cifar10 sheets", "train_0.png", "10^10 pixels", _content(bomb())),
    ("cifar10 sheets", "test_0.png", "less than a row", _content(png(16, 64))),
    ("dsprites", _DSPRITES, "no image", _factors(imgs=_bytes(0, 64, 64), latents_classes=np.zeros((0, 6)))),
    ("dsprites", _DSPRITES, "factors that are NaN", _factors(latents_classes=np.full((4, 6), np.nan))),
    ("dsprites", _DSPRITES, "text factors", _factors(latents_classes=np.full((4, 6), "a"))),
    ("dsprites", _DSPRITES, "factors below 0", _factors(latents_classes=-np.arange(24).reshape(4, 6))),
    ("dsprites", _DSPRITES, "five factors", _factors(latents_classes=np.zeros((4, 5)))),
    ("dsprites", _DSPRITES, "nothing that varies", _factors(latents_classes=np.zeros((4, 6)))),
    ("dsprites", _DSPRITES, "grey levels", _factors(imgs=_bytes(4, 64, 64) + 2)),
    ("imagenet32", _NETS, "no image", _pictures(_bytes(0, 3072), [])),
    ("imagenet32", _NETS, "labels that are NaN", _pictures(labels=[np.nan, 1.0])),
    ("imagenet32", _NETS, "a label of 0", _pictures(labels=[0, 1])),
    ("imagenet32", _NETS, "a label of 1001", _pictures(labels=[1, 1001])),
    ("imagenet32", _NETS, "too few labels", _pictures(labels=[1])),
    ("imagenet32", _NETS, "text labels", _pictures(labels=["1", "2"])),
    ("imagenet32", _NETS, "floats", _pictures(np.zeros((2, 3072)))),
    ("imagenet32", _NETS, "one axis", _pictures(_bytes(3072), [1])),
    ("imagenet32", _NETS, "labels of 2^63", _pictures(labels=np.array([1, 2**63], np.uint64))),
    ("fsdd", "recordings.zip", "no .wav", _content(zipped())),
    ("fsdd", "recordings.zip", "an odd number of bytes", _recording(frames=b"\1\2" * 300 + b"\3", width=1)),
    ("fsdd", "recordings.zip", "another rate", _recording(rate=16000)),
    ("fsdd", "recordings.zip", "bytes", _recording(width=1)),
    ("fsdd", "recordings.zip", "two channels", _recording(channels=2)),
    ("fsdd", "recordings.zip", "silence", _recording(frames=b"\0\0" * 300)),
    ("fsdd", "recordings.zip", "no samples", _recording(frames=b"")),
    ("fsdd", "recordings.zip", "another speaker", _recording("0_nobody_1")),
    ("fsdd", "recordings.zip", "a number of 30 digits", _recording(f"0_theo_{'9' * 30}")),
    ("fsdd", "recordings.zip", "a sound cut short", _content(zipped(**{"0_theo_1": wav()[:20]}))),
    ("fsdd", "recordings.zip", "half a sample", _content(zipped(**{"0_theo_1": wav()[:-1]}))),
    ("fsdd", "recordings.zip", "test alone", _content(zipped(**{"0_theo_1": wav()}))),
    ("ptb", "ptb.valid.txt", "empty lines", _content(b"\n \n\n")),
    ("ptb", "ptb.valid.txt", "a byte 0", _content(b"a\0b\n")),
    ("yelp", "yelp.test.txt", "a label of 23 digits", _content(lines("1\ta", "9" * 23 + "\tb"))),
    ("yelp", "yelp.test.txt", "a label of 5000 digits", _content(lines("1\ta", "9" * 5000 + "\tb"))),
    ("yelp", "yelp.test.txt", "a label of 5", _content(lines("1\ta", "5\tb"))),
    ("yelp", "yelp.test.txt", "a label below 0", _content(lines("1\ta", "-1\tb"))),
    ("yelp", "yelp.test.txt", "a label with a point", _content(lines("1\ta", "1.5\tb"))),
    ("yelp", "yelp.test.txt", "a line without label", _content(lines("1\ta", "b c"))),
    ("yelp", "yelp.test.txt", "no labels", _content(lines("a", "b c"))),
    ("snli", "snli.valid.txt.gz", "nothing, packed", _content(gzip.compress(b""))),
    ("snli", "snli.valid.txt.gz", "bytes, packed", _content(gzip.compress(_NOISE))),
    ("text", "mine.txt", "nine lines", _content(lines(*"abcdefghi"))),
    ("text", "mine.txt", "UTF-16", _content("\n".join("abcdefghijkl").encode("utf-16"))),
    ("text", "mine.txt", "a reserved word", _content(lines(*["a <s> b"] * 12))),
    ("images", "00.png", "another size", _content(picture(height=7))),
    ("images", "00.png", "grey among colours", _content(picture("L"))),
    ("images", "00.png", "16 bits", _content(picture("I;16"))),
    ("images", "00.png", "10^10 pixels", _content(bomb())),
    ("images", "00.png", "a folder of its own", _beside(picture(), "label/a.png")),
    ("images", "00.png", "nine images", _fewer(3)),
    ("images", "00.png", "all the same", _same),
    ("images", "00.png", "train and no test", _beside(picture(), "train/a.png", "valid/a.png")),
    ("images", "00.png", "no image", _fewer(12)),
    ("arrays", "x.npz", "no x", _content(npz(y=np.zeros(12)))),
    ("arrays", "x.npz", "one axis", _content(npz(x=np.arange(12.0)))),
    ("arrays", "x.npz", "five axes", _content(npz(x=np.zeros((12, 1, 1, 1, 1))))),
    ("arrays", "x.npz", "NaN", _content(npz(x=np.full((12, 4), np.nan)))),
    ("arrays", "x.npz", "levels above 255", _content(npz(x=np.arange(48).reshape(12, 4) * 9))),
    ("arrays", "x.npz", "levels below 0", _content(npz(x=-np.arange(48).reshape(12, 4)))),
    ("arrays", "x.npz", "two channels of levels", _content(npz(x=_bytes(12, 4, 4, 2)))),
    ("arrays", "x.npz", "floats beyond float32", _content(npz(x=np.arange(48.0).reshape(12, 4) * 1e38))),
    ("arrays", "x.npz", "one number everywhere", _content(npz(x=np.full((12, 4), 3.0)))),
    ("arrays", "x.npz", "nine rows", _content(npz(x=_bytes(9, 4)))),
    ("arrays", "x.npz", "too few labels", _content(npz(x=_bytes(12, 4), label=np.arange(11)))),
    ("arrays", "x.npz", "a column of labels", _content(npz(x=_bytes(12, 4), label=np.zeros((12, 1))))),
    ("arrays", "x.npz", "labels of tenths", _content(npz(x=_bytes(12, 4), label=np.arange(12) / 10))),
    ("arrays", "x.npz", "text labels", _content(npz(x=_bytes(12, 4), label=["a"] * 12))),
    ("arrays", "x.npz", "a row of factors", _content(npz(x=_bytes(12, 4), factors=np.arange(12)))),
    ("sound", "0.wav", "another rate", _content(wav(rate=16000))),
    ("sound", "0.wav", "silence", _content(wav(b"\0\0" * 300))),
    ("sound", "0.wav", "no samples", _content(wav(b""))),
    ("sound", "0.wav", "half a sample", _content(wav()[:-1])),
    ("sound", "0.wav", "floats", _content(wav().replace(b"\1\0\1\0", b"\3\0\1\0"))),
    ("sound", "0.wav", "nine recordings", _fewer(3)),
    ("text csv", "mine.csv", "no names", _content(lines(*"123456789012"))),
    ("text csv", "mine.csv", "an empty cell", _content(lines("text,label", *["a,1"] * 12, ",1"))),
    ("text csv", "mine.csv", "nine rows", _content(lines("text", *"abcdefghi"))),
    ("text csv", "mine.csv", "a reserved word", _content(lines("text", *["a <s> b"] * 12))),
    ("text csv", "mine.csv", "no text among two", _content(lines("a,b", *["x,y"] * 12))),
    ("table", "x.csv", "no rows", _content(table(rows=0))),
    ("table", "x.csv", "nine rows", _content(table(rows=9))),
    ("table", "x.csv", "no names", _content(table("1,2,3"))),
    ("table", "x.csv", "a name twice", _content(table("age,age,label"))),
    ("table", "x.csv", "a column without a name", _content(table("age,,label"))),
    ("table", "x.csv", "a word among numbers", _content(table(l5="old,cook,1"))),
    ("table", "x.csv", "an infinity", _content(table(l5="inf,cook,1"))),
    ("table", "x.csv", "a missing number", _content(table(l5=",cook,1"))),
    ("table", "x.csv", "a missing kind", _content(table(l5="2,?,1"))),
    ("table", "x.csv", "a row of two cells", _content(table(l5="2,cook"))),
    ("table", "x.csv", "a row of four cells", _content(table(l5="2,cook,1,1"))),
    ("table", "x.csv", "an open quotation", _content(table(l5='2,"cook,1'))),
    ("table", "x.csv", "a constant number", _content(lines("a,b", *(f"3,{i}" for i in range(12))))),
    ("table", "x.csv", "a constant word", _content(lines("a,b", *(f"x,{i}" for i in range(12))))),
    ("table", "x.csv", "numbers of 10^200", _content(lines("a", *(f"{i}e200" for i in range(12))))),
    ("table", "x.csv", "as many words as rows", _content(lines("a,b", *(f"w{i},{i}" for i in range(120))))),
    ("table", "x.csv", "a label and nothing else", _content(lines("label", *("01" * 6)))),
    ("table", "x.csv", "UTF-16", _content(table().decode().encode("utf-16"))),
    ("table parts", "test.csv", "other columns", _content(table("age,work,label", 4))),
    ("table parts", "test.csv", "no rows in a part", _content(table(rows=0))),
    ("table parts", "test.csv", "a word among numbers, in a part", _content(table(rows=4, l3="old,cook,1"))),
    ("arrays parts", "valid.npz", "another shape", _content(npz(x=_bytes(3, 5, 6), label=np.arange(3)))),
    ("arrays parts", "valid.npz", "no labels, as one of three", _content(npz(x=_bytes(3, 6, 5)))),
    ("arrays parts", "valid.npz", "an empty part", _content(npz(x=_bytes(0, 6, 5), label=[]))),
    ("npy", "x.npy", "no rows", _content(npy(np.zeros((0, 8, 8, 1))))),
    ("npy", "x.npy", "a number", _content(npy(np.float32(3)))),
    ("npy", "x.npy", "words", _content(npy(np.array(["a", "b"])))),
    ("npy", "x.npy", "objects", _content(npy(np.array([{}, []], object)))),
    ("npy", "x.npy", "complex numbers", _content(npy(np.zeros((4, 8, 8, 1), complex)))),
    ("npy", "x.npy", "times", _content(npy(np.zeros(4, "datetime64[s]")))),
    ("npy", "x.npy", "records", _content(npy(np.zeros(4, [("a", int)])))),
    ("npy", "x.npy", "NaN", _content(npy(np.full((4, 8, 8, 1), np.nan)))),
    ("npy", "x.npy", "infinities", _content(npy(np.full((4, 8, 8, 1), np.inf)))),
    ("npy", "x.npy", "10^18 rows", _content(npy(np.zeros(4)).replace(b"(4,), ", b"(1" + b"0" * 18 + b",)"))),
    ("npz", "x.npz", "no x", _content(npz(y=np.zeros(3)))),
    ("npz", "x.npz", "too few labels", _content(npz(x=np.zeros((4, 8)), label=np.arange(3)))),
    ("npz", "x.npz", "text labels", _content(npz(x=np.zeros((2, 8)), label=["a", "b"]))),
    ("npz", "x.npz", "labels of tenths", _content(npz(x=np.zeros((2, 8)), label=[0.1, 1.0]))),
    ("npz", "x.npz", "labels that are NaN", _content(npz(x=np.zeros((2, 8)), label=[np.nan, 1.0]))),
    ("npz", "x.npz", "one label", _content(npz(x=np.zeros((2, 8)), label=1))),
    ("config", "config.json", "a list", _content(b"[]")),
    ("config", "config.json", "null", _content(b"null")),
    ("config", "config.json", "a word", _content(b'"x"')),
    ("config", "config.json", "10^5 brackets", _content(b"[" * 100_000)),
    ("config", "config.json", "10^5 objects", _content(b'{"a":' * 100_000)),
    ("config", "config.json", "a number of 10^4 digits", _content(b'{"seed":' + b"9" * 10_000 + b"}")),
    ("config", "config.json", "no model", _content(b'{"dataset": "digits", "settings": {}}')),
    ("config", "config.json", "settings that are a list", _config(settings=[1])),
    ("config", "config.json", "no settings", _config(settings=None)),
    ("config", "config.json", "an unknown setting", _config(settings={"of_tomorrow": 1})),
    ("config", "config.json", "a setting of another type", _config(settings={"beta": "much"})),
    ("config", "config.json", "a setting that is a list", _config(settings={"beta": [[1], {}]})),
    ("config", "config.json", "another model", _config(model="of_tomorrow")),
    ("config", "config.json", "a model that is a number", _config(model=3)),
    ("config", "config.json", "a model that is a list", _config(model=["vae"])),
    ("config", "config.json", "a data set that is null", _config(dataset=None)),
    ("config", "config.json", "a data set that is an object", _config(dataset={})),
    ("config", "config.json", "steps that are a word", _config(train_steps="many")),
    ("config", "config.json", "a seed below 0", _config(seed=-1)),
    ("config", "config.json", "a size of no kind", _config(size=[1])),
    ("vocabulary", "vocabulary.txt", "a word less", _content(lines("<pad>", "<s>", "</s>", "<unk>", "a"))),
    ("vocabulary", "vocabulary.txt", "no marks", _content(lines("a", "b"))),
    ("card", "card.json", "a list", _content(b"[]")),
    ("card", "card.json", "no title", _content(b'{"command": "x"}')),
    ("card", "card.json", "a title of numbers", _card(title=3)),
    ("card", "card.json", "a command of none", _card(command=None)),
    ("card", "card.json", "a weight that is a word", _card(rate_weight="1")),
    ("card", "card.json", "a weight below 0", _card(rate_weight=-1)),
    ("card", "card.json", "a beta beyond numbers", _card(beta=1e300)),
    ("card", "card.json", "10^5 brackets", _content(b"[" * 100_000)),
    ("card", "examples.npz", "no x", _content(npz(y=np.zeros(3)))),
    ("card", "examples.npz", "words", _content(npz(x=np.array(["a", "b"])))),
    ("card", "examples.npz", "not there", _without),
    ("card", "report.json", "not done", _content(b"{}")),
    ("card", "model.keras", "text", _content(b"a model")),
    ("vocabulary", "config.json", "a list", _content(b"[]")),
    ("vocabulary", "config.json", "no digest", _content(b"{}")),
]  # fmt: skip

ROWS = [*_damages(), *WRONG]
READERS = (*FILES, "fsdd")


def copied(good, reader, to):
    """A folder of valid files of one's own; those of `good` are written once."""
    if not (good / reader).exists():
        write(reader, good / reader)
    return shutil.copytree(good / reader, to / "files")
