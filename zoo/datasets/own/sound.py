"""One's own recordings: .wav files of a folder, of one rate, as levels of mu-law.

Legend: N recordings, T samples.
"""

from __future__ import annotations

import collections
import hashlib
import io
import os
import wave
from typing import NamedTuple

import numpy as np

from tfvae.checks import UserError, affordable
from tfvae.training.reading import reading
from zoo.datasets.data import Data, Split
from zoo.datasets.fsdd import levels
from zoo.datasets.own import folder
from zoo.datasets.own.folder import some
from zoo.datasets.own.parts import sizes

__all__ = ["load"]

_ENDINGS = (".wav",)
_WIDTHS = (1, 2, 3, 4)  # bytes of a sample


class _Header(NamedTuple):
    """Of a file: samples a second, channels, bytes a sample, samples."""

    rate: int
    channels: int
    width: int
    samples: int


def load(data: str, *, max_samples: int = 4096, seed: int = 0) -> Data:
    """Recordings as uint8 [N, T]: the mean of their channels, without silence at the ends, of peak 1.

    Args:
        data: the folder; its sub-folders are labels, and train/, valid/ and test/ the parts.
        max_samples: T: longer ones are cut, shorter ones end in silence.
        seed: of the parts, where they are not given.

    Raises:
        UserError: no .wav file; some that cannot be read, or are silent (named, counted); several rates.
    """
    found = folder.look(data, _ENDINGS, ".wav", seed)
    paths = [path for part in found.parts.values() for path in part.paths]
    headers = folder.each(data, paths, "recordings", _header)
    rate = _one_rate(data, headers)
    affordable(data, len(paths) * max_samples // 4)
    digests: dict[str, str] = {}

    def read(path):
        with reading(path), open(path, "rb") as stream:
            raw = stream.read()
        digests[os.path.relpath(path, data)] = hashlib.sha256(raw).hexdigest()
        return levels(_amplitudes(path, raw), max_samples)

    x = np.stack(folder.each(data, paths, "recordings", read))
    splits, start = [], 0
    for part in found.parts.values():
        splits.append(Split(x[start : start + len(part.paths)], part.label))
        start += len(part.paths)
    source = folder.checksum(digests)
    about = _said(headers, rate, splits, found, max_samples)
    return Data(
        "sound",
        *splits,
        kind="mu_law8",
        description=about,
        citation="one's own",
        source=source,
        label_names=found.names,
        rate=rate,
    )


def _header(path: str) -> _Header:
    with reading(path, "is no .wav file of whole numbers"), wave.open(path, "rb") as stream:
        found = _Header(
            stream.getframerate(),
            stream.getnchannels(),
            stream.getsampwidth(),
            stream.getnframes(),
        )
    if found.width not in _WIDTHS or not found.rate or not found.samples:
        raise UserError(f"{path} holds no sound: {found}")
    return found


def _one_rate(root: str, headers: list[_Header]) -> int:
    counts = collections.Counter(header.rate for header in headers).most_common()
    if len(counts) > 1:
        said = some(f"{number:,} of {rate:,} Hz" for rate, number in counts)
        raise UserError(
            f"{root}: the recordings are of {len(counts)} rates ({said}): make them one"
        )
    return counts[0][0]


def _amplitudes(path: str, raw: bytes) -> np.ndarray:
    """The mean of the channels, about [-1, 1)."""
    with reading(path), wave.open(io.BytesIO(raw)) as stream:
        channels, width, number = (
            stream.getnchannels(),
            stream.getsampwidth(),
            stream.getnframes(),
        )
        frames = stream.readframes(number)
    if len(frames) != number * channels * width:
        raise UserError(
            f"{path} is truncated: {len(frames):,} bytes of {number * channels * width:,}"
        )
    if width == 1:  # the only ones without a sign
        whole = np.frombuffer(frames, np.uint8).astype(np.int64) - 128
    else:
        bytes_of = np.frombuffer(frames, np.uint8).reshape(-1, width).astype(np.int64)
        whole = (bytes_of << (8 * np.arange(width))).sum(1)
        whole -= (whole >> (8 * width - 1)) << (8 * width)  # two's complement
    amplitude = whole.reshape(-1, channels).mean(1) / 2.0 ** (8 * width - 1)
    if not amplitude.any():
        raise UserError(f"{path} is silent: {len(amplitude):,} samples, all 0")
    return amplitude


def _said(headers, rate: int, splits, found, max_samples: int) -> str:
    said = f"{len(headers):,} recordings at {rate:,} Hz, 256 mu-law levels"
    mixed = sum(header.channels > 1 for header in headers)
    if mixed:
        said += f", {mixed:,} of them the mean of their channels"
    said += f", peak 1, silence cut off, {max_samples:,} samples"
    longer = sum(header.samples > max_samples for header in headers)
    if longer:
        said += f" ({longer:,} are longer: {max_samples / rate:.2f} s of them)"
    said += f"; {sizes(splits, found.seed)}"
    if found.names:
        said += f"; {len(found.names):,} labels ({some(found.names)})"
    return said
