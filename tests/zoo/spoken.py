"""A tiny zip of recordings that stands in for the real one: tones for digits, timbres for speakers."""

import io
import wave
import zipfile

import numpy as np

from zoo.datasets.fsdd import SPEAKERS


def recording(amplitude, channels=1, width=2, rate=8000) -> bytes:
    """A .wav file of amplitudes [T] in [-1, 1)."""
    out = io.BytesIO()
    with wave.open(out, "wb") as stream:
        stream.setnchannels(channels)
        stream.setsampwidth(width)
        stream.setframerate(rate)
        scaled = np.round(np.asarray(amplitude) * 32767).astype("<i2").tobytes()
        stream.writeframes(scaled * channels if width == 2 else scaled[::2])
    return out.getvalue()


def tone(digit, speaker, number, length=600):
    """300 Hz a digit; a second, weaker partial and the loudness are the speaker's; noise the number's."""
    t = np.arange(length) / 8000
    pitch = 300 * (digit + 1)
    rng = np.random.default_rng([digit, speaker, number])
    made = np.sin(2 * np.pi * pitch * t) + 0.2 * np.sin(2 * np.pi * (100 + 37 * speaker) * t)
    return (made + 0.01 * rng.normal(size=length)) * 0.5 / (1 + speaker)


def zipped(folder, digits=3, speakers=2, numbers=14, extra=()):
    """`recordings.zip` in the folder; extra: (name, content) besides. The path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "recordings.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for digit in range(digits):
            for speaker in range(speakers):
                for number in range(numbers):
                    name = f"recordings/{digit}_{SPEAKERS[speaker]}_{number}.wav"
                    packed.writestr(name, recording(tone(digit, speaker, number)))
        for name, content in extra:
            packed.writestr(name, content)
    return path
