"""The colour of a face's skin, frame by frame: forehead and cheeks by the 68 landmarks."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types import Image

REGIONS: Final = ("forehead", "left_cheek", "right_cheek")
"""Where skin is looked at, left and right as one sees them in the picture."""

_LEFT_EYE, _RIGHT_EYE = slice(36, 42), slice(42, 48)
_MOUTH: Final = slice(48, 60)
_FOREHEAD: Final = (0.12, 0.5)
"""How far above the brows it begins and ends, in inter-ocular distances; above that there may be hair."""
_CHEEKS: Final = (
    ((41, 31, 0.45), (36, 2, 0.5), (3, 48, 0.35), (31, 48, 0.45)),
    ((46, 35, 0.45), (45, 14, 0.5), (13, 54, 0.35), (35, 54, 0.45)),
)
"""The corners of each cheek, as a share of the way from one landmark to another."""
_DARKEST, _BRIGHTEST = 4, 250
"""Pixels beyond these are black or clipped, and show no pulse."""
_LEAST_USABLE: Final = 0.6
_LEAST_PX: Final = 60
_LEAST_GREEN: Final = 24.0
"""In darker skin of a picture, the steps of 8 bits are larger than a pulse."""
_SUB_PX: Final = 4
"""Bits of the corners' fractions of a pixel."""


def skin_polygons(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return where a face's skin is looked at.

    Args:
        landmarks: (68, 2) in pixels, iBUG's order.

    Returns:
        (3, 4, 2) the corners of each of `REGIONS`, in pixels.
    """
    points = np.asarray(landmarks, np.float64)
    left, right = points[_LEFT_EYE].mean(axis=0), points[_RIGHT_EYE].mean(axis=0)
    across = right - left
    up = np.array([across[1], -across[0]])  # as long as the eyes are apart
    if up @ (points[_MOUTH].mean(axis=0) - left - across / 2) > 0:
        up = -up
    low, high = _FOREHEAD
    brows = points[19], points[24]
    forehead = [brows[0] + low * up, brows[0] + high * up, brows[1] + high * up, brows[1] + low * up]
    cheeks = [[points[a] + way * (points[b] - points[a]) for a, b, way in cheek] for cheek in _CHEEKS]
    return np.array([forehead, *cheeks])


def skin_colours(image: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the mean colour of the skin of forehead and cheeks.

    Args:
        image: the frame, uint8 RGB.
        landmarks: (68, 2) in pixels, iBUG's order.

    Returns:
        (3, 3) red, green and blue, 0 to 255, of each of `REGIONS`. NaN where less than 60 % of a region is
        in the picture and neither black nor clipped, where it is too dark for a pulse, and where it is too
        small.
    """
    colours = np.full((len(REGIONS), 3), np.nan)
    if not np.isfinite(landmarks).all():
        return colours
    height, width = image.shape[:2]
    for index, corners in enumerate(skin_polygons(landmarks)):
        first = np.floor(corners.min(axis=0)).astype(int).clip(0, (width, height))
        last = np.ceil(corners.max(axis=0)).astype(int).clip(0, (width, height))
        patch = image[first[1] : last[1], first[0] : last[0]]
        area = cv2.contourArea(corners.astype(np.float32))
        if area < _LEAST_PX or 0 in patch.shape:
            continue
        mask = np.zeros(patch.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, np.rint((corners - first) * 2**_SUB_PX).astype(np.int32), 255, shift=_SUB_PX)
        cv2.bitwise_and(mask, cv2.inRange(patch, (_DARKEST,) * 3, (_BRIGHTEST,) * 3), dst=mask)
        if cv2.countNonZero(mask) >= _LEAST_USABLE * area:
            colour = cv2.mean(patch, mask)[:3]
            if colour[1] >= _LEAST_GREEN:
                colours[index] = colour
    return colours
