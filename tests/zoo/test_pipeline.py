"""The training stream: exactness, resumption, shards, binarisation."""

import numpy as np
import pytest

from zoo.datasets.data import Split
from zoo.datasets.pipeline import evaluation_arrays, training_stream
from zoo.datasets.text_pipeline import training_stream as text_stream


def _numbered(n):
    """Images whose only pixel is their index."""
    return Split(np.arange(n, dtype=np.uint8)[:, None, None, None], None)


def _take(stream, steps):
    return np.stack([next(iterator).numpy() for iterator in [iter(stream)] for _ in range(steps)])


@pytest.mark.parametrize("batch", [5, 6])
def test_each_example_once_an_epoch_whatever_the_batch(batch):
    seen = _take(training_stream(_numbered(20), "grey8", batch, 0), 20).reshape(-1)
    for epoch in range(5 if batch == 5 else 6):
        assert sorted(seen[epoch * 20 : (epoch + 1) * 20]) == list(range(20))
    assert not np.array_equal(seen[:20], seen[20:40])


def test_two_shards_are_the_halves_of_one_stream():
    whole = _take(training_stream(_numbered(23), "grey8", 6, 1), 9)
    halves = [_take(training_stream(_numbered(23), "grey8", 6, 1, shard=(i, 2)), 9) for i in (0, 1)]
    np.testing.assert_array_equal(whole, np.concatenate(halves, 1))


def test_start_step_continues_bit_for_bit_with_binarisation():
    split = Split(np.random.default_rng(0).random((30, 4, 4, 1)).astype("float32"), None)
    whole = _take(training_stream(split, "binary_dynamic", 7, 3), 12)
    late = _take(training_stream(split, "binary_dynamic", 7, 3, start_step=5), 7)
    np.testing.assert_array_equal(whole[5:], late)
    assert set(np.unique(whole)) == {0.0, 1.0}
    halves = [
        _take(training_stream(split, "binary_dynamic", 8, 3, shard=(i, 2)), 3) for i in (0, 1)
    ]
    np.testing.assert_array_equal(
        _take(training_stream(split, "binary_dynamic", 8, 3), 3), np.concatenate(halves, 1)
    )


def test_seeds_differ():
    one, two = (_take(training_stream(_numbered(50), "grey8", 50, s), 1) for s in (0, 1))
    assert not np.array_equal(one, two)


@pytest.mark.statistical
def test_binarisation_has_the_grey_values_as_means():
    """4,000 draws of each of 16 pixels; 6 standard errors each: false-fail rate below 1e-7."""
    grey = np.linspace(0.05, 0.95, 16, dtype="float32").reshape(1, 4, 4, 1)
    drawn = _take(training_stream(Split(grey, None), "binary_dynamic", 400, 0), 10)
    mean = drawn.reshape(-1, 4, 4, 1).mean(0)
    assert np.all(np.abs(mean - grey[0]) < 6 * np.sqrt(grey[0] * (1 - grey[0]) / 4000))


def test_evaluation_binarisation_is_fixed_and_bytes_are_levels():
    split = Split(np.full((10, 8, 8, 1), 127, np.uint8), None)
    one = evaluation_arrays(split, "binary_dynamic")
    np.testing.assert_array_equal(one, evaluation_arrays(split, "binary_dynamic"))
    assert 0.4 < one.mean() < 0.6 and one.dtype == np.float32
    np.testing.assert_array_equal(evaluation_arrays(split, "grey8"), 127.0)


@pytest.mark.parametrize("what", ["index", "label"])
def test_what_lies_beside_an_example_is_its_own(what):
    """Of images and of sentences, through an epoch's end and in both shards."""
    x = np.arange(1, 24, dtype=np.int32)
    rows = {"index": np.arange(23), "label": np.arange(23)[::-1]}[what]
    split = Split(x[:, None, None, None].astype(np.uint8), np.arange(23)[::-1])
    words = Split(np.stack([x, np.full(23, 2), np.zeros(23)], 1).astype(np.int32), split.label)
    for shard in ((0, 1), (1, 2)):
        for stream in (
            training_stream(split, "grey8", 6, 1, 0, shard, what),
            text_stream(words, 6, 1, 0, shard, what),
        ):
            for seen, beside in stream.take(8):
                seen = seen.numpy().reshape(len(seen), -1)[:, 0].astype(int)
                np.testing.assert_array_equal(beside, rows[seen - 1])
