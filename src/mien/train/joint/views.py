"""Faces as the network will meet them: moved, and their landmarks with them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.train.augment import Augmentation, augment_and_tell

Grey = NDArray[np.uint8]
Points = NDArray[np.float32]

MIRROR: Final = np.array(
    [
        *range(16, -1, -1),  # jaw
        *range(26, 16, -1),  # brows
        *range(27, 31), *range(35, 30, -1),  # nose
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,  # eyes
        54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55,  # outer lips
        64, 63, 62, 61, 60, 67, 66, 65,  # inner lips
    ]
)  # fmt: skip
"""Which of the 68 points (iBUG's order) each one becomes in a mirror."""

_TURN = np.linspace(0, 2 * np.pi, 68, endpoint=False)
STANDARD_PLACE: Final = np.stack([0.5 + 0.35 * np.cos(_TURN), 0.55 + 0.4 * np.sin(_TURN)], axis=1).astype(
    np.float32
)
"""Where a face without landmarks is taken to be, (68, 2) shares of the side: FER-2013's usual oval."""

_INSIDE_FACE, _INSIDE_NONE = 0.75, 0.4
_SPAN_FACE, _SPAN_NONE = (0.35, 1.35), (0.22, 2.0)


def look(
    images: Grey, landmarks: Points, chosen: Augmentation, random: np.random.Generator
) -> tuple[Grey, Points]:
    """Change each face in its own way, and its landmarks alike.

    Args:
        images: (n, size, size) uint8.
        landmarks: (n, 68, 2) shares of the side.
        chosen: how far.
        random: where chance comes from.

    Returns:
        The new images, and their landmarks; in a mirror image the points are numbered anew.
    """
    changed, moves = augment_and_tell(images, chosen, random)
    return changed, moved_points(landmarks, moves, images.shape[1])


def moved_points(landmarks: Points, moves: NDArray[np.float64], size_px: int) -> Points:
    """Move landmarks (n, 68, 2), shares of the side, by maps (n, 2, 3) as `augment_and_tell` gives them."""
    pixels = landmarks.astype(np.float64) * size_px - 0.5
    moved = pixels @ moves[:, :, :2].transpose(0, 2, 1) + moves[:, None, :, 2]
    mirrored = np.linalg.det(moves[:, :, :2]) < 0
    moved[mirrored] = moved[mirrored][:, MIRROR]
    return np.asarray((moved + 0.5) / size_px, np.float32)


def presence_of(landmarks: Points) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Say whether moved faces still count as present, by how much of them is left and how large they are.

    Args:
        landmarks: (n, 68, 2) shares of the side.

    Returns:
        (n,) 1 for a face, 0 for none; and (n,) its weight: 0 where it is neither clearly one nor the other.
    """
    inside = ((landmarks >= 0) & (landmarks <= 1)).all(axis=2).mean(axis=1)
    span = np.ptp(landmarks, axis=1).max(axis=1)
    face = (inside >= _INSIDE_FACE) & (span >= _SPAN_FACE[0]) & (span <= _SPAN_FACE[1])
    none = (inside <= _INSIDE_NONE) | (span <= _SPAN_NONE[0]) | (span >= _SPAN_NONE[1])
    return face.astype(np.float32), (face | none).astype(np.float32)
