"""What follows from a face's 68 landmarks (iBUG's order): its five points and its box."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEFT_EYE, _RIGHT_EYE = slice(36, 42), slice(42, 48)
_NOSE, _MOUTH_LEFT, _MOUTH_RIGHT = 30, 48, 54
_BEYOND: Final = np.array([-0.01, 0.34, -0.01, 0.04])
"""How far MTCNN's box goes beyond the landmarks' (left, top, right, bottom), in shares of their box."""
_BEYOND_TURNED: Final = np.array([np.roll(_BEYOND, quarters) for quarters in range(4)]) * [-1, -1, 1, 1]
"""The same of a face turned clockwise by quarters, added to left, top, right and bottom."""


def five_points(landmarks: NDArray[np.floating]) -> Floats:
    """Return the points that a detector sets, from landmarks.

    Args:
        landmarks: (n, 68, 2) in pixels.

    Returns:
        (n, 5, 2) in the order of `types.POINTS`: the eyes' middles, the nose's tip, the mouth's corners.
    """
    eyes = [landmarks[:, eye].mean(axis=1) for eye in (_LEFT_EYE, _RIGHT_EYE)]
    others = (landmarks[:, index] for index in (_NOSE, _MOUTH_LEFT, _MOUTH_RIGHT))
    return np.stack([*eyes, *others], axis=1).astype(np.float64)


def face_boxes(landmarks: NDArray[np.floating], size_wh: tuple[int, int]) -> Floats:
    """Return each face's box, as the default detector would draw it, from landmarks.

    Args:
        landmarks: (n, 68, 2) in pixels.
        size_wh: width and height of the picture.

    Returns:
        (n, 4) left, top, right, bottom, inside the picture and at least one pixel wide and high; of a face
        that is outside, a strip of the edge.
    """
    low, high = landmarks.min(axis=1), landmarks.max(axis=1)
    beyond = np.tile(high - low, 2) * _BEYOND_TURNED[_quarters(landmarks)]
    left_top = (low + beyond[:, :2]).clip(0, np.subtract(size_wh, 1))
    return np.hstack([left_top, (high + beyond[:, 2:]).clip(left_top + 1, size_wh)])


def _quarters(landmarks: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return by how many quarters, clockwise, each face is turned about: 0 to 3."""
    x, y = (landmarks[:, _RIGHT_EYE].mean(axis=1) - landmarks[:, _LEFT_EYE].mean(axis=1)).T
    return np.asarray(np.rint(np.nan_to_num(np.arctan2(y, x)) / (np.pi / 2)), np.int64) % 4


def interocular_px(landmarks: Floats) -> float:
    """Return the distance between the outer eye corners of one face, (68, 2) in pixels; at least one."""
    return max(1.0, float(np.hypot(*(landmarks[45] - landmarks[36]))))
