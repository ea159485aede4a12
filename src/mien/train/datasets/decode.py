"""From the bytes of an image file to a grey square."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import SourceError
from mien.source.images import read_image

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


def grey_square(source: bytes | Path, size_px: int, box: Box | None = None) -> NDArray[np.uint8] | None:
    """Decode an image as `mien analyze` does, make it grey (ITU-R 601) and bring it to one size.

    Args:
        source: an image file, or its bytes.
        size_px: side of the result in pixels.
        box: the part that counts; all of it where left out.

    Returns:
        (size_px, size_px) uint8, or None where the image can't be read or the box lies outside.
    """
    try:
        image = read_image(source)
    except SourceError:
        return None
    grey = np.asarray(Image.fromarray(image).convert("L"))
    if box is not None:
        left, top, right, bottom = (max(0, side) for side in box)
        grey = grey[top:bottom, left:right]
    return resize_grey(grey, size_px) if grey.size else None


def resize_grey(grey: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Bring a grey image to (size_px, size_px), averaging areas where it shrinks."""
    if grey.shape == (size_px, size_px):
        return grey
    shrinks = min(grey.shape) > size_px
    resized = cv2.resize(
        grey, (size_px, size_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    return np.asarray(resized, np.uint8)
