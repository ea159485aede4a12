"""Pictures over a WebSocket: a stranger's JPEG is measured before it is decoded; ours are made small."""

from __future__ import annotations

import struct
from typing import Final

import cv2
import numpy as np

from mien.types import Image

LARGEST_WH: Final = (1920, 1080)
"""Width and height of the largest picture that is decoded; upright ones may be 1080 x 1920."""

LARGEST_BYTES: Final = 2_000_000
"""Of a picture that is decoded."""

_START, _SCAN = b"\xff\xd8", b"\xff\xda"
_BASELINE: Final = (0xC0, 0xC1)
_NO_MORE_HEADER: Final = (0xC2, 0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xD9, 0xDA)
_MOST_SCANS: Final = 4
_QUALITY: Final = 80


def jpeg_size_wh(data: bytes) -> tuple[int, int]:
    """Read width and height from a JPEG's header, without decoding it.

    Browsers send baseline JPEG, and nothing else is taken: the many scans of a progressive one can cost
    seconds.

    Raises:
        ValueError: it is no baseline JPEG.
    """
    if not data.startswith(_START) or data.count(_SCAN) > _MOST_SCANS:
        raise ValueError("expected a baseline JPEG")
    place = len(_START)
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _BASELINE:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        if marker in _NO_MORE_HEADER:
            break
        place += 1 if marker == 0xFF else 2 + max(2, struct.unpack_from(">H", data, place + 2)[0])
    raise ValueError("expected a baseline JPEG")


def decode_jpeg(data: bytes) -> Image:
    """Decode a picture, after a look at its size.

    Returns:
        uint8 RGB, shape (height, width, 3).

    Raises:
        ValueError: it is no baseline JPEG, or too large.
    """
    width, height = jpeg_size_wh(data)
    if max(width, height) > LARGEST_WH[0] or min(width, height) > LARGEST_WH[1] or not width or not height:
        raise ValueError(f"expected at most {LARGEST_WH[0]} x {LARGEST_WH[1]} pixels")
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if bgr is None or bgr.shape != (height, width, 3):
        raise ValueError("expected a JPEG that can be decoded")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def encode_jpeg(image: Image, *, widest: int) -> bytes:
    """Encode a picture, uint8 RGB, for the page.

    Args:
        image: shape (height, width, 3).
        widest: a wider picture is made so many pixels wide.
    """
    height, width = image.shape[:2]
    if width > widest:
        size_wh = (widest, max(1, round(height * widest / width)))
        image = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    return encoded.tobytes()
