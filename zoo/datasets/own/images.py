"""One's own images: PNG and JPEG files of a folder.

Legend: N images, H W C image.
"""

from __future__ import annotations

import collections
import hashlib
import io
import json
import math
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from tfvae.checks import UserError, one_of
from tfvae.training.reading import json_object, reading
from zoo.datasets import disk
from zoo.datasets.data import Data, Split
from zoo.datasets.own import COLOURS, folder
from zoo.datasets.own.folder import some
from zoo.datasets.own.pictures import fitted
from zoo.datasets.own.said import images as sentence

__all__ = ["load"]

_ENDINGS = (".png", ".jpg", ".jpeg")
_GREY = ("1", "L", "LA")
_WIDE = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # more than 8 bits a pixel
_TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange the sides
_ORIENTATION = 0x0112


class _Header(NamedTuple):
    """What a file says of itself: (H, W) as it is looked at, and the mode of PIL."""

    size: tuple[int, int]
    mode: str


def load(data: str, *, image_size: Sequence[int] = (), colour: str = "auto", seed: int = 0) -> Data:
    """Images as bytes, uint8 [N, H, W, C]; those of black and white alone as 0 and 1.

    Transparent pixels are laid on white, and photographs turned as their camera says.

    Args:
        data: the folder; its sub-folders are labels, and train/, valid/ and test/ the parts.
        image_size: (H, W) that images are made: the largest middle part of that form, resized; empty:
            all have one size.
        colour: `grey` or `rgb`; `auto`: what all of them are.
        seed: of the parts, where they are not given.

    Raises:
        UserError: no images; some that cannot be read, are of another size or of other channels (named,
            counted).
    """
    one_of("image_colour", colour, COLOURS)
    if len(image_size) not in (0, 2) or any(side < 1 for side in image_size):
        raise UserError(f"image_size must be height,width, got {tuple(image_size)}")
    found = folder.look(data, _ENDINGS, "PNG or JPEG", seed)
    paths = [path for part in found.parts.values() for path in part.paths]
    headers = folder.each(data, paths, "images", _header)
    size = tuple(image_size) or _one_size(data, headers)
    channels = {"grey": 1, "rgb": 3}.get(colour) or _one_colour(data, headers)
    shape = (*size, channels)
    whole = len(paths) * math.prod(shape)
    read = _in_memory if whole <= disk.room() else _on_disk
    splits, binary, source = read(data, found, shape)
    kind = "binary_fixed" if binary else "rgb8" if channels == 3 else "grey8"
    about = sentence(splits, kind, found.seed, found.names)
    if read is _on_disk:
        about += f"; {whole / 2**30:,.2f} GiB, read from disk"
    resized = sum(header.size != size for header in headers)
    if resized:
        about += f"; {resized:,} were resized, the middle of them if of another form"
    if found.left_out:
        about += f"; {found.left_out:,} other files left out"
    return Data(
        "images",
        *splits,
        kind=kind,
        description=about,
        citation="one's own",
        source=source,
        label_names=found.names,
    )


class _Decoded:
    """The images of some files in turn, uint8 [H, W, C], and what is known of all once they are read."""

    def __init__(self, root: str, paths: list[str], shape: tuple[int, int, int]):
        self._root, self._paths, self._shape = root, paths, shape
        self._first, self._same, self.binary = None, True, shape[-1] == 1
        self._digests: dict[str, str] = {}

    def __iter__(self) -> Iterator[np.ndarray]:
        """Those that cannot be taken are named and counted behind the last one."""
        refused = []
        for path in self._paths:
            try:
                raw, pixels = _pixels(os.path.join(self._root, path), self._shape)
            except UserError as error:
                refused.append(str(error))
                continue
            self._digests[path] = hashlib.sha256(raw).hexdigest()
            self._look(pixels)
            yield pixels
        folder.refuse(self._root, refused, len(self._paths), "images")
        if self._same:
            raise UserError(f"{self._root}: the {len(self._paths):,} images are all the same")

    def _look(self, pixels: np.ndarray) -> None:
        self._first = pixels if self._first is None else self._first
        self._same = self._same and bool((pixels == self._first).all())
        self.binary = self.binary and bool(((pixels == 0) | (pixels == 255)).all())

    @property
    def source(self) -> dict[str, str]:
        """The checksum of all files."""
        return folder.checksum(self._digests)


def _in_memory(root: str, found: folder.Found, shape) -> tuple[list[Split], bool, dict[str, str]]:
    """(splits, whether they are black and white alone, checksum)."""
    paths = [path for part in found.parts.values() for path in part.paths]
    decoded, x = _Decoded(root, paths, shape), np.empty((len(paths), *shape), np.uint8)
    for i, pixels in enumerate(decoded):
        x[i] = pixels
    if decoded.binary:
        x //= 255
    splits, start = [], 0
    for part in found.parts.values():
        splits.append(Split(x[start : start + len(part.paths)], part.label))
        start += len(part.paths)
    return splits, decoded.binary, decoded.source


def _on_disk(root: str, found: folder.Found, shape) -> tuple[list[Split], bool, dict[str, str]]:
    """The same of images that are larger than memory: written once, as they will be read.

    Raises:
        UserError: what is held out is larger than memory.
    """
    parts = list(found.parts.values())
    held_out = sum(len(part.paths) for part in parts[1:]) * math.prod(shape)
    if held_out > disk.room():
        raise UserError(
            f"{root}: what is held out must fit into memory to be measured, and is {held_out:,} bytes"
        )
    paths = [path for part in parts for path in part.paths]

    def write(place):
        decoded = _Decoded(root, paths, shape)
        with disk.keeping(place):
            place.mkdir(parents=True)
            writer = disk.Writer(str(place / "x.array_record"))
        for pixels in decoded:
            with disk.keeping(place):
                writer.append(pixels)
        with disk.keeping(place):
            writer.close()
            known = {"binary": decoded.binary, "source": decoded.source}
            (place / "known.json").write_text(json.dumps(known))

    def read(place):
        known = json_object(str(place / "known.json"))
        records = disk.Records(str(place / "x.array_record"), shape, np.uint8)
        if len(records) != len(paths):
            raise UserError(f"{place} holds {len(records)} images instead of {len(paths)}")
        return records, known["binary"], known["source"]

    made_of = disk.key("images", os.path.abspath(root), paths, shape, folder.stamp(root))
    records, binary, source = disk.prepared(disk.cache() / "own" / made_of, write, read)
    splits, start = [], 0
    for part in parts:
        places = np.arange(start, start + len(part.paths))
        rows = disk.Rows(records, places, divisor=255 if binary else 1)
        splits.append(Split(rows if part is parts[0] else rows[:], part.label))
        start += len(part.paths)
    return splits, binary, source


def _header(path: str) -> _Header:
    with reading(path, "is no image"), Image.open(path) as image:
        width, height = image.size
        turned = image.getexif().get(_ORIENTATION) in _TURNED
        mode = image.mode
    if mode in _WIDE:
        raise UserError(f"{path} must have 8 bits a pixel and channel, got mode {mode}")
    return _Header((width, height) if turned else (height, width), mode)


def _one_size(root: str, headers: list[_Header]) -> tuple[int, int]:
    counts = collections.Counter(header.size for header in headers).most_common()
    if len(counts) > 1:
        said = some(f"{number:,} of {h} x {w}" for (h, w), number in counts)
        usual = "{},{}".format(*counts[0][0])
        raise UserError(
            f"{root}: the images are of {len(counts):,} sizes ({said}): make them one with "
            f"--set=image_size={usual}"
        )
    return counts[0][0]


def _one_colour(root: str, headers: list[_Header]) -> int:
    grey = sum(header.mode in _GREY for header in headers)
    if 0 < grey < len(headers):
        raise UserError(
            f"{root}: {grey:,} images are grey and {len(headers) - grey:,} have colours: make them one with "
            "--set=image_colour=grey or rgb"
        )
    return 1 if grey else 3


def _pixels(path: str, shape: tuple[int, int, int]) -> tuple[bytes, np.ndarray]:
    """(the file's bytes, uint8 [H, W, C])."""
    with reading(path):
        with open(path, "rb") as stream:
            raw = stream.read()
        with Image.open(io.BytesIO(raw)) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info:
                white = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(white, image.convert("RGBA"))
            return raw, fitted(image, shape)
