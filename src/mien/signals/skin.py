"""The colour of a face's skin, frame by frame, by the 68 landmarks, and of what is beside the faces."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types import Image

REGIONS: Final = (
    "left_forehead",
    "right_forehead",
    "nose",
    "left_cheek",
    "right_cheek",
    "left_jaw",
    "right_jaw",
    "chin",
)
"""Where skin is looked at, left and right as one sees them in the picture."""

_LEFT_EYE, _RIGHT_EYE = slice(36, 42), slice(42, 48)
_MOUTH: Final = slice(48, 60)
_FOREHEAD: Final = (0.12, 0.5)
"""How far above the brows it begins and ends, in inter-ocular distances; above that there may be hair."""
_BELOW_BROWS: Final = (
    ((27, 39, 0.4), (31, 32, 0.0), (35, 34, 0.0), (27, 42, 0.4)),
    ((41, 31, 0.3), (36, 1, 0.4), (2, 31, 0.15), (31, 3, 0.4), (31, 40, 0.1)),
    ((46, 35, 0.3), (45, 15, 0.4), (14, 35, 0.15), (35, 13, 0.4), (35, 47, 0.1)),
    ((31, 3, 0.45), (2, 31, 0.2), (5, 48, 0.15), (48, 4, 0.15)),
    ((35, 13, 0.45), (14, 35, 0.2), (11, 54, 0.15), (54, 12, 0.15)),
    ((59, 6, 0.25), (57, 8, 0.3), (55, 10, 0.25), (56, 9, 0.8), (57, 8, 0.85), (58, 7, 0.8)),
)
"""The corners of nose, cheeks, jaws and chin, as a share of the way from one landmark to another."""
_FROM, _TO, _WAY = (np.array(column) for column in zip(*sum(_BELOW_BROWS, ()), strict=True))
_REGION_ENDS: Final = np.cumsum([len(region) for region in _BELOW_BROWS])[:-1]
_DARKEST, _BRIGHTEST = 4, 250
"""Pixels beyond these are black or clipped, and show no pulse."""
_LEAST_USABLE: Final = 0.6
_LEAST_PX: Final = 60
_LEAST_GREEN: Final = 24.0
"""In darker skin of a picture, the steps of 8 bits are larger than a pulse."""
_BACKGROUND_POINTS, _LEAST_BACKGROUND = 64, 0.05
"""So many points of the picture's shorter side are looked at; so large a share must be beside faces."""
_CELLS, _LEAST_OF_CELL = 16, 0.5
_BESIDE: Final = ((0.25, 0.6), (0.25, 0.25))
"""How far a face and its hair reach beyond its landmarks, in their box's sizes: left, up; right, down."""
_SUB_PX: Final = 4
"""Bits of the corners' fractions of a pixel."""


def skin_polygons(landmarks: NDArray[np.floating]) -> list[NDArray[np.float64]]:
    """Return where a face's skin is looked at.

    Args:
        landmarks: (68, 2) in pixels, iBUG's order.

    Returns:
        The corners of each of `REGIONS`, (n, 2) in pixels.
    """
    points = np.asarray(landmarks, np.float64)
    left, right = points[_LEFT_EYE].mean(axis=0), points[_RIGHT_EYE].mean(axis=0)
    across = right - left
    up = np.array([across[1], -across[0]])  # as long as the eyes are apart
    if up @ (points[_MOUTH].mean(axis=0) - left - across / 2) > 0:
        up = -up
    low, high = _FOREHEAD
    middle = points[21:23].mean(axis=0)
    foreheads = [
        [brow + low * up, brow + high * up, middle + high * up, middle + low * up]
        for brow in points[[18, 25]]
    ]
    below = points[_FROM] + _WAY[:, None] * (points[_TO] - points[_FROM])
    return [*np.array(foreheads), *np.split(below, _REGION_ENDS)]


def skin_colours(image: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the mean colour of a face's skin.

    Args:
        image: the frame, uint8 RGB.
        landmarks: (68, 2) in pixels, iBUG's order.

    Returns:
        (8, 3) red, green and blue, 0 to 255, of each of `REGIONS`. NaN where less than 60 % of a region is
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


def background_colours(image: Image, landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the colours of what is beside all faces: where they change together, the light does.

    Args:
        image: the frame, uint8 RGB.
        landmarks: (faces, 68, 2) in pixels.

    Returns:
        (256, 3) red, green and blue, 0 to 255, of cells of the picture, 16 by 16, which stay where they are
        when faces move. NaN where less than half of a cell is beside the faces and neither black nor clipped,
        and everywhere where that is too little of the picture.
    """
    step = max(1, min(image.shape[:2]) // _BACKGROUND_POINTS)
    coarse = np.ascontiguousarray(image[::step, ::step])
    mask = cv2.inRange(coarse, (_DARKEST,) * 3, (_BRIGHTEST,) * 3)
    for points in landmarks[np.isfinite(landmarks).all(axis=(1, 2))]:
        top, bottom = points.min(axis=0), points.max(axis=0)
        size = bottom - top
        left, upper = np.maximum((top - size * _BESIDE[0]) / step, 0).astype(int)
        right, lower = np.maximum((bottom + size * _BESIDE[1]) / step + 1, 0).astype(int)
        mask[upper:lower, left:right] = 0
    if cv2.countNonZero(mask) < _LEAST_BACKGROUND * mask.size:
        return np.full((_CELLS * _CELLS, 3), np.nan)
    usable = (mask > 0).astype(np.float32)
    share, sums = (
        cv2.resize(each, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA).astype(np.float64)
        for each in (usable, coarse * usable[:, :, None])
    )
    colours = sums / np.maximum(share, _LEAST_OF_CELL)[:, :, None]
    colours[share < _LEAST_OF_CELL] = np.nan
    return np.asarray(colours.reshape(-1, 3))
