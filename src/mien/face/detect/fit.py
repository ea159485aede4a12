"""What every detector does before and after: shrink a large picture, bring the boxes back into it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types import Faces, Image

Floats = NDArray[np.float32]

LONGEST_PX = 2000
"""No detector looks at more than this on the longer side.

48 megapixels would take gigabytes, and show no more faces than 3 do unless they are tiny.
"""


def resized(image: Image, size_wh: tuple[int, int]) -> Image:
    """Resize a picture, averaging where it gets smaller."""
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


def shrunk(image: Image, longest_px: float) -> tuple[Image, Floats]:
    """Shrink a picture whose longer side is over the limit; give any other back as it is.

    Args:
        image: uint8, (height, width, 3).
        longest_px: limit in pixels.

    Returns:
        The picture, at least one pixel wide and high, and the factors (2,) for x and y that lead back.
    """
    height, width = image.shape[:2]
    factor = longest_px / max(height, width)
    if factor >= 1:
        return image, np.ones(2, np.float32)
    size_wh = max(1, round(width * factor)), max(1, round(height * factor))
    return resized(image, size_wh), np.array([width / size_wh[0], height / size_wh[1]], np.float32)


def faces_within(
    image: Image,
    xyxy: Floats,
    detection: Floats,
    points: Floats | None = None,
    *,
    min_face_px: float = 1,
) -> Faces:
    """Make `Faces`, the surest first, with boxes cut at the picture's edges.

    Args:
        image: the picture in whose pixels the boxes are.
        xyxy: (n, 4) left, top, right, bottom; those of which less than a pixel is inside are left out.
        detection: (n,) scores, 0 to 1.
        points: (n, 5, 2) landmarks, which may lie outside; None where the detector has none.
        min_face_px: boxes with a shorter longer side are left out.

    Returns:
        The faces.
    """
    height, width = image.shape[:2]
    inside = xyxy.clip(0, np.array([width, height, width, height], np.float32))
    order = np.argsort(-detection, kind="stable")
    size_wh = (inside[:, 2:] - inside[:, :2])[order]
    order = order[(size_wh.min(axis=1) >= 1) & (size_wh.max(axis=1) >= min_face_px)]
    faces = Faces(inside[order], detection[order])
    return faces if points is None else faces.fill(points=points[order])
