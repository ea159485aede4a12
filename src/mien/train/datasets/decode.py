"""From the bytes of an image file to a grey square."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import SourceError
from mien.source.images import read_image


def grey_square(source: bytes | Path, size_px: int) -> NDArray[np.uint8] | None:
    """Decode an image as `mien analyze` does, make it grey (ITU-R 601) and bring it to one size.

    Args:
        source: an image file, or its bytes.
        size_px: side of the result in pixels.

    Returns:
        (size_px, size_px) uint8, or None where the image can't be read.
    """
    try:
        image = read_image(source)
    except SourceError:
        return None
    return resize_grey(np.asarray(Image.fromarray(image).convert("L")), size_px)


def resize_grey(grey: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Bring a grey image to (size_px, size_px), averaging areas where it shrinks."""
    if grey.shape == (size_px, size_px):
        return grey
    shrinks = min(grey.shape) > size_px
    resized = cv2.resize(
        grey, (size_px, size_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    return np.asarray(resized, np.uint8)
