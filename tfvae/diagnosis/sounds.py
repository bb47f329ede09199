"""What a model of waveforms does: clips, and their spectrograms.

Legend: N recordings, T samples, K columns, S speakers, H W frequencies and frames of a spectrogram.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfvae.diagnosis.shown import Shown, Sound
from tfvae.likelihoods import Tempered, mu_law_decode
from tfvae.randomness import fold, seed_of

__all__ = ["EXPLAINED", "TITLES", "sounds", "spectrogram", "wav"]

_TEMPERATURE = 0.7
_SWAPPED = 3  # recordings that are spoken by everybody
_COOL = f"temperature {_TEMPERATURE}"

TITLES = {
    "reconstructions": "Reconstructions",
    "speakers": "The same codes, another voice",
    "samples": "Recordings from the prior",
}
EXPLAINED = {
    "reconstructions": "A test recording as the model gets it, in 256 levels (their hiss is the "
    f"companding's); a draw given its code; a draw at {_COOL}, nearer to the likeliest and "
    "so with less noise, but no draw from the model. What they share with the first is what the code "
    "holds.",
    "speakers": "A test recording, then its codes decoded for each speaker with the same noise (at "
    f"{_COOL}). The word should stay and the voice should change: then the codes hold what is "
    "said, and the speaker comes from what the decoder is told.",
    "samples": "Codes from the prior, then sample after sample drawn, and once more at "
    f"{_COOL}. A prior that knows nothing of the order of codes makes noise of speech.",
}


def sounds(
    model,
    x: np.ndarray,
    rate: int,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    number: int = 6,
    label: np.ndarray | None = None,
    speakers: Sequence[str] = (),
) -> Shown:
    """Clips by name (`reconstructions`, `speakers` of a conditional model, `samples`), and figures.

    Args:
        model: a `tfvae.VAE` of mu-law levels.
        x: test recordings, levels [N, T].
        rate: samples a second.
        seed: equal seeds give equal clips.
        progress: as of `VAE.sample`.
        number: clips of a kind.
        label: speakers [N] of a conditional model; its samples are of each in turn.
        speakers: their names; numbers if none are given.
    """
    base = seed_of(seed)
    if label is not None and not speakers:
        speakers = [str(i) for i in range(int(np.max(label)) + 1)]
    own = None if label is None else np.arange(number) % len(speakers)
    if not model.has_latent:
        drawn = np.asarray(model.sample(number, fold(base, 0), progress=progress))
        rows = [[Sound("draw", wav(clip, rate))] for clip in drawn]
        return Shown({"spectrograms": _pictures(drawn[None])}, sounds={"samples": rows})
    rng = np.random.default_rng(seed & 0x7FFFFFFF)  # sorted sets would show one class
    chosen = rng.choice(len(x), number, replace=len(x) < number)
    known = None if label is None else np.asarray(label)[chosen]
    codes = np.asarray(model.encode(x[chosen], _told(known)))
    prior = np.asarray(model.sample_codes(number, fold(base, 1), _told(own)))
    both = np.concatenate([codes, prior])
    who = None if known is None or own is None else np.concatenate([known, own])
    warm = _generate(model, model.likelihood, both, who, fold(base, 2), progress)
    cool = Tempered(model.likelihood, _TEMPERATURE)
    calm = _generate(model, cool, both, who, fold(base, 3), progress)
    given = x[chosen]
    shown = {
        "reconstructions": [
            [
                Sound(_named("test", known, i, speakers), wav(given[i], rate)),
                Sound("draw", wav(warm[i], rate)),
                Sound(f"draw, {_COOL}", wav(calm[i], rate)),
            ]
            for i in range(number)
        ]
    }
    images = {"spectrograms": _pictures(np.stack([given, warm[:number], calm[:number]]))}
    if label is not None:
        voices = _voices(model, cool, codes, speakers, fold(base, 4), progress)
        shown["speakers"] = [
            [
                Sound(_named("test", known, i, speakers), wav(given[i], rate)),
                *(Sound(name, wav(clip, rate)) for name, clip in zip(speakers, row)),
            ]
            for i, row in enumerate(voices)
        ]
        images["voices"] = _pictures(np.concatenate([given[: len(voices), None], voices], 1))
    shown["samples"] = [
        [
            Sound(_named("draw", own, i, speakers), wav(warm[number + i], rate)),
            Sound(f"draw, {_COOL}", wav(calm[number + i], rate)),
        ]
        for i in range(number)
    ]
    return Shown(images, sounds=shown)


def _told(label):
    return None if label is None else tf.constant(label, tf.int32)


def _named(what: str, label, i: int, speakers) -> str:
    return what if label is None else f"{what}, {speakers[label[i]]}"


def _generate(model, likelihood, z, label, seed, progress) -> np.ndarray:
    """Levels [N, T]."""
    z = model.decoder_input(tf.constant(z), _told(label))
    return np.asarray(model.decoder.generate(z, likelihood, seed, progress=progress))


def _voices(model, likelihood, codes, speakers, seed, progress) -> np.ndarray:
    """Levels [R, S, T]: each of the first codes by each speaker.

    Noise belongs to the place in the batch: one batch for each speaker, so that all have the same.
    """
    codes = codes[:_SWAPPED]
    rows = [
        _generate(model, likelihood, codes, np.full(len(codes), i), seed, progress)
        for i in range(len(speakers))
    ]
    return np.stack(rows, 1)


def wav(levels: np.ndarray, rate: int) -> bytes:
    """Levels of mu-law [T] as a .wav file of one channel, 16 bits."""
    out = io.BytesIO()
    stream = wave.Wave_write(out)
    stream.setnchannels(1)
    stream.setsampwidth(2)
    stream.setframerate(rate)
    stream.writeframes(np.round(32767 * mu_law_decode(levels)).astype("<i2").tobytes())
    stream.close()
    return out.getvalue()


_FRAME, _HOP, _RANGE = 128, 32, 60.0  # samples, samples, decibels


def spectrogram(levels: np.ndarray) -> np.ndarray:
    """Levels [..., T] -> [..., H, W] from 0 (60 dB below a full sine) to 1, low frequencies below."""
    frames = np.lib.stride_tricks.sliding_window_view(mu_law_decode(levels), _FRAME, -1)
    window = np.hanning(_FRAME)
    power = np.abs(np.fft.rfft(frames[..., ::_HOP, :] * window)) * 2.0 / window.sum()
    loud = 1.0 + 20.0 * np.log10(np.maximum(power, 1e-9)) / _RANGE
    return np.clip(np.swapaxes(loud, -1, -2)[..., ::-1, :], 0.0, 1.0)


def _pictures(levels: np.ndarray) -> np.ndarray:
    """[R, K, T] -> [R, K, H, W, 1]."""
    return spectrogram(levels)[..., None]
