"""Images made one size and one colour.

Legend: H W C image.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

__all__ = ["fitted"]


def fitted(image: Image.Image, shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 [H, W, C], C 1 (grey) or 3: the largest middle part of that form, resized."""
    height, width, channels = shape
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        # a box given to resize would let what lies outside of it in
        image = image.crop(_middle(image.size, (width, height)))
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(shape)


def _middle(size: tuple[int, int], form: tuple[int, int]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of the largest middle part of an image that has that form."""
    scale = min(side / wanted for side, wanted in zip(size, form))
    width, height = (max(1, round(scale * wanted)) for wanted in form)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height
