"""The Free Spoken Digit Dataset: ten digits, six speakers, fifty recordings of each, 8 kHz.

Legend: N recordings, T samples.
"""

from __future__ import annotations

import io
import re
import wave
import zipfile

import numpy as np

from tfvae.checks import UserError, affordable
from tfvae.likelihoods import mu_law_encode
from tfvae.training.reading import reading
from zoo.datasets import files
from zoo.datasets.data import Data, Split

__all__ = ["RATE", "SPEAKERS", "levels", "load", "trimmed"]

RATE = 8000  # samples a second
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")

_FOLDER, _FILE = "fsdd", "recordings.zip"
_HOW = "the folder recordings of github.com/Jakobovski/free-spoken-digit-dataset, zipped, is needed"
_KNOWN = {_FILE: "ed5b56cb585cb83a73af63127e04b4e57bf58ffa5d7603e91ac52996b8118836"}
_CITATION = (
    "Jackson et al., Free Spoken Digit Dataset, github.com/Jakobovski/free-spoken-digit-dataset, "
    "CC BY-SA 4.0"
)
_NAME = re.compile(r"(?:.*/)?(\d)_([a-z]+)_(\d+)\.wav")

# The official test recordings are 0-4 of each speaker and digit; 5-9 are taken out of the rest.
_TEST, _VALID = 5, 10

_WINDOW = 64  # samples, 8 ms, over which loudness is measured
_SILENCE = 0.03  # of the loudest window: 30 dB below it
_MARGIN = 2  # windows that stay before and behind what is louder


def load(name: str, data_dir: str | None = None, max_samples: int = 4096) -> Data:
    """2,400 train / 300 valid / 300 test recordings as mu-law levels, uint8 [N, T].

    Silence at the ends is cut off, each recording is scaled to a peak of 1 (they differ by 40 dB), cut
    or filled with silence behind to `max_samples`, and companded. `label` is the digit, `told` the
    speaker, so that a conditional model changes voices.

    Args:
        name: `fsdd`.
        data_dir: where `recordings.zip` lies (the folder itself or its parent).
        max_samples: T.

    Raises:
        UserError: the file is missing, damaged, or holds something else than such recordings.
    """
    if data_dir is None:
        raise UserError(f"dataset {name!r} must be given with --data_dir: {_HOW}")
    path = files.find(data_dir, _FOLDER, _FILE)
    if path is None:
        raise files.missing(name, data_dir, _FOLDER, _FILE, _HOW)
    source = files.digest(path)
    files.verify(path, source, _KNOWN)
    found = sorted(_recordings(path), key=lambda recording: recording[0])
    if not found:
        raise UserError(f"{path} holds no .wav file")
    key = np.array([place for place, _ in found])
    x = np.stack([levels(wave, max_samples) for _, wave in found])
    number = key[:, 2]
    parts = {
        "train": number >= _VALID,
        "valid": (number >= _TEST) & (number < _VALID),
        "test": number < _TEST,
    }
    splits = {}
    for part, rows in parts.items():
        if not rows.any():
            raise UserError(
                f"{path}: no recordings for {part} (test is numbers 0-4 of each speaker and digit, "
                "valid 5-9, train the rest)"
            )
        splits[part] = Split(x[rows], key[rows, 0], told=key[rows, 1])
    sizes = " / ".join(f"{len(split.x):,}" for split in splits.values())
    about = (
        f"spoken digits at 8 kHz, {sizes} recordings (5-9 of each speaker and digit are valid, 0-4 "
        f"test): silence cut off, peak 1, {max_samples:,} samples, 256 mu-law levels"
    )
    return Data(
        name,
        *splits.values(),
        kind="mu_law8",
        description=about,
        citation=_CITATION,
        source={_FILE: source},
        rate=RATE,
    )


def _recordings(path: str):
    """((digit, speaker, number), amplitudes) of each .wav in the file."""
    with reading(path), zipfile.ZipFile(path) as packed:
        held = [each for each in packed.infolist() if each.filename.endswith(".wav")]
        affordable(f"{path}, unpacked,", sum(each.file_size for each in held) // 4)
        raw = [packed.read(each) for each in held]
    for each, sound in zip(held, raw):
        yield _place(path, each.filename), _amplitudes(f"{path}: {each.filename}", sound)


def _place(path: str, name: str) -> tuple[int, int, int]:
    parts = _NAME.fullmatch(name)
    if parts is None or parts[2] not in SPEAKERS:
        raise UserError(
            f"{path}: {name!r} is not named digit_speaker_number.wav with a speaker of "
            f"{', '.join(SPEAKERS)}"
        )
    return int(parts[1]), SPEAKERS.index(parts[2]), int(parts[3])


def _amplitudes(name: str, raw: bytes) -> np.ndarray:
    """In [-1, 1)."""
    with reading(name), wave.open(io.BytesIO(raw)) as stream:
        form = (stream.getnchannels(), 8 * stream.getsampwidth(), stream.getframerate())
        frames = stream.readframes(stream.getnframes())
    if form != (1, 16, RATE):
        raise UserError(
            f"{name} must have 1 channel of 16 bits at {RATE} Hz, got {form[0]} of {form[1]} bits "
            f"at {form[2]} Hz"
        )
    if len(frames) % 2:
        raise UserError(
            f"{name} is truncated or corrupt: {len(frames)} bytes are no 16-bit samples"
        )
    amplitude = np.frombuffer(frames, "<i2") / 32768.0
    if not amplitude.any():
        raise UserError(f"{name} is silent: {len(amplitude)} samples, all 0")
    return amplitude


def trimmed(amplitude: np.ndarray) -> np.ndarray:
    """Without the windows at both ends that are 30 dB below the loudest one, but for a margin of two."""
    windows = -(-len(amplitude) // _WINDOW)
    filled = np.pad(amplitude, (0, windows * _WINDOW - len(amplitude)))
    power = (filled.reshape(windows, _WINDOW) ** 2).mean(1)
    (loud,) = np.nonzero(power > _SILENCE**2 * power.max())
    start, end = max(0, loud[0] - _MARGIN), loud[-1] + 1 + _MARGIN
    return amplitude[start * _WINDOW : end * _WINDOW]


def levels(amplitude: np.ndarray, length: int) -> np.ndarray:
    """uint8 [length] of mu-law: without silence at the ends, of peak 1, cut or filled with silence."""
    heard = trimmed(amplitude)[:length]
    heard = heard / np.abs(heard).max()
    return mu_law_encode(np.pad(heard, (0, length - len(heard))))
