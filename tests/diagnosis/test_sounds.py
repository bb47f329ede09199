"""Clips and spectrograms: what is in the files is what the model drew."""

import io
import wave

import keras
import numpy as np
import pytest

import tfvae
from tests.networks.text_parts import randomise
from tfvae import diagnosis
from tfvae.diagnosis.sounds import spectrogram, wav
from tfvae.latents import Codebook, DiscreteLatent, NoLatent, UniformCodes
from tfvae.likelihoods import MuLaw, mu_law_decode, mu_law_encode
from tfvae.networks import LabelCondition, NoEncoder, WaveformEncoder, WaveNet, WaveNetDecoder

T, NAMES = 256, ("ann", "bob", "eve")


def _model(latent=True):
    keras.utils.set_random_seed(0)
    decoder = WaveNetDecoder(T, WaveNet(4, 4, (1, 2)), 256, 8, 4)
    if latent:
        codes = DiscreteLatent(Codebook((8, 3), 5), UniformCodes((8,), 5))
        parts = WaveformEncoder(4, 32), codes, decoder, MuLaw(), LabelCondition(len(NAMES))
    else:
        parts = NoEncoder(), NoLatent(), decoder, MuLaw()
    model = tfvae.VAE(*parts)
    model.build()
    return model


def _voices(shown):
    return np.stack([_levels(s.wav) for row in shown.sounds["speakers"] for s in row[1:]])


def _levels(content):
    with wave.open(io.BytesIO(content)) as stream:
        form = stream.getnchannels(), stream.getsampwidth(), stream.getframerate()
        frames = stream.readframes(stream.getnframes())
    assert form == (1, 2, 8000)
    return mu_law_encode(np.clip(np.frombuffer(frames, "<i2") / 32767, -1, 1))


def test_a_wav_holds_the_levels():
    levels = np.random.default_rng(0).integers(0, 256, T)
    np.testing.assert_array_equal(_levels(wav(levels, 8000)), levels)


def test_a_sine_is_loud_at_its_frequency_alone():
    t = np.arange(2048) / 8000
    picture = spectrogram(mu_law_encode(np.sin(2 * np.pi * 1000 * t)))
    assert picture.shape == (65, 61)
    bins = 64 - np.argmax(picture, 0)  # low frequencies lie below
    assert np.all(bins == 16)  # 1000 Hz / (8000 Hz / 128)
    assert picture[64 - 16].min() > 0.99 and picture[:30].max() < 0.4
    assert spectrogram(np.full(512, 128)).max() == 0.0


X = np.random.default_rng(0).integers(0, 256, (9, T)).astype("float32")


def test_voices_differ_by_what_the_decoder_is_told_and_not_by_the_noise():
    """A decoder whose ear for speakers is cut off says the same for all, sample by sample."""
    model = randomise(_model(), 0.5)
    kernel = model.decoder.mix[0].kernel  # z has 3 numbers a frame, the speaker's come behind
    kernel.assign(kernel * (np.arange(6) < 3)[None, :, None])
    voices = _voices(diagnosis.sounds(model, X, 8000, label=np.arange(9) % 3, speakers=NAMES))
    voices = voices.reshape(3, len(NAMES), T)
    np.testing.assert_array_equal(voices[:, 1:], voices[:, :-1])
    assert np.any(voices[0] != voices[1])


def test_every_recording_is_spoken_by_everybody():
    model, x = randomise(_model(), 1.0), X
    speaker = np.arange(9) % 3
    shown = diagnosis.sounds(model, x, 8000, 1, number=4, label=speaker, speakers=NAMES)
    assert {name: len(rows) for name, rows in shown.sounds.items()} == {
        "reconstructions": 4,
        "speakers": 3,
        "samples": 4,
    }
    for i, row in enumerate(shown.sounds["speakers"]):
        test, *spoken = row
        assert [sound.says for sound in spoken] == list(NAMES)
        (place,) = np.flatnonzero((x == _levels(test.wav)).all(1))
        assert test.says == f"test, {NAMES[speaker[place]]}"
        assert test == shown.sounds["reconstructions"][i][0]
    assert len(np.unique(_voices(shown), axis=0)) > 3
    assert shown.images["voices"].shape[:2] == (3, 4)
    assert shown.images["spectrograms"].shape[:2] == (3, 4)
    drawn = [_levels(row[0].wav) for row in shown.sounds["samples"]]
    assert [row[0].says for row in shown.sounds["samples"]] == [
        "draw, ann",
        "draw, bob",
        "draw, eve",
        "draw, ann",
    ]
    assert len(np.unique(drawn, axis=0)) == 4
    again = diagnosis.sounds(model, x, 8000, 1, number=4, label=speaker, speakers=NAMES)
    assert again.sounds == shown.sounds
    names = [name for name, _ in diagnosis.audio_files(shown.sounds)]
    assert len(set(names)) == len(names) == 3 * 4 + 3 * 4 + 2 * 4
    assert "speakers_0_eve" in names and "samples_1_draw__bob" in names


def test_without_a_latent_there_are_draws_alone():
    shown = diagnosis.sounds(_model(False), np.zeros((2, T), "float32"), 8000, number=2)
    assert list(shown.sounds) == ["samples"] and shown.images["spectrograms"].shape[:2] == (1, 2)


def test_the_page_holds_the_clips(tmp_path):
    sound = diagnosis.Sound("draw <1>", wav(np.arange(256), 8000))
    report = {"model": "m", "dataset": "d", "split": "test", "num_examples": 2, "rate": None}
    report.update(nll=1.0, nll_is_exact=True, bits_per_dim=1.0, nll_num_samples=None)
    report.update(nll_num_examples=2)
    page = diagnosis.html(report, {"unit": "recordings"}, {}, None, {"samples": [[sound]]})
    assert "Recordings from the prior" in page and "draw &lt;1&gt;" in page
    assert page.count("<audio controls") == 1 and "data:audio/wav;base64,UklGR" in page
    assert mu_law_decode(128) == pytest.approx(0, abs=1e-4)
