"""Spoken digits: the official split, trimming, levels, refusals in a line; real files where they are."""

import numpy as np
import pytest

from tests.zoo import spoken
from tests.zoo.test_datasets import REAL
from tfvae.checks import UserError
from tfvae.likelihoods import mu_law_decode, mu_law_encode
from zoo import datasets, modalities
from zoo.datasets import fsdd, labels

LENGTH = 640


def _load(folder):
    return fsdd.load("fsdd", str(folder), LENGTH)


def test_recordings_0_to_4_are_test_and_5_to_9_valid(tmp_path, capsys):
    spoken.zipped(tmp_path / "fsdd")
    data = _load(tmp_path)
    assert "is not the published file" in capsys.readouterr().err
    assert [len(s.x) for s in (data.train, data.valid, data.test)] == [24, 30, 30]
    assert data.test.label.tolist() == [0] * 10 + [1] * 10 + [2] * 10
    assert data.test.told.tolist() == ([0] * 5 + [1] * 5) * 3
    # row by row in the order of the numbers: digit 1 of the second speaker, number 2
    levels = data.test.x[17]
    made = spoken.tone(1, 1, 2)
    want = np.pad(made / np.abs(made).max(), (0, LENGTH - len(made)))
    np.testing.assert_allclose(mu_law_decode(levels), want, atol=0.025)
    again = fsdd.load("fsdd", str(tmp_path / "fsdd"), LENGTH)
    np.testing.assert_array_equal(again.train.x, data.train.x)
    assert again.source == data.source and list(data.source) == ["recordings.zip"]


def test_a_conditional_model_is_told_the_speaker_and_probes_look_for_the_digit(tmp_path):
    spoken.zipped(tmp_path)
    kind = modalities.of("fsdd")
    data = _load(tmp_path)
    np.testing.assert_array_equal(data.train.condition, data.train.told)
    assert np.any(data.train.label != data.train.told)
    x, told = next(iter(kind.stream(data, 24, 0, 0, (0, 1), True)))
    rows = {row.tobytes(): speaker for row, speaker in zip(data.train.x, data.train.told)}
    assert len(rows) == 24
    assert [rows[row.astype("uint8").tobytes()] for row in x.numpy()] == told.numpy().tolist()
    assert labels.count("fsdd", "condition=labels") == len(fsdd.SPEAKERS)
    digits = datasets.load("digits")
    np.testing.assert_array_equal(digits.train.condition, digits.train.label)


def test_silence_at_the_ends_goes_but_for_a_margin_of_two_windows():
    """Windows of 64 samples: 5 silent, 4 loud, one 20 dB and one 40 dB below, then 5 silent."""
    parts = [0.0] * 5 + [1.0] * 4 + [0.1, 0.01] + [0.0] * 5
    made = np.repeat(parts, 64) * np.tile([1.0, -1.0], 8 * 64)
    kept = fsdd.trimmed(made)
    np.testing.assert_array_equal(kept, made[3 * 64 : (10 + 2) * 64])
    np.testing.assert_array_equal(fsdd.trimmed(made[320:576]), made[320:576])


def test_long_recordings_are_cut_and_loudness_goes(tmp_path):
    loud = np.sin(np.arange(3000) * 0.3) * 0.004
    extra = [("9_theo_0.wav", spoken.recording(loud))]
    spoken.zipped(tmp_path, extra=extra)
    last = _load(tmp_path).test.x[-1]
    heard = np.round(loud * 32767) / 32768
    np.testing.assert_array_equal(last, mu_law_encode(heard[:LENGTH] / heard[:LENGTH].max()))
    assert (last.min(), last.max()) == (0, 255)


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"channels": 2}, "must have 1 channel of 16 bits at 8000 Hz, got 2 of 16 bits at 8000 Hz"),
        ({"width": 1}, "got 1 of 8 bits at 8000 Hz"),
        ({"rate": 16000}, "got 1 of 16 bits at 16000 Hz"),
    ],
    ids=str,
)
def test_other_forms_of_wav_are_refused(extra, says, tmp_path):
    made = spoken.recording(spoken.tone(0, 0, 0), **extra)
    spoken.zipped(tmp_path, extra=[("0_theo_1.wav", made)])
    with pytest.raises(UserError, match=f"0_theo_1.wav {'must' if 'must' in says else '.*'}") as e:
        _load(tmp_path)
    assert says in str(e.value) and "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("0_nobody_1.wav", b"", "is not named digit_speaker_number.wav with a speaker of george,"),
        ("zero.wav", b"", "'zero.wav' is not named digit_speaker_number.wav"),
        ("0_theo_1.wav", b"RIFF", "0_theo_1.wav is truncated or corrupt"),
        ("0_theo_1.wav", spoken.recording(np.zeros(99)), "0_theo_1.wav is silent: 99 samples"),
    ],
    ids=["speaker", "name", "cut", "silent"],
)
def test_what_is_no_recording_is_refused(name, content, says, tmp_path):
    spoken.zipped(tmp_path, extra=[(name, content)])
    with pytest.raises(UserError, match=says):
        _load(tmp_path)


def test_files_that_are_missing_or_damaged_are_refused(tmp_path):
    with pytest.raises(UserError, match="dataset 'fsdd' must be given with --data_dir"):
        fsdd.load("fsdd")
    with pytest.raises(UserError, match=r"no recordings.zip in .* is needed"):
        _load(tmp_path)
    path = spoken.zipped(tmp_path / "fsdd")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match="recordings.zip is truncated or corrupt"):
        _load(tmp_path)
    spoken.zipped(tmp_path / "fsdd", numbers=5)
    with pytest.raises(UserError, match="no recordings for train"):
        _load(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not (REAL / "fsdd").is_dir(), reason="the real recordings are not here")
def test_the_real_recordings(capsys):
    data = fsdd.load("fsdd", str(REAL))
    assert capsys.readouterr().err == ""
    assert [s.x.shape for s in (data.train, data.valid, data.test)] == [
        (2400, 4096),
        (300, 4096),
        (300, 4096),
    ]
    for split, each in ((data.train, 40), (data.valid, 5), (data.test, 5)):
        pairs, counts = np.unique(np.stack([split.label, split.told]), axis=1, return_counts=True)
        assert pairs.shape == (2, 60) and np.all(counts == each)
