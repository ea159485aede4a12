"""A person's two photographs as one face that moves: a mesh over landmarks, and its pictures.

The mesh joins the 68 landmarks with points of the head's outline and of the picture's border. Each of its
triangles is warped by its own affine map from both photographs, whose colours are blended; the smiling one's
teeth appear as soon as lips part. A turned head is the same mesh turned in space, with the depth of the
standard face, its nearer triangles drawn over the farther ones.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from mien.measures.face3d import RIGID, STANDARD_FACE
from mien.types import Image
from mien.videos.made.plan import Floats

LEVELS: Final = 24
"""Steps of strength whose pictures are kept; between two of them is less than half a pixel, so they blend."""

# x, y and z as of the standard face, and how far the point goes along with the head.
_OUTLINE: Final = np.array(
    [
        (-0.98, -0.25, 1.0, 1), (-0.92, 0.45, 1.05, 1), (-0.78, 1.0, 0.95, 0.9), (-0.8, -0.8, 0.8, 1),
        (-0.42, -0.72, 0.35, 1), (0, -0.74, 0.25, 1), (0.42, -0.72, 0.35, 1), (0.8, -0.8, 0.8, 1),
        (0.98, -0.25, 1.0, 1), (0.92, 0.45, 1.05, 1), (0.78, 1.0, 0.95, 0.9), (-0.5, -1.2, 0.8, 1),
        (0.5, -1.2, 0.8, 1), (0, -1.3, 0.75, 1), (-0.55, 1.5, 0.9, 0.35), (0.55, 1.5, 0.9, 0.35),
        (0, 1.55, 0.7, 0.4), (-1.4, 0.2, 1.4, 0.3), (1.4, 0.2, 1.4, 0.3), (0, -1.75, 1.2, 0.4),
    ]
)  # fmt: skip
_BORDER: Final = np.array([(x, y) for x in (0, 0.5, 1) for y in (0, 0.5, 1) if (x, y) != (0.5, 0.5)])
_FAR: Final = 3.0
_INNER_LIPS: Final = np.arange(60, 68)
_UPPER_LIDS, _LOWER_LIDS = np.array([37, 38, 43, 44]), np.array([41, 40, 47, 46])
_LEFT_BROW, _RIGHT_BROW = np.arange(17, 22), np.arange(22, 27)
_PIVOT_DEPTH: Final = 0.9
"""A head turns about its neck, this far behind the eyes."""


class MorphedFace:
    """One person, from neutral (0) to smiling (1).

    Args:
        neutral: uint8 RGB, square.
        smiling: of the same size.
        neutral_points: (68, 2) landmarks in pixels.
        smiling_points: the same of the smiling photograph.
        size_px: side of the pictures that it gives.
    """

    def __init__(
        self, neutral: Image, smiling: Image, neutral_points: Floats, smiling_points: Floats, size_px: int
    ) -> None:
        scale = size_px / neutral.shape[0]
        start = neutral_points * scale
        # The second photograph is moved onto the first by what doesn't smile; the rest is the smile.
        way = _similarity(smiling_points[RIGID], start[RIGID])
        end = smiling_points @ way[:, :2].T + way[:, 2]
        self.size_px = size_px
        self._frame = _similarity(STANDARD_FACE[RIGID, :2], start[RIGID])
        self.unit_px = float(np.hypot(*self._frame[:, 0]))
        outline = _OUTLINE[:, :2] @ self._frame[:, :2].T + self._frame[:, 2]
        border = _BORDER * (size_px + 3) - 2
        self._neutral = np.vstack([start, outline.clip(1, size_px - 2), border])
        self._smiling = self._neutral.copy()
        self._smiling[:68] = end
        depth = np.concatenate([STANDARD_FACE[:, 2], _OUTLINE[:, 2], np.full(len(border), _FAR)])
        self._depth = depth * self.unit_px
        self._follow = np.concatenate([np.ones(68), _OUTLINE[:, 3], np.zeros(len(border))])[:, None]
        triangles = Delaunay((self._neutral + self._smiling) / 2).simplices
        self._triangles = triangles[np.argsort(-depth[triangles].mean(axis=1), kind="stable")]
        small = cv2.resize(neutral, (size_px, size_px), interpolation=cv2.INTER_AREA)
        self._neutral_image = np.asarray(small, np.uint8)
        blurred = cv2.GaussianBlur(smiling, (0, 0), 0.5 / scale) if scale < 1 else smiling
        moved = cv2.warpAffine(
            blurred, way, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        self._smiling_image = np.asarray(moved, np.uint8)
        self._levels: dict[int, Image] = {}

    def points(self, strength: float) -> Floats:
        """Return the landmarks of a frontal face, (68, 2) in pixels."""
        return self._shape(strength)[:68]

    def _shape(self, strength: float) -> Floats:
        return np.asarray(self._neutral + strength * (self._smiling - self._neutral))

    def picture(self, strength: float) -> Image:
        """Return the frontal face at a strength from 0 to 1, uint8 RGB."""
        place = min(max(strength, 0.0), 1.0) * LEVELS
        low = int(place)
        if place == low:
            return self._level(low)
        share = place - low
        return np.asarray(
            cv2.addWeighted(self._level(low), 1 - share, self._level(low + 1), share, 0), np.uint8
        )

    def _level(self, level: int) -> Image:
        if level not in self._levels:
            self._levels[level] = self._drawn(level / LEVELS)
        return self._levels[level]

    def _drawn(self, strength: float) -> Image:
        if strength == 0:
            return self._neutral_image
        shape = self._shape(strength)
        before = self._warped(self._neutral_image, shape, self._neutral)
        after = self._warped(self._smiling_image, shape, self._smiling)
        weight = strength * self._face_mask
        mouth = np.zeros((self.size_px, self.size_px), np.uint8)
        cv2.fillPoly(mouth, [_fixed(shape[_INNER_LIPS])], 255, shift=4)
        inside = cv2.GaussianBlur(mouth, (0, 0), 0.008 * self.size_px).astype(np.float32)[..., None] / 255
        weight = weight + inside * ((1 - (1 - strength) ** 3) - weight)
        return np.rint(before + weight * (after.astype(np.float32) - before)).astype(np.uint8)

    @cached_property
    def _face_mask(self) -> NDArray[np.float32]:
        """(side, side, 1) where the smiling photograph counts: the face, without hair and background."""
        mask = np.zeros((self.size_px, self.size_px), np.uint8)
        for points in (self._neutral[:68], self._smiling[:68]):
            cv2.fillConvexPoly(mask, _fixed(cv2.convexHull(points.astype(np.float32))[:, 0]), 255, shift=4)
        blurred = cv2.GaussianBlur(mask, (0, 0), 0.02 * self.size_px)
        return np.asarray(blurred[..., None] / 255, np.float32)

    def turned(
        self,
        picture: Image,
        strength: float,
        pose_deg: Floats,
        shift: Floats,
        *,
        shut: float = 0.0,
        brows_up: float = 0.0,
        brows_drawn: float = 0.0,
    ) -> tuple[Image, Floats]:
        """Turn and move the head of a picture of this face.

        Args:
            picture: of this strength.
            strength: from 0 to 1.
            pose_deg: (3,) yaw, pitch and roll as `measures.pose` has them.
            shift: (2,) in shares of the picture.
            shut: how far the eyes are shut, 0 to 1.
            brows_up: how far the brows are raised, 0 to 1.
            brows_drawn: how far they are drawn down and together, 0 to 1.

        Returns:
            The picture, and the landmarks in it, (68, 2).
        """
        source = self._shape(strength)
        target = source.copy()
        target[_UPPER_LIDS] += 0.92 * shut * (source[_LOWER_LIDS] - source[_UPPER_LIDS])
        down, right = self._frame[:, 1], self._frame[:, 0]
        target[17:27] += (0.1 * brows_drawn - 0.13 * brows_up) * down
        target[_UPPER_LIDS] -= 0.025 * brows_up * (1 - shut) * down
        target[_LEFT_BROW[-3:]] += 0.05 * brows_drawn * right
        target[_RIGHT_BROW[:3]] -= 0.05 * brows_drawn * right
        pivot = np.append(self._frame[:, 2] + 0.4 * down, _PIVOT_DEPTH * self.unit_px)
        turned = (np.column_stack([target, self._depth]) - pivot) @ rotation(pose_deg).T + pivot
        target += self._follow * (turned[:, :2] + shift * self.size_px - target)
        return self._warped(picture, target, source), target[:68]

    def _warped(self, image: Image, target: Floats, source: Floats) -> Image:
        """Warp each triangle from its place in `source` to that in `target`."""
        half = self.size_px // 2
        index = np.zeros((half, half), np.int16)
        fixed = _fixed((target + 0.5) / 2 - 0.5)
        corners = np.concatenate([target, np.ones((len(target), 1))], axis=1)[self._triangles]
        areas = np.linalg.det(corners)
        shown = np.flatnonzero(np.abs(areas) > 1e-3)
        ways = np.linalg.solve(corners[shown], source[self._triangles[shown]]).astype(np.float32)
        for number, triangle in enumerate(self._triangles[shown]):
            cv2.fillConvexPoly(index, fixed[triangle], number, shift=4)
        grid = 2 * np.arange(half, dtype=np.float32) + 0.5
        way = ways[index]
        where = way[..., 0, :] * grid[None, :, None] + way[..., 1, :] * grid[:, None, None] + way[..., 2, :]
        full: Any = cv2.resize(where, (self.size_px, self.size_px), interpolation=cv2.INTER_LINEAR)
        return np.asarray(
            cv2.remap(image, full[..., 0], full[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
            np.uint8,
        )


def rotation(pose_deg: Floats) -> Floats:
    """Return the (3, 3) matrix that turns a head by yaw, pitch and roll, in degrees."""
    yaw, pitch, roll = np.deg2rad(pose_deg)
    about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def _fixed(points: NDArray[Any]) -> NDArray[np.int32]:
    """Return points as OpenCV's numbers with four binary places."""
    return np.asarray(np.rint(points * 16), np.int32)


def _similarity(points: Floats, onto: Floats) -> Floats:
    """Return the (2, 3) matrix that turns, scales and moves points onto others, by least squares."""
    middle, there = points.mean(axis=0), onto.mean(axis=0)
    from_, to = (points - middle) @ [1, 1j], (onto - there) @ [1, 1j]
    factor = np.vdot(from_, to) / np.vdot(from_, from_)
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([turn, there - turn @ middle])
