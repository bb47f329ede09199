"""One's own images: PNG and JPEG files of a folder.

Legend: N images, H W C image.
"""

from __future__ import annotations

import collections
import hashlib
import io
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from tfvae.checks import UserError, affordable, one_of
from tfvae.training.reading import reading
from zoo.datasets.data import Data, Split
from zoo.datasets.own import COLOURS, folder
from zoo.datasets.own.folder import some
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
    headers = _each(data, paths, _header)
    size = tuple(image_size) or _one_size(data, headers)
    channels = {"grey": 1, "rgb": 3}.get(colour) or _one_colour(data, headers)
    shape = (*size, channels)
    affordable(data, len(paths) * shape[0] * shape[1] * channels // 4)
    digests, splits = {}, []
    for part in found.parts.values():
        splits.append(Split(_read(data, part.paths, shape, digests), part.label))
    kind = "rgb8" if channels == 3 else "grey8"
    if channels == 1 and all(_black_and_white(split.x) for split in splits):
        kind = "binary_fixed"
        splits = [split._replace(x=split.x // 255) for split in splits]
    first = splits[0].x[0]
    if not any((image != first).any() for split in splits for image in split.x):
        raise UserError(f"{data}: the {len(paths):,} images are all the same")
    resized = sum(header.size != size for header in headers)
    about = sentence(splits, kind, found.seed, found.names)
    if resized:
        about += f"; {resized:,} were resized, the middle of them if of another form"
    if found.left_out:
        about += f"; {found.left_out:,} other files left out"
    return Data("images", *splits, kind, about, "one's own", folder.checksum(digests), found.names)


def _each(root: str, paths: list[str], work) -> list:
    """`work(path)` of each file; those that it refuses are named and counted in one line."""
    done, refused = [], []
    for path in paths:
        try:
            done.append(work(os.path.join(root, path)))
        except UserError as error:
            refused.append(str(error))
    if refused:
        raise UserError(
            f"{root}: {len(refused):,} of {len(paths):,} images cannot be taken: {some(refused)}"
        )
    return done


def _read(root: str, paths: list[str], shape, digests: dict[str, str]) -> np.ndarray:
    """The images, uint8 [N, H, W, C]; the checksum of each file is put into `digests`."""
    x = np.empty((len(paths), *shape), np.uint8)
    rows = iter(x)

    def fill(path):
        raw, next(rows)[:] = _pixels(path, shape)
        digests[os.path.relpath(path, root)] = hashlib.sha256(raw).hexdigest()

    _each(root, paths, fill)
    return x


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
    height, width, channels = shape
    with reading(path):
        with open(path, "rb") as stream:
            raw = stream.read()
        with Image.open(io.BytesIO(raw)) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info:
                white = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(white, image.convert("RGBA"))
            image = image.convert("L" if channels == 1 else "RGB")
            if image.size != (width, height):
                image = image.crop(_middle(image.size, (width, height)))
                image = image.resize((width, height), Image.Resampling.BILINEAR)
            return raw, np.asarray(image).reshape(shape)


def _middle(size: tuple[int, int], form: tuple[int, int]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the largest middle part of an image that has that form."""
    scale = min(side / wanted for side, wanted in zip(size, form))
    width, height = (max(1, round(scale * wanted)) for wanted in form)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def _black_and_white(x: np.ndarray) -> bool:
    return all(((part == 0) | (part == 255)).all() for part in x)
