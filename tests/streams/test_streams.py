"""Streams of a stage's own: what is in a batch, exactness, resumption, shards."""

from typing import NamedTuple

import numpy as np
import pytest

from tests import models
from tfvae import batches
from tfvae.checks import UserError
from tfvae.streams import CodesOf, OneFactorVaries, PartlyLabelled, Source, interleaved
from zoo.datasets import text_pipeline
from zoo.datasets.data import Split
from zoo.datasets.disk import Rows
from zoo.modalities import images, text


class Data(NamedTuple):
    """As much of a data set as a stream reads."""

    train: Split
    kind: str = "binary_fixed"


LABEL = np.repeat(np.arange(3), 20)
# the number of an example stands in its only pixel
NUMBERED = Split(np.arange(60, dtype=np.float32)[:, None, None, None], LABEL)
FACTORS = np.array([(a, b, 7) for a in range(3) for b in range(4)])
GRID = Split(np.arange(12, dtype=np.float32)[:, None, None, None], None, FACTORS)


def source(split, batch_size=12, seed=3, kind="real"):
    return Source(Data(split, kind), batch_size, seed, images.stream, images.arrays)


def taken(stream, steps):
    """[steps, B, ...] of each tensor."""
    batches = [next(iterator) for iterator in [iter(stream)] for _ in range(steps)]
    batches = [b if isinstance(b, tuple) else (b,) for b in batches]
    return [np.stack([np.squeeze(part.numpy()) for part in parts]) for parts in zip(*batches)]


def codes_of():
    model = models.plain()
    return CodesOf(model), model


STREAMS = {
    "partly labelled": lambda: (PartlyLabelled(9, 0.5), source(NUMBERED)),
    "one factor": lambda: (OneFactorVaries((1.0, 3.0, 1.0)), source(GRID)),
    "codes": lambda: (codes_of()[0], source(Split(models.images(50), None))),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_goes_on_where_it_stopped_and_its_shards_are_its_rows(name):
    stream, of = STREAMS[name]()
    whole = taken(stream(of, 0, (0, 1)), 9)
    late = taken(stream(of, 4, (0, 1)), 5)
    halves = [taken(stream(of, 0, (index, 2)), 9) for index in range(2)]
    other = taken(stream(of._replace(seed=4), 0, (0, 1)), 9)
    for part, again, one, two, else_ in zip(whole, late, *halves, other):
        np.testing.assert_array_equal(part[4:], again)
        np.testing.assert_array_equal(part, np.concatenate([one, two], 1))
        if name == "codes" or part is whole[0]:
            assert not np.array_equal(part, else_)


def test_a_few_keep_their_labels_and_come_in_half_of_each_batch():
    x, label = taken(PartlyLabelled(9, 0.5)(source(NUMBERED), 0, (0, 1)), 102)
    known = label >= 0
    assert (known.sum(1) == 6).all()
    np.testing.assert_array_equal(label[known], LABEL[x[known].astype(int)])
    few, others = np.unique(x[known]), np.unique(x[~known])
    assert len(few) == 9 and not np.intersect1d(few, others).size
    assert np.bincount(LABEL[few.astype(int)]).tolist() == [3, 3, 3]
    # 102 * 6 = 12 epochs of the 51 others and 68 of the 9: each as often
    assert set(np.unique(x[~known], return_counts=True)[1]) == {12}
    assert set(np.unique(x[known], return_counts=True)[1]) == {68}
    # which they are does not hang on the seed of the run
    again = taken(PartlyLabelled(9, 0.5)(source(NUMBERED, seed=8), 0, (0, 1)), 9)
    np.testing.assert_array_equal(np.unique(again[0][again[1] >= 0]), few)


def test_two_sets_may_be_mixed_by_any_share():
    parts = [source(NUMBERED).batches(0, (0, 1), batch_size=b) for b in (2, 4)]
    (mixed,) = taken(interleaved([parts[0], parts[1].map(lambda x: -1.0 - x)], (2, 4)), 5)
    np.testing.assert_array_equal(mixed >= 0, np.tile([True, False, False], (5, 2)))
    plain = taken(source(NUMBERED).batches(0, (0, 1), batch_size=2), 5)[0]
    np.testing.assert_array_equal(mixed[:, [0, 3]], plain)


def test_one_factor_varies_within_a_batch_and_no_other():
    x, label = taken(OneFactorVaries((1.0, 3.0, 1.0))(source(GRID), 0, (0, 1)), 400)
    factors = FACTORS[x.astype(int)]
    varies = np.ptp(factors, axis=1) > 0
    assert (varies.sum(1) == 1).all()
    np.testing.assert_array_equal(np.argmax(varies, 1)[:, None].repeat(12, 1), label)
    # 3 : 1, and the constant factor never; standard error 0.022: five of them
    assert abs(np.mean(label[:, 0] == 1) - 0.75) < 0.11
    # a batch of 12 holds the 3 or 4 examples that differ equally often
    for row, factor in zip(x, label[:, 0]):
        assert set(np.unique(row, return_counts=True)[1]) == {[4, 3][factor]}
    assert len(np.unique(x)) == 12
    assert len(np.unique(x, axis=0)) > 100  # of 7 groups, each in ever another order


def test_codes_are_those_of_the_model_each_once_an_epoch():
    stream, model = codes_of()
    x = models.images(48)
    (found,) = taken(stream(source(Split(x, None)), 0, (0, 1)), 4)
    exact = model.encode(x).numpy()
    ordered = [np.sort(rows.reshape(-1, 3), 0) for rows in (found, exact)]
    np.testing.assert_allclose(*ordered, atol=1e-6)
    np.testing.assert_allclose(stream.held_out(x[:5], None)[0], exact[:5], atol=1e-6)


@pytest.mark.parametrize("name", STREAMS)
def test_what_lies_on_a_disk_is_streamed_from_there(name, tmp_path):
    stream, of = STREAMS[name]()
    train = of.data.train
    np.save(tmp_path / "x.npy", train.x)
    there = Rows(np.load(tmp_path / "x.npy", mmap_mode="r"))
    read = of._replace(data=of.data._replace(train=train._replace(x=there)))
    if name == "partly labelled":
        assert isinstance(stream.split(read.data.train)[1].x, Rows)
    fresh, _ = STREAMS[name]()  # which has no codes yet
    for here, other in zip(taken(stream(of, 0, (0, 1)), 7), taken(fresh(read, 0, (0, 1)), 7)):
        np.testing.assert_allclose(here, other, rtol=1e-6)


@pytest.mark.parametrize(
    "stream, split, more, said",
    [
        (
            PartlyLabelled(9),
            NUMBERED._replace(label=None),
            {},
            "needs labels, and the training set",
        ),
        (PartlyLabelled(61), NUMBERED, {}, "asks for 21 examples of label 0, and .* has 20"),
        (PartlyLabelled(2), NUMBERED, {}, "labelled=2 leaves some of the 3 labels without"),
        (PartlyLabelled(60), NUMBERED, {}, "labelled=60 leaves no example without a label"),
        (PartlyLabelled(9, 0.01), NUMBERED, {}, "share=0.01 of a batch of 12 leaves one"),
        (PartlyLabelled(9, 0.25), NUMBERED, {"shard": (0, 2)}, "3 and 9 .* into 2 workers"),
        (OneFactorVaries(), NUMBERED, {}, "needs the factors of the examples"),
        (OneFactorVaries((1.0,)), GRID, {}, "one for each of the 3 factors, got 1"),
        (
            OneFactorVaries(),
            GRID._replace(factors=FACTORS * 0 + np.arange(12)[:, None]),
            {},
            "no two",
        ),
        (OneFactorVaries(), GRID, {"kind": "binary_dynamic"}, "these are drawn anew"),
    ],
)
def test_what_cannot_be_streamed_is_refused_in_one_line(stream, split, more, said):
    with pytest.raises(UserError, match=said):
        stream(source(split, kind=more.get("kind", "real")), 0, more.get("shard", (0, 1)))


def test_nothing_of_a_stream_of_ours_is_tuned():
    """Its iterator has no thread that whoever drops it might wait for."""
    made = source(NUMBERED)
    words = np.ones((6, 4), np.int64)
    streams = [
        made.batches(0, (0, 1)),
        PartlyLabelled(9, 0.5)(made, 0, (0, 1)),
        text_pipeline.training_stream(Split(words, None), 2, 0),
        images.batches(NUMBERED.x, 8)["x"],
        text.batches(words, 2)["x"],
        batches.epoch(NUMBERED.x, None, 8),
        batches.endless(NUMBERED.x, None, None, 8, False, None, None)[0],
    ]
    assert [stream.options().autotune.enabled for stream in streams] == [False] * len(streams)
