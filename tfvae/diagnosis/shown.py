"""What a report shows of a model besides its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Shown", "Sound", "audio_files"]


class Sound(NamedTuple):
    """One clip. says: what it is, in a few words; wav: the content of a .wav file."""

    says: str
    wav: bytes


class Shown(NamedTuple):
    """By name: images [R, K, H, W, C] from 0 to 1; texts, rows of cells; sounds, rows of clips."""

    images: Mapping[str, Any] = {}
    texts: Mapping[str, Sequence[Sequence[str]]] = {}
    sounds: Mapping[str, Sequence[Sequence[Sound]]] = {}


def audio_files(sounds: Mapping[str, Sequence[Sequence[Sound]]]) -> list[tuple[str, bytes]]:
    """(name of a file without its ending, content) of each clip: `samples_1_draw`."""
    return [
        (f"{name}_{i}_{''.join(c if c.isalnum() else '_' for c in sound.says)}", sound.wav)
        for name, rows in sounds.items()
        for i, row in enumerate(rows)
        for sound in row
    ]
