"""Faces of which everything is known: the standard face, moved, turned and seen by a camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from mien.measures.face3d import STANDARD_FACE

Floats = NDArray[np.float64]


def turn(yaw: float, pitch: float, roll: float) -> Floats:
    """(3, 3) by SciPy: first pitch, then yaw, then roll, with the signs of docs/measures.md."""
    return np.asarray(Rotation.from_euler("ZYX", [roll, -yaw, -pitch], degrees=True).as_matrix())


def seen(
    face: ArrayLike = STANDARD_FACE,
    *,
    yaw: float = 0,
    pitch: float = 0,
    roll: float = 0,
    scale: float = 100,
    shift: tuple[float, float] = (320, 180),
    distance: float | None = None,
) -> Floats:
    """(68, 2) a face's picture in pixels.

    Args:
        face: (68, 3) in distances between the outer corners of the eyes.
        yaw, pitch, roll: in degrees.
        scale: pixels for one such distance.
        shift: where the point between the eyes comes to lie.
        distance: from the camera, in such distances (about 9 cm); None is infinitely far.
    """
    points = np.asarray(face) @ turn(yaw, pitch, roll).T
    depth = np.ones(68) if distance is None else 1 + points[:, 2] / distance
    return np.asarray(scale * points[:, :2] / depth[:, None] + shift)


def moved(points: list[int], xyz: tuple[float, float, float], face: Floats = STANDARD_FACE) -> Floats:
    """(68, 3) a face some of whose points are moved."""
    result = face.copy()
    result[points] += xyz
    return result
