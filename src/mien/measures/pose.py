"""Head pose: how the standard face has to be turned, scaled and moved to lie on the landmarks.

The camera is taken as far away (scaled orthography), as nobody knows its focal length. A quaternion of any
length holds both rotation and scale, and the picture of the face is a quadratic form of its four numbers, so
that a few Gauss-Newton steps on 4 unknowns find it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.measures.face3d import RIGID, STANDARD_FACE

Floats = NDArray[np.float64]

_STEPS: Final = 5
"""One more would change less than a thousandth of a degree, for faces turned by up to 85 degrees."""


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """How n heads are turned, and where they are.

    Attributes:
        rotation: (n, 3, 3) from the standard face's axes to the picture's: x to the right, y down, z away.
        scale: (n,) pixels for one distance between the outer corners of the eyes.
        shift: (n, 2) where the point between the eyes lies, x and y in pixels.
    """

    rotation: Floats
    scale: Floats
    shift: Floats

    @property
    def angles_deg(self) -> Floats:
        """(n, 3) yaw, pitch, roll in degrees: rotation = Rz(roll) Ry(yaw) Rx(pitch), each with its own sign.

        Yaw is positive where the face turns to the picture's right, pitch where it looks up, roll where the
        head leans to the picture's right (clockwise as one sees it).
        """
        r = self.rotation
        yaw = np.arcsin(np.clip(r[:, 2, 0], -1, 1))
        pitch = np.arctan2(-r[:, 2, 1], r[:, 2, 2])
        roll = np.arctan2(r[:, 1, 0], r[:, 0, 0])
        return np.asarray(np.degrees(np.stack([yaw, pitch, roll], axis=1)))

    @property
    def turned_deg(self) -> Floats:
        """(n,) the angle between where the face looks and the camera, 0 to 180 degrees."""
        return np.asarray(np.degrees(np.arccos(np.clip(self.rotation[:, 2, 2], -1, 1))))


class PoseSolver:
    """Finds poses by least squares over the points that keep their place, `face3d.RIGID`.

    Args:
        face: (68, 3) the face in space.
    """

    def __init__(self, face: Floats) -> None:
        self._middle = face[RIGID].mean(axis=0)
        centred = face[RIGID] - self._middle
        spread, vectors = np.linalg.eigh(centred.T @ centred)
        # All that points say of a pose is in the affine map that fits them best, weighed by their spread.
        self._to_affine = centred @ (vectors / spread) @ vectors.T
        self._root = vectors * np.sqrt(spread)
        self._forms = np.einsum("rkij,kc->rcij", _FORMS, self._root).reshape(24, 4)

    def solve(self, landmarks: NDArray[np.floating]) -> Pose:
        """Find how faces are turned; arguments and result as those of `solve_pose`."""
        points = np.asarray(landmarks, np.float64)[:, RIGID]
        middle = points.mean(axis=1)
        affine = (points - middle[:, None]).transpose(0, 2, 1) @ self._to_affine
        quaternion = self._fit(affine)
        scale = (quaternion**2).sum(axis=1)
        rotation = _rotation(quaternion / np.sqrt(scale)[:, None])
        return Pose(rotation, scale, middle - scale[:, None] * (rotation[:, :2] @ self._middle))

    def _fit(self, affine: Floats) -> Floats:
        """(n, 4) the quaternions whose first two rows come nearest to the affine maps."""
        wanted = (affine @ self._root).reshape(-1, 6, 1)
        quaternion = _start(affine)[:, :, None]
        for _ in range(_STEPS):
            slope = (self._forms @ quaternion).reshape(-1, 6, 4)
            missing = wanted - slope @ quaternion
            turned = slope.transpose(0, 2, 1)
            quaternion = quaternion + np.linalg.solve(2 * turned @ slope, turned @ missing)
        return np.asarray(quaternion[:, :, 0])


def solve_pose(landmarks: NDArray[np.floating]) -> Pose:
    """Find how heads are turned.

    Args:
        landmarks: (n, 68, 2) in pixels, iBUG's order, finite, and not all in one place.

    Returns:
        The poses. The picture of a point p of the standard face is scale * (rotation @ p)[:2] + shift.
    """
    return _STANDARD.solve(landmarks)


def frontal(landmarks: NDArray[np.floating], pose: Pose) -> Floats:
    """Turn faces to the front: where their points would lie if they faced the camera.

    Each point keeps the depth that it has on the standard face, so what moves towards the camera is not seen.

    Args:
        landmarks: (n, 68, 2) in pixels.
        pose: of the n faces.

    Returns:
        (n, 68, 2) x and y in the standard face's frame: to the right and down from the point between
        the eyes, in distances between the outer corners of the eyes.
    """
    seen = (np.asarray(landmarks, np.float64) - pose.shift[:, None]) / pose.scale[:, None, None]
    seen -= pose.rotation[:, None, :2, 2] * STANDARD_FACE[:, 2, None]
    (a, b), (c, d) = pose.rotation[:, :2, :2].transpose(1, 2, 0)
    flat = np.array([[d, -c], [-b, a]]).transpose(2, 0, 1) / (a * d - b * c)[:, None, None]
    return np.asarray(seen @ flat)


def _forms() -> Floats:
    """(2, 3, 4, 4) quadratic forms of a quaternion (w, x, y, z): its rotation's first two rows."""
    forms = np.zeros((2, 3, 4, 4))
    forms[0, 0] = np.diag([1, 1, -1, -1])
    forms[1, 1] = np.diag([1, -1, 1, -1])
    for row, column, i, j, value in (
        (0, 1, 1, 2, 1), (0, 1, 0, 3, -1), (0, 2, 1, 3, 1), (0, 2, 0, 2, 1),
        (1, 0, 1, 2, 1), (1, 0, 0, 3, 1), (1, 2, 2, 3, 1), (1, 2, 0, 1, -1),
    ):  # fmt: skip
        forms[row, column, i, j] = forms[row, column, j, i] = value
    return forms


_FORMS: Final = _forms()


def _start(affine: Floats) -> Floats:
    """(n, 4) the quaternions of faces that are turned in the picture's plane only."""
    right = affine[:, 0, 0] + affine[:, 1, 1]
    up = affine[:, 1, 0] - affine[:, 0, 1]
    root = np.sqrt(np.hypot(right, up) / 2)
    half = np.arctan2(up, right) / 2
    zero = np.zeros_like(half)
    return np.stack([root * np.cos(half), zero, zero, root * np.sin(half)], axis=1)


def _rotation(unit: Floats) -> Floats:
    """(n, 3, 3) the rotations of quaternions of length 1."""
    rows = (unit[:, None, None, None] @ _FORMS @ unit[:, None, None, :, None])[..., 0, 0]
    return np.concatenate([rows, np.cross(rows[:, :1], rows[:, 1:])], axis=1)


_STANDARD: Final = PoseSolver(STANDARD_FACE)
