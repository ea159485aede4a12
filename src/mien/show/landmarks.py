"""Draws landmarks as the lines that an eye sees in a face: jaw, brows, nose, eyes and lips."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.show.palette import BLACK, RGB, WHITE
from mien.types import Faces, Image

LINES: Final = (
    (range(17), False),  # jaw
    (range(17, 22), False),  # brows
    (range(22, 27), False),
    (range(27, 31), False),  # nose
    (range(31, 36), False),
    (range(36, 42), True),  # eyes
    (range(42, 48), True),
    (range(48, 60), True),  # lips
    (range(60, 68), True),
)
"""Which points belong to one line, and whether it closes."""

_SMALLEST_PX: Final = 40
"""On a smaller face the lines would hide what they show."""
_SUBPIXEL_BITS: Final = 4


def draw_landmarks(image: Image, faces: Faces) -> Image:
    """Draw the landmarks of all faces that have them, light on a dark edge, on a copy of the picture.

    Args:
        image: uint8 RGB; it is not changed.
        faces: the faces in it.

    Returns:
        A new image of the same shape.
    """
    canvas = image.copy()
    for points, size_wh in zip(faces.landmarks, faces.size_wh, strict=True):
        side = float(size_wh.min())
        if side < _SMALLEST_PX or np.isnan(points).any():
            continue
        line_px = max(1, round(side / 160))
        _draw_lines(canvas, points, BLACK, line_px + 2, 0.45)
        _draw_lines(canvas, points, WHITE, line_px, 0.9)
    return canvas


def _draw_lines(
    canvas: Image, points: NDArray[np.float32], colour: RGB, line_px: int, opacity: float
) -> None:
    left, top = np.maximum(np.floor(points.min(axis=0)).astype(int) - line_px, 0)
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + line_px + 1
    part = canvas[top:bottom, left:right]
    if 0 in part.shape:
        return
    drawn = part.copy()
    # Positions count from a pixel's corner, OpenCV's from its middle.
    pixels = (points - (left, top) - 0.5) * (1 << _SUBPIXEL_BITS)
    for places, closes in LINES:
        line = np.rint(pixels[list(places)]).astype(np.int32)
        cv2.polylines(drawn, [line], closes, colour, line_px, cv2.LINE_AA, shift=_SUBPIXEL_BITS)
    part[:] = cv2.addWeighted(drawn, opacity, part, 1 - opacity, 0)
